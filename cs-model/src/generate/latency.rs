//! When what is generated came.

use std::time::{Duration, Instant};

use super::generator::Piece;

/// When the tokens of a continuation were sure, as measured while they were generated. Those of
/// beams are so at the end, all at once, and those of an accepted proposal together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    /// The time from the call to the first token, which reading the prompts takes.
    pub first_token: Duration,
    /// The times between one token and the next.
    pub between_tokens: Vec<Duration>,
}

impl Latency {
    /// Gives the shortest time between tokens that this share of them, 0 to 1, did not exceed: 0.5
    /// is the median, 1 the longest; zero if there are fewer than two tokens.
    ///
    /// ```
    /// use cs_model::generate::Latency;
    /// use std::time::Duration;
    ///
    /// let between_tokens = [30, 10, 20].map(Duration::from_millis).to_vec();
    /// let latency = Latency { between_tokens, ..Default::default() };
    /// assert_eq!(latency.quantile(0.5), Duration::from_millis(20));
    /// assert_eq!(latency.quantile(1.0), Duration::from_millis(30));
    /// ```
    pub fn quantile(&self, share: f64) -> Duration {
        let mut times = self.between_tokens.clone();
        times.sort_unstable();
        let rank = (share * times.len() as f64).ceil() as usize;
        times
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// Gives the time from the call to the last token.
    pub fn total(&self) -> Duration {
        self.first_token + self.between_tokens.iter().sum::<Duration>()
    }
}

/// What was told of a continuation while it grew.
pub(super) struct Told {
    last: Instant,
    tokens: usize,
    pub(super) text: String,
    pub(super) latency: Latency,
}

impl Told {
    pub(super) fn since(start: Instant) -> Self {
        Self {
            last: start,
            tokens: 0,
            text: String::new(),
            latency: Latency::default(),
        }
    }

    /// Takes note of how many tokens are sure now, and tells a piece of text, if there is one.
    pub(super) fn tell(
        &mut self,
        prompt: usize,
        text: &str,
        tokens: usize,
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) {
        let now = Instant::now();
        for token in self.tokens..tokens {
            let time = now - std::mem::replace(&mut self.last, now);
            match token {
                0 => self.latency.first_token = time,
                _ => self.latency.between_tokens.push(time),
            }
        }
        self.tokens = tokens;
        if !text.is_empty() {
            self.text.push_str(text);
            on_piece(Piece { prompt, text });
        }
    }
}
