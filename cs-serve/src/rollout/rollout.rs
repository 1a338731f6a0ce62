//! A roll-out of a service: its state, and the journal that it follows from.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::assign::{Id, Key};
use super::config::RolloutConfig;
use super::counts::Arm;
use super::decide::{Decision, Verdict};
use super::error::{JournalError, RolloutError};
use super::event::{Cause, Event, FORMAT, Opened};
use super::journal::Journal;
use super::state::{Phase, State};
use super::status::Status;
use super::steps::Action;
use super::turn::{Arrival, Assigned, Candidates, Observation, Rating};

/// So often the time is written down, in milliseconds.
const CLOCK_EVERY: u64 = 60 * 1000;
/// How often an event is tried again that others' decisions came before.
const TRIES: usize = 3;
/// As many conversations are remembered whose assignment could not be written.
const MOST_FALLEN: usize = 100_000;
/// The longest name of a segment in characters. Longer ones are cut, as they are kept.
const MOST_NAME: usize = 64;

/// A roll-out of a service. All times are milliseconds since 1970 UTC, by the caller's clock.
///
/// Calls take microseconds, and what the journal takes to write. A journal that fails never gives a conversation to
/// the candidate, and never keeps one there.
#[derive(Debug)]
pub struct Rollout {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    journal: Box<dyn Journal>,
    /// A rollback that is in force here and could not be written yet.
    unsaved: Option<Event>,
    /// Conversations that have the stable model because their assignment could not be written. The journal may have it
    /// all the same.
    fallen: HashSet<Id>,
}

impl Rollout {
    /// Opens a roll-out: a new one if the journal is empty, else where it stands by its events.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for a configuration that cannot be, [`RolloutError::Same`] if there is nothing to roll
    /// out, [`RolloutError::Other`] if the journal is of another roll-out, or what the journal fails with.
    pub fn open(
        journal: Box<dyn Journal>,
        candidates: &Candidates<'_>,
        config: &RolloutConfig,
    ) -> Result<Self, RolloutError> {
        Self::open_with_key(journal, candidates, config, Key::random()?)
    }

    /// Opens a roll-out that has this key if it is new, for what is to be repeated.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_key(
        mut journal: Box<dyn Journal>,
        candidates: &Candidates<'_>,
        config: &RolloutConfig,
        key: Key,
    ) -> Result<Self, RolloutError> {
        config.validate()?;
        if candidates.stable == candidates.candidate {
            return Err(RolloutError::Same {
                model: candidates.stable.to_owned(),
            });
        }
        let mut state = None;
        journal.catch_up(&mut |event| follow(&mut state, event))?;
        if state.is_none() {
            let opened = Event::Opened(Box::new(Opened {
                format: FORMAT,
                config: config.clone(),
                stable: candidates.stable.to_owned(),
                candidate: candidates.candidate.to_owned(),
                key,
            }));
            journal.claim(true)?;
            match journal.decide(&opened, 0, &mut |event| follow(&mut state, event)) {
                // Another replica was quicker.
                Err(JournalError::Stale | JournalError::NotDeciding) => {
                    journal.catch_up(&mut |event| follow(&mut state, event))?;
                }
                decided => decided?,
            }
        }
        let state = state.ok_or_else(no_beginning)?;
        is_of(state.opened(), candidates, config)?;
        let inner = Mutex::new(Inner {
            state,
            journal,
            unsaved: None,
            fallen: HashSet::new(),
        });
        Ok(Self { inner })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which model answers a turn. A conversation has the one that it was given at its first turn, as long as it is
    /// remembered; one that is not known at a later turn has the stable one.
    ///
    /// # Errors
    /// What the journal fails with. The stable model answers then, and goes on to in this conversation.
    pub fn assign(&self, arrival: &Arrival<'_>, now: u64) -> Result<Assigned, RolloutError> {
        self.lock().assign(arrival, now)
    }

    /// Takes what became of a turn.
    ///
    /// # Errors
    /// What the journal fails with; the turn is not counted then.
    pub fn observe(&self, observed: &Observation<'_>, now: u64) -> Result<(), RolloutError> {
        let mut inner = self.lock();
        if !inner.state.is_watching() {
            return Ok(());
        }
        let name = |name: &str| name.chars().take(MOST_NAME).collect::<String>();
        let is_first = observed.turn == 1;
        let event = Event::Turn {
            id: inner.state.key().id(observed.conversation),
            turn: observed.turn,
            outcome: observed.outcome,
            language: observed.language.filter(|_| is_first).map(name),
            intent: observed.intent.filter(|_| is_first).map(name),
            at: now,
        };
        inner.append(&event)
    }

    /// Takes a customer's rating. One of a turn or conversation that is not known is not counted, and nothing is wrong with it.
    ///
    /// # Errors
    /// [`RolloutError::Rating`] if it is not in 0..=1, or what the journal fails with.
    pub fn rate(&self, rating: &Rating<'_>, now: u64) -> Result<(), RolloutError> {
        if !(0.0..=1.0).contains(&rating.rating) {
            let found = rating.rating;
            return Err(RolloutError::Rating { found });
        }
        let mut inner = self.lock();
        if !inner.state.is_watching() {
            return Ok(());
        }
        let event = Event::Rated {
            id: inner.state.key().id(rating.conversation),
            turn: rating.turn,
            rating: rating.rating as f32,
            at: now,
        };
        inner.append(&event)
    }

    /// Looks what is to be done, and does it if this is the process that decides. To be called about once a second; it
    /// is what tells the time.
    ///
    /// # Errors
    /// What the journal fails with. A rollback is in force all the same, and is written at the next call; anything else is
    /// as it was.
    pub fn tick(&self, now: u64) -> Result<Decision, RolloutError> {
        self.lock().tick(now)
    }

    /// Does what a person wants.
    ///
    /// # Errors
    /// [`RolloutError::Phase`] if it cannot be done now, or what the journal fails with, as for [`tick`](Self::tick).
    pub fn act(&self, action: Action, by: &str, now: u64) -> Result<(), RolloutError> {
        self.lock().act(action, by, now)
    }

    /// Gives all that is to be shown. Takes time in proportion to the points of the curves.
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = self.lock();
        Status::of(&inner.state, inner.unsaved.is_some())
    }

    /// Gives where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.lock().state.phase()
    }
}

