//! A roll-out of a service: its state, and the journal that it follows from.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::assign::Key;
use super::config::RolloutConfig;
use super::decide::Decision;
use super::error::{JournalError, RolloutError};
use super::journal::Journal;
use super::known::{Known, Whose};
use super::state::{Event, FORMAT, Opened, Phase, State};
use super::status::Status;
use super::steps::Action;
use super::turn::{Arrival, Assigned, Candidates, Observation, Rating};
use super::writing::Writing;

/// The longest name of a segment in characters. Longer ones are cut, as they are kept.
const MOST_NAME: usize = 64;

/// A roll-out of a service. All times are milliseconds since 1970 UTC, by the caller's clock.
///
/// Calls take microseconds, and what the journal takes to write. Who wants a conversation that has its model, the
/// [`phase`](Self::phase) or the [`status`](Self::status) does not wait for a journal that is slow, but for the
/// candidate's conversations, which may have been taken back elsewhere. A journal that fails
/// never gives a conversation to the candidate; those that the candidate has go on until it is rolled back.
#[derive(Debug)]
pub struct Rollout {
    /// What is known. Nobody waits for the journal with this in hand, and only who has the journal changes the state.
    known: Mutex<Known>,
    journal: Mutex<Box<dyn Journal>>,
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
        Ok(Self {
            known: Mutex::new(Known::new(state, journal.is_shared())),
            journal: Mutex::new(journal),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> Writing<'_> {
        Writing::new(&self.known, &self.journal)
    }

    /// Says which model answers a turn. A conversation has the one that it was given at its first turn, as long as it is
    /// remembered; one that is not known at a later turn has the stable one. One whose name was that of another, which is over,
    /// is a new one.
    ///
    /// # Errors
    /// What the journal fails with. The stable model answers then, and goes on to in this conversation.
    pub fn assign(&self, arrival: &Arrival<'_>, now: u64) -> Result<Assigned, RolloutError> {
        let whose = self.known().whose(arrival);
        match whose {
            Whose::Known(assigned) => Ok(assigned),
            Whose::Open(id) => self.write().assign(id, arrival, now),
        }
    }

    /// Says the same where it is known without the journal, as it is of conversations that nobody else decides about. Never waits.
    #[must_use]
    pub fn known_to_be(&self, arrival: &Arrival<'_>) -> Option<Assigned> {
        match self.known().whose(arrival) {
            Whose::Known(assigned) => Some(assigned),
            Whose::Open(_) => None,
        }
    }

    /// Takes what became of a turn.
    ///
    /// # Errors
    /// What the journal fails with; the turn is not counted then.
    pub fn observe(&self, observed: &Observation<'_>, now: u64) -> Result<(), RolloutError> {
        let Some(id) = self.known().watched(observed.conversation) else {
            return Ok(());
        };
        let name = |name: &str| name.chars().take(MOST_NAME).collect::<String>();
        let is_first = observed.turn == 1;
        self.write().append(&Event::Turn {
            id,
            turn: observed.turn,
            outcome: observed.outcome,
            language: observed.language.filter(|_| is_first).map(name),
            intent: observed.intent.filter(|_| is_first).map(name),
            at: now,
        })
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
        let Some(id) = self.known().watched(rating.conversation) else {
            return Ok(());
        };
        self.write().append(&Event::Rated {
            id,
            turn: rating.turn,
            rating: rating.rating as f32,
            at: now,
        })
    }

    /// Looks what is to be done, and does it if this is the process that decides. To be called about once a second; it
    /// is what tells the time.
    ///
    /// # Errors
    /// What the journal fails with. A rollback is in force all the same, and is written as soon as that can be done; anything
    /// else is as it was.
    pub fn tick(&self, now: u64) -> Result<Decision, RolloutError> {
        self.write().tick(now)
    }

    /// Does what a person wants.
    ///
    /// # Errors
    /// [`RolloutError::Phase`] if it cannot be done now, or what the journal fails with, as for [`tick`](Self::tick).
    pub fn act(&self, action: Action, by: &str, now: u64) -> Result<(), RolloutError> {
        self.write().act(action, by, now)
    }

    /// Gives all that is to be shown. Takes time in proportion to the points of the curves.
    #[must_use]
    pub fn status(&self) -> Status {
        let known = self.known();
        Status::of(&known.state, known.unsaved.as_ref())
    }

    /// Gives where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.known().phase()
    }
}

/// Takes an event that a journal gives. The first one is what the state begins with.
fn follow(state: &mut Option<State>, event: Event) {
    match (state, event) {
        (Some(state), event) => state.apply(&event),
        (state, Event::Opened(opened)) => *state = Some(State::new(*opened)),
        (state, Event::Snapshot(snapshot)) => *state = Some(*snapshot),
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
