//! Where a roll-out stands: a function of what happened, and of nothing else.

mod conversation;
mod event;
mod phase;
mod segments;
mod snapshot;

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::conversation::{Conversation, Told, Values};
pub(super) use self::event::FORMAT;
pub use self::event::{Cause, Event, Opened, Outcome, Remembered};
pub use self::phase::Phase;
use self::segments::Segments;
pub use self::segments::{Segment, SegmentKind};
use super::assign::{Id, Key};
use super::counts::{Arm, Counts};
use super::decide::{Decision, Figure, decide, figures};

/// A step's time is told by clock events that are at most so far apart. What is more, or less than nothing, is a
/// process that was down or a clock that was set, and not counted.
const MOST_BETWEEN: u64 = 5 * 60 * 1000;
/// So often it is looked whose time is over, in milliseconds.
const HOUR: u64 = 60 * 60 * 1000;
/// The candidate's conversations from one point of the curves to the next, as a factor.
const POINTS_GROW: f64 = 1.1;

/// What was told and not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncounted {
    /// Turns and ratings of conversations, and ratings of turns, that are not known (any more).
    pub unknown: u64,
    /// Turns that were told before.
    pub repeated: u64,
    /// Ratings of a conversation in which 64 turns are rated already.
    #[serde(default)]
    pub beyond: u64,
    /// Turns and ratings of conversations that began in an earlier step.
    pub earlier: u64,
    /// Conversations of customers who have as many in this step as count.
    pub same_customer: u64,
}

/// A point of the curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The step, from 0.
    pub step: usize,
    /// When, in milliseconds since 1970 UTC.
    pub at: u64,
    /// What was known then.
    pub figures: Vec<Figure>,
}

/// Where a roll-out stands, by its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    opened: Opened,
    phase: Phase,
    step: usize,
    /// How long the step has taken, or how long ago the candidate was promoted, in milliseconds.
    elapsed: u64,
    clock: Option<u64>,
    /// How many decisions there have been, the opening included.
    epoch: u64,
    #[serde(skip)]
    conversations: HashMap<Id, Conversation>,
    /// The conversations of each customer in this step.
    #[serde(skip)]
    customers: HashMap<(Id, Arm), u32>,
    begun: [u64; 2],
    counts: Counts,
    segments: [Segments; 2],
    uncounted: Uncounted,
    curve: Vec<Point>,
    next_point: u64,
    history: Vec<Event>,
}

impl State {
    /// Starts with the first event.
    #[must_use]
    pub fn new(opened: Opened) -> Self {
        let next_point = opened.config.least;
        Self {
            opened,
            phase: Phase::Ready,
            step: 0,
            elapsed: 0,
            clock: None,
            epoch: 1,
            conversations: HashMap::new(),
            customers: HashMap::new(),
            begun: [0; 2],
            counts: Counts::default(),
            segments: Default::default(),
            uncounted: Uncounted::default(),
            curve: Vec::new(),
            next_point,
            history: Vec::new(),
        }
    }

    /// Takes what happened next. What cannot have happened by the state changes nothing but the count of what was not counted.
    pub fn apply(&mut self, event: &Event) {
        if event.is_decision() {
            self.decided(event);
        }
        match *event {
            Event::Assigned {
                id,
                arm,
                customer,
                at,
            } => self.assigned(id, arm, customer, at),
            Event::Switched { id, at } => {
                let switched = Conversation::new(Arm::Stable, self.step, false, at);
                let it = self.conversations.entry(id).or_insert(switched);
                (it.arm, it.last) = (Arm::Stable, at);
                it.is_counted = false;
            }
            Event::Snapshot(ref snapshot) => self.clone_from(snapshot),
            Event::Remembered(ref remembered) => self.remember(remembered),
            Event::Turn {
                id,
                turn,
                outcome,
                ref language,
                ref intent,
                at,
            } => {
                self.name_segments(id, [language.as_deref(), intent.as_deref()]);
                self.told(id, at, |it| it.add_turn(turn, outcome));
            }
            Event::Rated {
                id,
                turn,
                rating,
                at,
            } => self.told(id, at, |it| it.rate(turn, rating)),
            Event::Clock { at } => self.clock(at),
            _ => {}
        }
    }

