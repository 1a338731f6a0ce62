//! The thread that asks the candidate.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::compare::{Answered, Disagreement};
use super::config::ShadowConfig;
use super::report::{Comparisons, Report};
use crate::error::BackendError;
use crate::rollout::error::RolloutError;

/// The time between two looks whether the machine is needed.
const LOOK: Duration = Duration::from_millis(1);
/// A copy for which no look finds time is not compared.
const LOOKS: usize = 1_000;

/// What a shadow does with a copy of a turn. A function that gives both answers is one, too.
pub trait Work<T>: Send {
    /// Gives the stable model's answer, and what the candidate would have answered.
    ///
    /// # Errors
    /// If the candidate fails, or takes too long.
    fn answers(&mut self, turn: &T) -> Result<[Answered; 2], BackendError>;

    /// Whether customers wait for the machine, so that a copy is not to be computed now. By default they never do.
    fn is_needed(&self, _turn: &T) -> bool {
        false
    }

    /// Takes a turn in which the answers differ, in the first of each kind as many as
    /// [`samples`](ShadowConfig::samples) says.
    fn differ(&mut self, _turn: &T, _found: &[Disagreement]) {}
}

impl<T, F> Work<T> for F
where
    F: FnMut(&T) -> Result<[Answered; 2], BackendError> + Send,
{
    fn answers(&mut self, turn: &T) -> Result<[Answered; 2], BackendError> {
        self(turn)
    }
}

/// Asks the candidate for a copy of the traffic, on a thread of its own. What comes while too much waits is not compared: a
/// candidate that is slow or hangs changes nothing for anybody.
pub struct Shadow<T> {
    queue: SyncSender<T>,
    /// Dropped, it ends the thread's pause.
    _pause: Sender<()>,
    seen: Arc<Seen>,
    config: ShadowConfig,
}

#[derive(Default)]
struct Seen {
    comparisons: Mutex<Comparisons>,
    shed: AtomicU64,
}