/// Takes an event that a journal gives. The first one is what the state begins with.
fn follow(state: &mut Option<State>, event: Event) {
    match (state, event) {
        (Some(state), event) => state.apply(&event),
        (state, Event::Opened(opened)) => *state = Some(State::new(*opened)),
        _ => {}
    }
}

fn no_beginning() -> JournalError {
    JournalError::Format {
        place: "the journal".into(),
        problem: "no first event that says what is rolled out".into(),
    }
}

/// Whether a journal is of this roll-out.
fn is_of(
    opened: &Opened,
    candidates: &Candidates<'_>,
    config: &RolloutConfig,
) -> Result<(), RolloutError> {
    let is = |name, found: &str, expected: &str| match found == expected {
        true => Ok(()),
        false => Err(RolloutError::Other {
            name,
            found: found.to_owned(),
            expected: expected.to_owned(),
        }),
    };
    is("stable", &opened.stable, candidates.stable)?;
    is("candidate", &opened.candidate, candidates.candidate)?;
    let json = |config| serde_json::to_string(config).unwrap_or_default();
    is("config", &json(&opened.config), &json(config))
}

impl Inner {
    fn assign(&mut self, arrival: &Arrival<'_>, now: u64) -> Result<Assigned, RolloutError> {
        let id = self.state.key().id(arrival.conversation);
        let stable = Assigned {
            arm: Arm::Stable,
            switched: false,
        };
        let arm = self.state.arm(id);
        if !self.fallen.is_empty() && self.fallen.contains(&id) {
            if arm == Some(Arm::Canary) {
                self.append_or_apply(&Event::Switched { id, at: now })?;
            }
            return Ok(stable);
        }
        match arm {
            Some(Arm::Canary) if self.state.phase() == Phase::RolledBack => {
                self.append_or_apply(&Event::Switched { id, at: now })?;
                Ok(Assigned {
                    switched: true,
                    ..stable
                })
            }
            Some(arm) => Ok(Assigned { arm, ..stable }),
            None if arrival.turn > 1 || !self.state.is_open() => Ok(stable),
            None => {
                let customer = arrival.customer.map(|it| self.state.key().id(it));
                let begun = self.begin(id, customer, now);
                if begun.is_err() && self.fallen.len() < MOST_FALLEN {
                    self.fallen.insert(id);
                }
                Ok(Assigned {
                    arm: begun?,
                    ..stable
                })
            }
        }
    }