    fn decided(&mut self, event: &Event) {
        self.epoch += 1;
        self.history.push(event.clone());
        match *event {
            Event::Step { step, .. } => {
                if step != self.step || self.phase == Phase::Ready {
                    self.begin(step);
                }
                self.phase = Phase::Running;
            }
            Event::Passed { .. } => self.phase = Phase::Passed,
            Event::Paused { .. } => self.phase = Phase::Paused,
            Event::RolledBack { .. } => self.phase = Phase::RolledBack,
            Event::Promoted { .. } => (self.phase, self.elapsed) = (Phase::Promoted, 0),
            _ => {}
        }
    }

    /// Each step counts afresh: with another share, it is another mixture of hours and customers.
    fn begin(&mut self, step: usize) {
        self.step = step;
        self.elapsed = 0;
        self.customers.clear();
        self.begun = [0; 2];
        self.counts = Counts::default();
        self.segments.iter_mut().for_each(Segments::clear);
        self.next_point = self.opened.config.least;
    }

    fn assigned(&mut self, id: Id, arm: Arm, customer: Option<Id>, at: u64) {
        if self
            .conversations
            .get(&id)
            .is_some_and(|it| !it.has_answer())
        {
            return;
        }
        // That of another conversation of its name may be there, what it has counted stays counted.
        let (known, most) = (self.customers.len(), self.opened.config.most);
        let is_counted = customer.is_none_or(|customer| {
            // Whoever is not remembered may be any of them, and is not counted.
            if known >= most && !self.customers.contains_key(&(customer, arm)) {
                return false;
            }
            let begun = self.customers.entry((customer, arm)).or_default();
            *begun += 1;
            *begun <= self.opened.config.per_customer
        });
        self.uncounted.same_customer += u64::from(!is_counted);
        self.begun[arm as usize] += 1;
        let conversation = Conversation::new(arm, self.step, is_counted, at);
        self.conversations.insert(id, conversation);
    }

    fn name_segments(&mut self, id: Id, names: [Option<&str>; 2]) {
        if let Some(it) = self.conversations.get_mut(&id)
            && it.is_new()
        {
            for (kind, name) in names.into_iter().enumerate() {
                it.segments[kind] = name.map(|name| self.segments[kind].place(name));
            }
        }
    }

    /// Changes what is known of a conversation, and with it what is counted.
    fn told(&mut self, id: Id, at: u64, change: impl FnOnce(&mut Conversation) -> Told) {
        let Some(it) = self.conversations.get_mut(&id) else {
            self.uncounted.unknown += 1;
            return;
        };
        it.last = at;
        let old = it.values();
        match change(it) {
            Told::New => {}
            Told::Repeated => self.uncounted.repeated += 1,
            Told::Unknown => self.uncounted.unknown += 1,
            Told::Beyond => self.uncounted.beyond += 1,
        }
        if it.step != self.step {
            self.uncounted.earlier += 1;
        } else if it.is_counted {
            let (arm, segments, new) = (it.arm, it.segments, it.values());
            self.count(arm, segments, old, new);
            self.draw(at);
        }
    }

    fn count(&mut self, arm: Arm, segments: [Option<u8>; 2], old: Values, new: Values) {
        new.replace(&old, arm, &mut self.counts);
        for (kind, place) in segments.into_iter().enumerate() {
            let counts = place.and_then(|place| self.segments[kind].counts_mut(place));
            if let Some(counts) = counts {
                new.replace(&old, arm, counts);
            }
        }
    }

    /// Adds a point to the curves, if it is time.
    fn draw(&mut self, at: u64) {
        let watched = self.opened.config.guardrails.keys();
        let counted = watched.map(|&it| self.counts.tally(Arm::Canary, it).count);
        let counted = counted.max().unwrap_or(0);
        if counted >= self.next_point {
            self.next_point = ((counted as f64 * POINTS_GROW).ceil() as u64).max(counted + 1);
            self.curve.push(Point {
                step: self.step,
                at,
                figures: figures(&self.opened.config, &self.counts),
            });
        }
    }

