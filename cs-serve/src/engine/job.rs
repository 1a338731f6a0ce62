//! A request that was let in: what is computed for it, and who waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use cs_data::Encoding;
use cs_model::Understanding;

use super::counters::Counters;
use super::policy::{Moment, Sender};
use super::reading::Reading;
use super::sync::lock;
use crate::assistant::Assistant;
use crate::error::EngineError;

pub(super) type Outcome = Result<Vec<Understanding>, EngineError>;

/// A model, and the number of models that the engine had before it.
pub(super) struct Model {
    pub(super) assistant: Arc<Assistant>,
    pub(super) generation: u64,
}

/// A request that was let in. The model that encoded its texts also computes and decodes them.
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) model: Arc<Model>,
    pub(super) sender: Sender,
    pub(super) accepted: Moment,
    pub(super) queued: Moment,
    pub(super) deadline: Moment,
    pub(super) reading: Reading,
    is_done: AtomicBool,
    state: Mutex<State>,
}

/// A piece of a request that waits to be computed.
pub(super) struct Task {
    pub(super) job: Arc<Job>,
    pub(super) piece: usize,
    pub(super) encoding: Encoding,
}

enum State {
    Open {
        /// The answers of the pieces, as far as they are there.
        turns: Vec<Option<Understanding>>,
        missing: usize,
        waker: Option<Waker>,
    },
    /// The outcome; `None` once it was fetched.
    Done(Option<Outcome>),
}

/// The arguments of [`Job::new`].
pub(super) struct Admitted {
    pub(super) id: u64,
    pub(super) model: Arc<Model>,
    pub(super) sender: Sender,
    pub(super) accepted: Moment,
    pub(super) queued: Moment,
    pub(super) deadline: Moment,
}

impl Job {
    pub(super) fn new(admitted: Admitted, reading: Reading) -> Self {
        let pieces = reading.size().texts;
        let Admitted {
            id,
            model,
            sender,
            accepted,
            queued,
            deadline,
        } = admitted;
        Self {
            id,
            model,
            sender,
            accepted,
            queued,
            deadline,
            reading,
            is_done: AtomicBool::new(false),
            state: Mutex::new(State::Open {
                turns: (0..pieces).map(|_| None).collect(),
                missing: pieces,
                waker: None,
            }),
        }
    }

    /// Whether nothing that is still computed for the request is of use.
    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    /// Takes the answer of a piece. The last one answers the request.
    pub(super) fn answer(&self, piece: usize, turn: Understanding, counters: &Counters) {
        let turns = {
            let State::Open { turns, missing, .. } = &mut *lock(&self.state) else {
                return;
            };
            if turns[piece].replace(turn).is_none() {
                *missing -= 1;
            }
            if *missing > 0 {
                return;
            }
            std::mem::take(turns)
        };
        let turns = turns.into_iter().flatten().collect();
        let answers = self.reading.answers(turns, &self.model.assistant);
        self.end(Ok(answers), counters);
    }

    /// Ends the request, unless it has ended already: the first outcome counts. Gives whether this
    /// one does.
    pub(super) fn end(&self, outcome: Outcome, counters: &Counters) -> bool {
        let mut state = lock(&self.state);
        let State::Open { waker, .. } = &mut *state else {
            return false;
        };
        counters.ended(&outcome);
        let waker = waker.take();
        *state = State::Done(Some(outcome));
        self.is_done.store(true, Ordering::Release);
        drop(state);
        if let Some(waker) = waker {
            // The waker is the caller's code, whose faults must not end a worker.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        true
    }

    /// Ends the request because its deadline has come.
    pub(super) fn expire(&self, counters: &Counters) {
        let after = self.deadline.saturating_sub(self.accepted);
        self.end(Err(EngineError::Deadline { after }), counters);
    }

    /// Ends the request because nobody waits any more; gives `false` if it had ended.
    pub(super) fn cancel(&self) -> bool {
        let mut state = lock(&self.state);
        if matches!(*state, State::Done(_)) {
            return false;
        }
        let dropped = std::mem::replace(&mut *state, State::Done(None));
        self.is_done.store(true, Ordering::Release);
        drop(state);
        drop(dropped); // with the caller's waker
        true
    }

    /// Gives the outcome, or promises to wake `waker` when it is there.
    ///
    /// # Panics
    /// If the outcome was fetched before.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<Outcome> {
        match &mut *lock(&self.state) {
            State::Done(outcome) => {
                let outcome = outcome.take();
                Poll::Ready(outcome.expect("an answer is not asked for after it was given"))
            }
            State::Open { waker: kept, .. } => {
                match kept {
                    Some(kept) => kept.clone_from(waker),
                    None => *kept = Some(waker.clone()),
                }
                Poll::Pending
            }
        }
    }
}
