//! How fast things go.

use super::Moment;

/// Busy seconds after which a measurement counts half.
const HALF_LIFE: f64 = 2.0;

/// Tokens a second of the whole engine, measured only while it has more to do than it can: between two
/// batches' ends, if something waited all the while. What it does at leisure says nothing about that.
#[derive(Debug, Default)]
pub(in crate::engine) struct Rate {
    tokens: f64,
    seconds: f64,
    /// The last batch's end, if something waited then.
    since: Option<Moment>,
}

impl Rate {
    /// A batch has ended, and others wait or not.
    pub(in crate::engine) fn ended(&mut self, now: Moment, tokens: usize, waiting: bool) {
        if let Some(since) = self.since {
            let seconds = now.saturating_sub(since).as_secs_f64();
            let kept = (-seconds / HALF_LIFE).exp2();
            self.tokens = self.tokens * kept + tokens as f64;
            self.seconds = self.seconds * kept + seconds;
        }
        self.since = waiting.then_some(now);
    }

    /// `None` until it was measured.
    pub(in crate::engine) fn get(&self) -> Option<f64> {
        let rate = self.tokens / self.seconds;
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}
