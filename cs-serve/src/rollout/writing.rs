//! What is written in a roll-out's journal, and what is known by that.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::assign::Id;
use super::counts::Arm;
use super::decide::{Decision, Verdict};
use super::error::{JournalError, RolloutError};
use super::journal::Journal;
use super::known::Known;
use super::state::{Cause, Event, Phase};
use super::steps::Action;
use super::turn::{Arrival, Assigned};

/// So often the time is written down, in milliseconds.
const CLOCK_EVERY: u64 = 60 * 1000;
/// How often an event is tried again that others' decisions came before.
const TRIES: usize = 3;
/// As many conversations are put right at once whose assignment could not be written.
const MOST_CORRECTED: usize = 1_000;

/// Who has the journal in hand.
pub(super) struct Writing<'a> {
    known: &'a Mutex<Known>,
    journal: MutexGuard<'a, Box<dyn Journal>>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(known: &'a Mutex<Known>, journal: &'a Mutex<Box<dyn Journal>>) -> Self {
        let journal = journal.lock();
        Self {
            known,
            journal: journal.unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whose a conversation's turn is that others may have decided about, or nobody yet.
    pub(super) fn assign(
        &mut self,
        id: Id,
        arrival: &Arrival<'_>,
        now: u64,
    ) -> Result<Assigned, RolloutError> {
        let assigned = |arm, switched| Ok(Assigned { arm, switched });
        let caught_up = self.catch_up();
        let (arm, phase) = {
            let known = self.known();
            let arm = known.state.arm(id);
            let is_begun_again = known.state.is_begun_again(id, arrival.turn);
            (arm.filter(|_| !is_begun_again), known.phase())
        };
        match arm {
            Some(Arm::Canary) if phase == Phase::RolledBack => {
                self.append(&Event::Switched { id, at: now })?;
                assigned(Arm::Stable, true)
            }
            Some(arm) => assigned(arm, false),
            None => {
                let begun = match arrival.turn {
                    1 => self.begin(id, arrival, now),
                    // Another process may have given it a model, and cannot be asked.
                    _ => caught_up.map(|()| Arm::Stable).map_err(Into::into),
                };
                if begun.is_err() {
                    self.known().fall(id);
                }
                assigned(begun?, false)
            }
        }
    }

    /// Gives a new conversation its model. Where others' decisions came first, theirs is the share.
    fn begin(&mut self, id: Id, arrival: &Arrival<'_>, now: u64) -> Result<Arm, RolloutError> {
        for _ in 0..TRIES {
            let event = {
                let known = self.known();
                let state = &known.state;
                Event::Assigned {
                    id,
                    arm: state.arm_of_new(id),
                    customer: arrival.customer.map(|it| state.key().id(it)),
                    at: now,
                }
            };
            match self.try_append(&event) {
                Err(RolloutError::Journal(JournalError::Stale | JournalError::Lost)) => {}
                Ok(()) => return Ok(self.known().state.arm(id).unwrap_or(Arm::Stable)),
                Err(error) => return Err(error),
            }
        }
        Err(JournalError::Stale.into())
    }

    /// Writes an event that is so whatever was decided, and follows it.
    pub(super) fn append(&mut self, event: &Event) -> Result<(), RolloutError> {
        for _ in 1..TRIES {
            match self.try_append(event) {
                Err(RolloutError::Journal(JournalError::Stale | JournalError::Lost)) => {}
                appended => return appended,
            }
        }
        self.try_append(event)
    }

    /// Writes an event and follows it; if others' decisions came first, these.
    fn try_append(&mut self, event: &Event) -> Result<(), RolloutError> {
        let epoch = self.known().state.epoch();
        let known = self.known;
        let appended = self
            .journal
            .append(event, epoch, &mut |event| apply(known, &event));
        if let Err(JournalError::Stale | JournalError::Lost) = appended {
            self.catch_up()?;
        }
        Ok(appended?)
    }

    /// Follows what others have written. What the store has lost is put there again by whoever decides.
    fn catch_up(&mut self) -> Result<(), JournalError> {
        let known = self.known;
        let caught_up = self.journal.catch_up(&mut |event| apply(known, &event));
        match caught_up {
            Err(JournalError::Lost) => {
                let (snapshot, epoch) = {
                    let state = &self.known().state;
                    (state.snapshot(), state.epoch())
                };
                self.journal.restore(&snapshot, epoch)
            }
            caught_up => caught_up,
        }
    }

    fn decide(&mut self, event: &Event) -> Result<(), JournalError> {
        let epoch = self.known().state.epoch();
        let known = self.known;
        self.journal
            .decide(event, epoch, &mut |event| apply(known, &event))
    }

    /// Rolls back, here at least.
    fn roll_back(&mut self, event: Event) -> Result<(), RolloutError> {
        let decided = self.decide(&event);
        if decided.is_err() {
            self.known().unsaved = Some(event);
        }
        Ok(decided?)
    }

    /// Writes a rollback that could not be written. If others have ended it meanwhile, their word counts.
    fn save(&mut self) -> Result<(), RolloutError> {
        let Some(event) = self.known().unsaved.clone() else {
            return Ok(());
        };
        self.catch_up()?;
        if !self.known().state.phase().is_over() {
            self.journal.claim(true)?;
            self.decide(&event)?;
        }
        self.known().unsaved = None;
        Ok(())
    }

    /// Writes that conversations have the stable model whose assignment could not be written, as the journal may have
    /// another one.
    fn correct(&mut self, now: u64) -> Result<(), RolloutError> {
        let fallen = self.known().fallen(MOST_CORRECTED);
        for id in fallen {
            if self.known().state.arm(id) != Some(Arm::Stable) {
                self.append(&Event::Switched { id, at: now })?;
            }
            self.known().rise(id);
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, now: u64) -> Result<Decision, RolloutError> {
        let caught_up = self.save().and_then(|()| Ok(self.catch_up()?));
        let (decision, phase, is_watching) = {
            let known = self.known();
            let is_watching = known.unsaved.is_none() && known.state.is_watching();
            (known.state.decision(), known.phase(), is_watching)
        };
        let cause = Cause {
            by: None,
            verdict: decision.verdict,
            figures: decision.figures.clone(),
        };
        let goes = is_watching && matches!(decision.verdict, Verdict::RollBack { .. });
        let back = goes.then_some(Event::RolledBack { at: now, cause });
        let done = caught_up.and_then(|()| self.go_on(now, phase, back.clone()));
        if let (Err(_), Some(back)) = (&done, back) {
            // It need not be known elsewhere to be in force here.
            let mut known = self.known();
            if !known.state.phase().is_over() {
                known.unsaved = Some(back);
            }
        }
        done.map(|()| decision)
    }

    /// Writes what is to be written: what could not be, the time, a rollback that has been decided, or that a step has passed.
    fn go_on(&mut self, now: u64, phase: Phase, back: Option<Event>) -> Result<(), RolloutError> {
        self.correct(now)?;
        let is_idle = matches!(phase, Phase::Ready | Phase::RolledBack);
        let is_idle = is_idle || self.known().state.is_settled();
        if is_idle || !self.journal.claim(false)? {
            return Ok(());
        }
        let last = self.known().state.last_clock();
        let is_time = |before: u64| now < before || now - before >= CLOCK_EVERY;
        if last.is_none_or(is_time) {
            self.append(&Event::Clock { at: now })?;
        }
        if let Some(back) = back {
            self.roll_back(back)?;
        } else if phase == Phase::Running {
            // The time that has just been told may have ended the step.
            self.pass(now)?;
        }
        self.compact()
    }

    /// Goes on if the step has passed.
    fn pass(&mut self, now: u64) -> Result<(), RolloutError> {
        let event = {
            let known = self.known();
            let state = &known.state;
            let decision = state.decision();
            let cause = Cause {
                by: None,
                verdict: decision.verdict,
                figures: decision.figures,
            };
            (decision.verdict == Verdict::Pass).then(|| state.passed(now, cause))
        };
        event.map_or(Ok(()), |event| Ok(self.decide(&event)?))
    }

    /// Has a journal that is long begin with where the roll-out stands, in place of how it came to that.
    fn compact(&mut self) -> Result<(), RolloutError> {
        let snapshot = {
            let known = self.known();
            let state = &known.state;
            let is_long = self.journal.written() > state.most_written();
            is_long.then(|| state.snapshot())
        };
        snapshot.map_or(Ok(()), |it| Ok(self.journal.compact(&it)?))
    }

    pub(super) fn act(&mut self, action: Action, by: &str, now: u64) -> Result<(), RolloutError> {
        let known = self.save().and_then(|()| Ok(self.catch_up()?));
        if action != Action::Rollback {
            known?;
        }
        let event = {
            let known = self.known();
            let decision = known.state.decision();
            let cause = Cause {
                by: Some(by.to_owned()),
                verdict: decision.verdict,
                figures: decision.figures,
            };
            match known.unsaved.is_some() {
                true => return Err(action.refused(known.phase())),
                false => known.state.acted(action, now, cause)?,
            }
        };
        let claimed = self.journal.claim(true);
        if action == Action::Rollback {
            return self.roll_back(event);
        }
        claimed?;
        Ok(self.decide(&event)?)
    }
}

fn apply(known: &Mutex<Known>, event: &Event) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.state.apply(event);
}