    fn clock(&mut self, at: u64) {
        let Some(before) = self.clock.replace(at) else {
            return;
        };
        let between = at.checked_sub(before).filter(|&it| it <= MOST_BETWEEN);
        if let Some(between) = between {
            if matches!(self.phase, Phase::Running | Phase::Promoted) {
                self.elapsed += between;
            }
            if at / HOUR != before / HOUR {
                self.forget(at);
            }
        }
    }

    /// Forgets conversations whose time is over. What was counted of them stays.
    fn forget(&mut self, at: u64) {
        let expiry = self.opened.config.expiry.as_millis();
        let is_alive = |it: &Conversation| u128::from(at.saturating_sub(it.last)) <= expiry;
        self.conversations.retain(|_, it| is_alive(it));
    }

    /// Gives what the roll-out is of.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Gives where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Gives the step, from 0.
    #[must_use]
    pub fn step(&self) -> usize {
        self.step
    }

    /// Gives how long the step has been under way, or how long it is since the promotion.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed)
    }

    /// Gives what was counted in the step.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Gives the decisions so far, each an event.
    #[must_use]
    pub fn history(&self) -> &[Event] {
        &self.history
    }

    /// Gives the points of the curves, those of all steps.
    #[must_use]
    pub fn curve(&self) -> &[Point] {
        &self.curve
    }

    /// Gives what was told and not counted, in all steps.
    #[must_use]
    pub fn uncounted(&self) -> Uncounted {
        self.uncounted
    }

    /// Gives the conversations that have begun in the step with this model.
    #[must_use]
    pub fn begun(&self, arm: Arm) -> u64 {
        self.begun[arm as usize]
    }

    /// Gives the segments of a kind, with what was counted of them in the step.
    #[must_use]
    pub fn segments(&self, kind: SegmentKind) -> &[Segment] {
        &self.segments[kind as usize].0
    }

    /// Gives the share of new conversations that the candidate gets now.
    #[must_use]
    pub fn share(&self) -> f64 {
        match self.phase {
            Phase::Running | Phase::Passed => self.opened.config.shares[self.step],
            Phase::Promoted => 1.0,
            Phase::Ready | Phase::Paused | Phase::RolledBack => 0.0,
        }
    }

    /// Gives what the rules say of the step now.
    #[must_use]
    pub fn decision(&self) -> Decision {
        let config = &self.opened.config;
        decide(
            config,
            config.shares[self.step],
            &self.counts,
            self.elapsed(),
        )
    }

    /// Gives the model that a conversation was given, the last one of its name.
    #[must_use]
    pub fn arm(&self, id: Id) -> Option<Arm> {
        self.conversations.get(&id).map(|it| it.arm)
    }

    /// Whether a turn is the first one of another conversation than the one that is known by this name.
    pub(super) fn is_begun_again(&self, id: Id, turn: u32) -> bool {
        let is_giving = self.is_watching() || self.phase == Phase::Promoted;
        let has_answer = || {
            self.conversations
                .get(&id)
                .is_some_and(Conversation::has_answer)
        };
        turn == 1 && is_giving && has_answer()
    }

    /// The model of a conversation that begins now. While the candidate gets none, another one of a name that is known has
    /// the model of the one before.
    pub(super) fn arm_of_new(&self, id: Id) -> Arm {
        let share = self.share();
        let before = self.arm(id).filter(|_| share == 0.0);
        before.unwrap_or(id.arm(share))
    }

    /// Whether the candidate was promoted so long ago that nothing is known of conversations before it, but of those that
    /// still have the stable model: all others are the candidate's, and nothing more need be remembered.
    pub(super) fn is_settled(&self) -> bool {
        self.phase == Phase::Promoted && self.elapsed() >= self.opened.config.expiry
    }

    pub(super) fn has_room(&self) -> bool {
        self.conversations.len() < self.opened.config.most
    }

    pub(super) fn key(&self) -> &Key {
        &self.opened.key
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn last_clock(&self) -> Option<u64> {
        self.clock
    }
}
