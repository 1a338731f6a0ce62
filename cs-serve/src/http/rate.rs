//! How often a caller may ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The rates of all callers, each by the generic cell rate algorithm (a leaky bucket as a meter).
pub(super) struct Rates {
    pace: Pace,
    callers: Mutex<Callers>,
}

/// Callers that asked lately; a caller without a name is one of them.
struct Callers {
    /// When each of them will have been idle for long enough to be forgotten.
    due: HashMap<Option<Arc<str>>, Instant>,
    forget_at: Instant,
}

/// The most callers that are told apart at once. The others share a rate.
const MOST: usize = 1 << 16;

#[derive(Clone, Copy)]
struct Pace {
    interval: Duration,
    /// How much earlier than due a request may come.
    tolerance: Duration,
}

impl Pace {
    fn new(rate: f64) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
        let at_once = rate.ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
        Self {
            interval,
            tolerance: interval.saturating_mul(at_once - 1),
        }
    }

    /// When the request after this one is due; the time to wait if this one is too early.
    fn take(self, due: Instant, now: Instant) -> Result<Instant, Duration> {
        let early = due.saturating_duration_since(now);
        match early.checked_sub(self.tolerance) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(due.max(now).checked_add(self.interval).unwrap_or(due)),
        }
    }
}

impl Rates {
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        Self {
            pace: Pace::new(rate),
            callers: Mutex::new(Callers {
                due: HashMap::new(),
                forget_at: now,
            }),
        }
    }

    /// Lets a request in, or gives the time after which it would be.
    pub(super) fn take(&self, caller: Option<&Arc<str>>, now: Instant) -> Result<(), Duration> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut caller = caller.cloned();
        if !callers.due.contains_key(&caller) && callers.is_full(now) {
            caller = None;
        }
        let due = callers.due.entry(caller).or_insert(now);
        *due = self.pace.take(*due, now)?;
        Ok(())
    }
}

impl Callers {
    /// Whether no other caller can be told apart. Looks for idle ones at most once a second.
    fn is_full(&mut self, now: Instant) -> bool {
        if self.due.len() >= MOST && self.forget_at <= now {
            self.due.retain(|_, due| *due > now);
            self.forget_at = now + Duration::from_secs(1);
        }
        self.due.len() >= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_second_of_requests_comes_at_once_and_then_one_by_one() {
        let start = Instant::now();
        let rates = Rates::new(4.0, start);
        let caller = Arc::from("a");
        let take = |after| rates.take(Some(&caller), start + seconds(after));
        for _ in 0..4 {
            assert_eq!(take(0.0), Ok(()));
        }
        assert_eq!(take(0.0), Err(seconds(0.25)));
        assert_eq!(take(0.1), Err(seconds(0.15)));
        assert_eq!(take(0.25), Ok(()));
        assert_eq!(take(0.25), Err(seconds(0.25)));
        assert_eq!(take(9.0), Ok(())); // and no more than a second of requests was saved up
        for _ in 0..3 {
            assert_eq!(take(9.0), Ok(()));
        }
        assert_eq!(take(9.0), Err(seconds(0.25)));
    }

    #[test]
    fn a_rate_below_one_lets_in_one() {
        let start = Instant::now();
        let rates = Rates::new(0.5, start);
        assert_eq!(rates.take(None, start), Ok(()));
        assert_eq!(rates.take(None, start), Err(seconds(2.0)));
        assert_eq!(rates.take(None, start + seconds(2.0)), Ok(()));
    }

    #[test]
    fn callers_beyond_the_most_share_a_rate_until_others_were_idle() {
        let start = Instant::now();
        let rates = Rates::new(1.0, start);
        let caller = |number: usize| Arc::from(number.to_string());
        for number in 0..MOST {
            assert_eq!(rates.take(Some(&caller(number)), start), Ok(()));
        }
        assert_eq!(rates.take(Some(&caller(MOST)), start), Ok(()));
        assert!(rates.take(Some(&caller(MOST + 1)), start).is_err());
        let later = start + seconds(1.0);
        for number in MOST..MOST + 3 {
            assert_eq!(rates.take(Some(&caller(number)), later), Ok(()));
        }
    }
}
