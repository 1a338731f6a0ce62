//! What a roll-out is told, by a thread of its own: no reply waits for its journal.

use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::candidate::Candidate;
use crate::error::HttpError;
use crate::rollout::{Observation, Outcome, Rating, RolloutError};

/// The turns and ratings that wait at most; further ones are not told.
const MOST_WAITING: usize = 10_000;
/// So long turns and ratings gather: a thread that is woken for each costs more than what it is told.
const PAUSE: Duration = Duration::from_millis(10);
/// How long it is waited for what waits, also when a service ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a roll-out is told.
pub(super) enum Heard {
    Turn {
        conversation: String,
        turn: u32,
        outcome: Outcome,
        language: Option<&'static str>,
        intent: Option<String>,
        /// In milliseconds since 1970 UTC.
        at: u64,
    },
    Rating {
        conversation: String,
        turn: u32,
        rating: f64,
        at: u64,
    },
    /// Somebody waits until all before it is told.
    Settled(Sender<()>),
}

/// The thread that tells it. It ends with this, once it has told what waits, or a second is over and the journal has
/// answered.
pub(super) struct Telling {
    queue: Option<SyncSender<Heard>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// How much the roll-out does not know.
    untold: AtomicU64,
    /// Until when it is told what waits, once that is to end.
    until: OnceLock<Instant>,
}

impl Telling {
    pub(super) fn start(candidate: Arc<Candidate>) -> Result<Self, HttpError> {
        let (queue, waiting) = sync_channel(MOST_WAITING);
        let thread = thread::Builder::new().name("cs-rollout".into());
        let shared = Arc::<Shared>::default();
        let known = Arc::clone(&shared);
        let started = thread.spawn(move || run(&candidate, &waiting, &known));
        let thread = started.map_err(|error| HttpError::Candidate {
            problem: format!("a thread for its roll-out: {error}"),
        })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            shared,
        })
    }

    pub(super) fn tell(&self, heard: Heard) {
        if !self.send(heard) && self.shared.untold.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!("the roll-out is behind, and is not told of all turns and ratings");
        }
    }

    pub(super) fn settle(&self) {
        let (done, settled) = channel();
        if self.send(Heard::Settled(done)) {
            // What it does not know by then, it will.
            let _ = settled.recv_timeout(PATIENCE);
        }
    }

    fn send(&self, heard: Heard) -> bool {
        let queue = self.queue.as_ref();
        queue.is_some_and(|it| it.try_send(heard).is_ok())
    }

    /// Gives how many turns and ratings the roll-out does not know, as too much waited or its journal failed.
    pub(super) fn untold(&self) -> u64 {
        self.shared.untold.load(Ordering::Relaxed)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = self.shared.until.set(Instant::now() + PATIENCE);
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // It panics for bugs alone, which were told then.
            let _ = thread.join();
        }
    }
}

fn run(candidate: &Candidate, waiting: &Receiver<Heard>, shared: &Shared) {
    let mut hearing = Hearing {
        candidate,
        shared,
        is_failing: false,
    };
    while let Ok(first) = waiting.recv() {
        for heard in iter::once(first).chain(waiting.try_iter()) {
            hearing.hear(heard);
        }
        thread::sleep(PAUSE);
    }
}

struct Hearing<'a> {
    candidate: &'a Candidate,
    shared: &'a Shared,
    /// Whether what was heard last is lost.
    is_failing: bool,
}

impl Hearing<'_> {
    fn hear(&mut self, heard: Heard) {
        if let Heard::Settled(done) = heard {
            // Who has waited may have gone.
            let _ = done.send(());
            return;
        }
        if self
            .shared
            .until
            .get()
            .is_some_and(|until| Instant::now() > *until)
        {
            if !self.is_failing {
                tracing::error!(
                    "the service ends, and the roll-out is not told of all turns and ratings"
                );
            }
            self.is_failing = true;
            self.shared.untold.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let told = tell(self.candidate, &heard);
        if let Err(error) = &told {
            self.shared.untold.fetch_add(1, Ordering::Relaxed);
            if !self.is_failing {
                tracing::error!(%error, "turns and ratings are lost to the roll-out until it can be written down");
            }
        }
        self.is_failing = told.is_err();
        self.candidate.tick();
    }
}

fn tell(candidate: &Candidate, heard: &Heard) -> Result<(), RolloutError> {
    match heard {
        Heard::Turn {
            conversation,
            turn,
            outcome,
            language,
            intent,
            at,
        } => {
            let observation = Observation {
                conversation,
                turn: *turn,
                outcome: *outcome,
                language: *language,
                intent: intent.as_deref(),
            };
            candidate.rollout.observe(&observation, *at)
        }
        Heard::Rating {
            conversation,
            turn,
            rating,
            at,
        } => {
            let rating = Rating {
                conversation,
                turn: *turn,
                rating: *rating,
            };
            candidate.rollout.rate(&rating, *at)
        }
        Heard::Settled(_) => Ok(()),
    }
}