    /// Gives a new conversation its model. Where others' decisions came first, theirs is the share.
    fn begin(&mut self, id: Id, customer: Option<Id>, now: u64) -> Result<Arm, RolloutError> {
        for _ in 0..TRIES {
            let arm = id.arm(self.state.share());
            let event = Event::Assigned {
                id,
                arm,
                customer,
                at: now,
            };
            match self.append(&event) {
                Err(RolloutError::Journal(JournalError::Stale)) => {}
                Ok(()) => return Ok(self.state.arm(id).unwrap_or(Arm::Stable)),
                Err(error) => return Err(error),
            }
        }
        Err(JournalError::Stale.into())
    }

    /// Writes an event and follows it; if others' decisions came first, these.
    fn append(&mut self, event: &Event) -> Result<(), RolloutError> {
        let epoch = self.state.epoch();
        let state = &mut self.state;
        let appended = self
            .journal
            .append(event, epoch, &mut |event| state.apply(&event));
        if let Err(JournalError::Stale) = appended {
            self.catch_up()?;
        }
        Ok(appended?)
    }

    /// Follows an event, whether it can be written or not.
    fn append_or_apply(&mut self, event: &Event) -> Result<(), RolloutError> {
        let appended = self.append(event);
        if appended.is_err() {
            self.state.apply(event);
        }
        appended
    }

    fn catch_up(&mut self) -> Result<(), JournalError> {
        let state = &mut self.state;
        self.journal.catch_up(&mut |event| state.apply(&event))
    }

    fn decide(&mut self, event: &Event) -> Result<(), JournalError> {
        let epoch = self.state.epoch();
        let state = &mut self.state;
        self.journal
            .decide(event, epoch, &mut |event| state.apply(&event))
    }

    /// Rolls back, here at least.
    fn roll_back(&mut self, event: Event) -> Result<(), RolloutError> {
        let decided = self.decide(&event);
        match decided {
            Ok(()) => Ok(()),
            Err(error) => {
                self.state.apply(&event);
                self.unsaved = Some(event);
                Err(error.into())
            }
        }
    }

    /// Writes a rollback that could not be written. If others have decided meanwhile, their word counts: it follows
    /// from the same events.
    fn save(&mut self) -> Result<(), RolloutError> {
        let Some(event) = self.unsaved.clone() else {
            return Ok(());
        };
        let mut written = None;
        self.journal.rewind();
        self.journal
            .catch_up(&mut |event| follow(&mut written, event))?;
        let mut written = written.ok_or_else(no_beginning)?;
        if written.phase().is_over() {
            (self.state, self.unsaved) = (written, None);
            return Ok(());
        }
        self.journal.claim(true)?;
        let epoch = written.epoch();
        self.journal
            .decide(&event, epoch, &mut |event| written.apply(&event))?;
        (self.state, self.unsaved) = (written, None);
        Ok(())
    }

    fn tick(&mut self, now: u64) -> Result<Decision, RolloutError> {
        self.save()?;
        self.catch_up()?;
        let is_idle = matches!(self.state.phase(), Phase::Ready | Phase::RolledBack);
        if is_idle || !self.journal.claim(false)? {
            return Ok(self.state.decision());
        }
        let is_time = |before: u64| now < before || now - before >= CLOCK_EVERY;
        if self.state.last_clock().is_none_or(is_time) {
            self.append(&Event::Clock { at: now })?;
        }
        let decision = self.state.decision();
        let cause = Cause {
            by: None,
            verdict: decision.verdict,
            figures: decision.figures.clone(),
        };
        match (decision.verdict, self.state.phase()) {
            (Verdict::RollBack { .. }, _) if self.state.is_watching() => {
                self.roll_back(Event::RolledBack { at: now, cause })?;
            }
            (Verdict::Pass, Phase::Running) => {
                let event = self.state.passed(now, cause);
                self.decide(&event)?;
            }
            _ => {}
        }
        Ok(decision)
    }

    fn act(&mut self, action: Action, by: &str, now: u64) -> Result<(), RolloutError> {
        let known = self.save().and_then(|()| Ok(self.catch_up()?));
        if action != Action::Rollback {
            known?;
        }
        let decision = self.state.decision();
        let cause = Cause {
            by: Some(by.to_owned()),
            verdict: decision.verdict,
            figures: decision.figures,
        };
        let event = self.state.acted(action, now, cause)?;
        let claimed = self.journal.claim(true);
        if action == Action::Rollback {
            return self.roll_back(event);
        }
        claimed?;
        Ok(self.decide(&event)?)
    }
}
