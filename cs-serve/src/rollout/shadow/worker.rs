//! The thread that asks the candidate.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::compare::Answered;
use super::report::{Comparisons, Report, ShadowConfig};
use crate::error::BackendError;
use crate::rollout::error::RolloutError;

/// A turn, and what the stable model answered.
#[derive(Debug, Clone)]
pub struct Copied {
    /// What the customer said.
    pub text: String,
    /// What was answered.
    pub stable: Answered,
}

/// Asks the candidate for a copy of the traffic, on a thread of its own. What comes while too much waits is not compared: a
/// candidate that is slow or hangs changes nothing for anybody.
pub struct Shadow {
    queue: SyncSender<Copied>,
    comparisons: Arc<Mutex<Comparisons>>,
    shed: AtomicU64,
    config: ShadowConfig,
}

impl Shadow {
    /// Starts the thread. It ends when the shadow is dropped and `answer` has come back.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for a configuration that cannot be, [`RolloutError::Thread`] if there is no
    /// thread to be had.
    pub fn start(
        config: ShadowConfig,
        answer: impl FnMut(&str) -> Result<Answered, BackendError> + Send + 'static,
    ) -> Result<Self, RolloutError> {
        config.validate()?;
        let (queue, waiting) = sync_channel(config.queue);
        let comparisons = Arc::<Mutex<Comparisons>>::default();
        let shared = Arc::clone(&comparisons);
        thread::Builder::new()
            .name("cs-shadow".into())
            .spawn(move || run(&waiting, &shared, answer))
            .map_err(|source| RolloutError::Thread { source })?;
        Ok(Self {
            queue,
            comparisons,
            shed: AtomicU64::new(0),
            config,
        })
    }

    /// Hands a turn on, without waiting. Gives whether there was room for it.
    pub fn offer(&self, copied: Copied) -> bool {
        let has_room = self.queue.try_send(copied).is_ok();
        if !has_room {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// Says what was found so far, with at most so many disagreements.
    #[must_use]
    pub fn report(&self, most: usize) -> Report {
        let comparisons = self.comparisons.lock();
        let comparisons = comparisons.unwrap_or_else(PoisonError::into_inner);
        comparisons.report(&self.config, self.shed.load(Ordering::Relaxed), most)
    }
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn run(
    waiting: &Receiver<Copied>,
    shared: &Mutex<Comparisons>,
    mut answer: impl FnMut(&str) -> Result<Answered, BackendError>,
) {
    while let Ok(copied) = waiting.recv() {
        let answered = answer(&copied.text);
        let mut comparisons = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            Ok(candidate) => comparisons.add(&copied.stable, &candidate),
            Err(_) => comparisons.add_failure(),
        }
    }
}
