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