impl<T: Send + 'static> Shadow<T> {
    /// Starts the thread. It ends when the shadow is dropped and `work` has come back, whatever waits.
    ///
    /// # Errors
    /// [`RolloutError::Config`] for a configuration that cannot be, [`RolloutError::Thread`] if there is no
    /// thread to be had.
    pub fn start(config: ShadowConfig, work: impl Work<T> + 'static) -> Result<Self, RolloutError> {
        config.validate()?;
        let (queue, waiting) = sync_channel(config.queue);
        let (pause, paused) = channel();
        let seen = Arc::<Seen>::default();
        let (shared, chosen) = (Arc::clone(&seen), config.clone());
        thread::Builder::new()
            .name("cs-shadow".into())
            .spawn(move || shared.watch(&waiting, &paused, &chosen, work))
            .map_err(|source| RolloutError::Thread { source })?;
        Ok(Self {
            queue,
            _pause: pause,
            seen,
            config,
        })
    }

    /// Hands a turn on, without waiting. Gives whether there was room for it.
    pub fn offer(&self, turn: T) -> bool {
        let has_room = self.queue.try_send(turn).is_ok();
        if !has_room {
            self.seen.shed.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// Says what was found so far, with at most so many disagreements.
    #[must_use]
    pub fn report(&self, most: usize) -> Report {
        let comparisons = self.seen.comparisons.lock();
        let comparisons = comparisons.unwrap_or_else(PoisonError::into_inner);
        comparisons.report(&self.config, self.seen.shed.load(Ordering::Relaxed), most)
    }
}

impl<T> fmt::Debug for Shadow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Seen {
    fn watch<T>(
        &self,
        waiting: &Receiver<T>,
        paused: &Receiver<()>,
        config: &ShadowConfig,
        mut work: impl Work<T>,
    ) {
        for turn in waiting {
            let has_time = finds_time(&work, &turn, paused);
            if is_over(paused) {
                return;
            }
            if !has_time {
                self.shed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let began = Instant::now();
            let answers = work.answers(&turn);
            let took = began.elapsed();
            let found = self.add(answers, config.samples);
            if !found.is_empty() {
                work.differ(&turn, &found);
            }
            let paused = paused.recv_timeout(pause(took, config.share));
            if paused == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Counts a turn, and gives the disagreements if there are few of one of their kinds so far.
    fn add(&self, answers: Result<[Answered; 2], BackendError>, samples: u64) -> Vec<Disagreement> {
        let comparisons = self.comparisons.lock();
        let mut comparisons = comparisons.unwrap_or_else(PoisonError::into_inner);
        let Ok([stable, candidate]) = answers else {
            comparisons.add_failure();
            return Vec::new();
        };
        let found = comparisons.add(&stable, &candidate);
        let is_sample = found
            .iter()
            .any(|&(_, count)| (1..=samples).contains(&count));
        let found = found.into_iter().filter(|_| is_sample);
        found.map(|(disagreement, _)| disagreement).collect()
    }
}

/// Whether the shadow has been dropped.
fn is_over(paused: &Receiver<()>) -> bool {
    paused.try_recv() == Err(TryRecvError::Disconnected)
}

/// Waits for a moment in which nobody needs the machine, while there is a shadow; gives whether there was one.
fn finds_time<T>(work: &impl Work<T>, turn: &T, paused: &Receiver<()>) -> bool {
    for _ in 0..LOOKS {
        if is_over(paused) {
            return false;
        }
        if !work.is_needed(turn) {
            return true;
        }
        thread::sleep(LOOK);
    }
    false
}

/// How long to pause after work that took so long, so that work takes no more than a share of the time.
fn pause(took: Duration, share: f64) -> Duration {
    let pause = took.as_secs_f64() * (1.0 / share - 1.0);
    Duration::try_from_secs_f64(pause.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_with_the_shadow() {
        /// Says when it is dropped, which is when its thread ends.
        struct Ends(Sender<()>);
        impl Work<()> for Ends {
            fn answers(&mut self, _: &()) -> Result<[Answered; 2], BackendError> {
                let _ = self.0.send(());
                thread::sleep(Duration::from_millis(5));
                Ok(Default::default())
            }
        }
        let (sender, ends) = channel();
        let config = ShadowConfig {
            share: 1e-9, // a pause of weeks
            ..ShadowConfig::default()
        };
        let shadow = Shadow::start(config, Ends(sender)).unwrap();
        assert!(shadow.offer(()) && shadow.offer(()));
        ends.recv().unwrap();
        while shadow.report(1).compared == 0 {
            thread::yield_now();
        }
        drop(shadow);
        let left = ends.recv_timeout(Duration::from_secs(60));
        assert_eq!(left, Err(RecvTimeoutError::Disconnected)); // nothing more was asked
    }

    #[test]
    fn what_waits_while_the_machine_is_needed_ends_with_the_shadow() {
        /// Never has time, and says when it is asked and, by being dropped, when its thread ends.
        struct Busy(Sender<()>);
        impl Work<()> for Busy {
            fn answers(&mut self, _: &()) -> Result<[Answered; 2], BackendError> {
                panic!("there was no time for that");
            }
            fn is_needed(&self, _: &()) -> bool {
                let _ = self.0.send(());
                true
            }
        }
        let (sender, asked) = channel();
        let config = ShadowConfig {
            queue: 10,
            ..ShadowConfig::default()
        };
        let shadow = Shadow::start(config, Busy(sender)).unwrap();
        for _ in 0..10 {
            assert!(shadow.offer(()));
        }
        asked.recv().unwrap();
        drop(shadow);
        // It does not look for time for all of them.
        assert!(asked.iter().count() < 9 * LOOKS);
    }

    #[test]
    fn work_takes_its_share_of_the_time() {
        let took = Duration::from_millis(10);
        assert_eq!(pause(took, 0.1), Duration::from_millis(90));
        assert_eq!(pause(took, 1.0), Duration::ZERO);
        assert_eq!(pause(Duration::from_secs(9), 0.001).as_secs(), 8_991);
        assert_eq!(pause(took, 1e-300), Duration::MAX);
    }
}
