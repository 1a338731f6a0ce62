//! What a roll-out is told as a service ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cs_serve::http::CandidateConfig;
use cs_serve::rollout::{Event, Journal, JournalError, Reader};

use super::rollout::{Rolling, models};
use crate::engine::models::Gate;

/// A journal in memory that counts ratings, and waits before each once it is slow.
struct Slow {
    is_slow: Arc<AtomicBool>,
    gate: Arc<Gate>,
    ratings: Arc<AtomicUsize>,
}

impl fmt::Debug for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

impl Journal for Slow {
    fn catch_up(&mut self, _: Reader<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn append(&mut self, event: &Event, _: u64, read: Reader<'_>) -> Result<(), JournalError> {
        if matches!(event, Event::Rated { .. }) {
            if self.is_slow.load(Ordering::Relaxed) {
                self.gate.pass();
            }
            self.ratings.fetch_add(1, Ordering::Relaxed);
        }
        read(event.clone());
        Ok(())
    }

    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.append(event, epoch, read)
    }

    fn claim(&mut self, _: bool) -> Result<bool, JournalError> {
        Ok(true)
    }
}

#[tokio::test]
async fn a_service_that_ends_does_not_wait_until_all_is_told() {
    let (is_slow, gate) = (Arc::<AtomicBool>::default(), Gate::closed());
    let ratings = Arc::<AtomicUsize>::default();
    let journal = Box::new(Slow {
        is_slow: Arc::clone(&is_slow),
        gate: Arc::clone(&gate),
        ratings: Arc::clone(&ratings),
    });
    let watch = CandidateConfig {
        shadow: None,
        ..CandidateConfig::default()
    };
    let rolling = Rolling::new(&models(|| ()), journal, watch);
    rolling.act("start").await;
    for number in 0..20 {
        rolling.say(&format!("s{number}")).await;
    }
    for number in 0..10 {
        rolling.rate(&format!("s{number}"), 1.0).await;
    }
    assert_eq!(rolling.status().await["untold"], 0);
    assert_eq!(ratings.load(Ordering::Relaxed), 10);
    is_slow.store(true, Ordering::Relaxed);
    for number in 10..20 {
        rolling.rate(&format!("s{number}"), 1.0).await;
    }
    gate.wait_for(1);
    let end = std::thread::spawn(move || drop(rolling));
    // Its patience of a second is over by then.
    std::thread::sleep(Duration::from_secs(2));
    gate.open();
    end.join().unwrap();
    assert_eq!(ratings.load(Ordering::Relaxed), 11);
}
