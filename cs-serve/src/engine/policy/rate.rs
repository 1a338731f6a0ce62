//! How fast an engine computes.

use super::Moment;

/// The busy seconds after which a measurement counts half.
const HALF_LIFE: f64 = 2.0;

/// The tokens a second of the whole engine, measured only while it has more to do than it can:
/// between the ends of two batches, if something waited all the while. Its speed while it has
/// little to do does not tell how fast it can be.
#[derive(Debug, Default)]
pub(in crate::engine) struct Rate {
    tokens: f64,
    seconds: f64,
    /// The end of the last batch, if something waited then.
    since: Option<Moment>,
}

impl Rate {
    /// Takes note of a batch that has ended; `waiting` is whether others wait.
    pub(in crate::engine) fn ended(&mut self, now: Moment, tokens: usize, waiting: bool) {
        if let Some(since) = self.since {
            let seconds = now.saturating_sub(since).as_secs_f64();
            let kept = (-seconds / HALF_LIFE).exp2();
            self.tokens = self.tokens * kept + tokens as f64;
            self.seconds = self.seconds * kept + seconds;
        }
        self.since = waiting.then_some(now);
    }

    /// Gives the tokens a second; `None` until they were measured.
    pub(in crate::engine) fn get(&self) -> Option<f64> {
        let rate = self.tokens / self.seconds;
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}
