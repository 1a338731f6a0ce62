//! What the generator drives for each prompt: a single sequence, or beams.

use super::config::GenerateConfig;
use super::latency::Latency;
use super::text::Text;
use crate::error::{Error, Result};

/// Why a continuation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// By one of `eos_token_id` or of the stop strings.
    Stop,
    /// By the maximum length.
    Length,
}

impl Finish {
    /// Gives the reason why a continuation ends, if it does, with a token that makes it this long.
    pub(super) fn of(
        config: &GenerateConfig,
        token: u32,
        length: usize,
        text: Option<&Text<'_>>,
    ) -> Option<Self> {
        if config.eos_token_id.contains(&token) || text.is_some_and(Text::is_stopped) {
            Some(Self::Stop)
        } else {
            (length == config.max_new_tokens).then_some(Self::Length)
        }
    }
}

/// What a prompt was continued with. Two that say the same are equal, whenever it came.
#[derive(Debug, Clone)]
pub struct Continuation {
    /// The tokens after the prompt, with the one that ended it.
    pub tokens: Vec<u32>,
    /// The text of the tokens, without the one of `eos_token_id` that ended it, and up to a stop
    /// string; `None` of a generator without text.
    pub text: Option<String>,
    /// The reason why it ended.
    pub finish: Finish,
    /// The log-probability by beam search, over the length to the power of the length penalty;
    /// `None` without beams.
    pub score: Option<f32>,
    /// When its tokens came.
    pub latency: Latency,
}

impl PartialEq for Continuation {
    fn eq(&self, other: &Self) -> bool {
        let said = |it: &Self| (it.finish, it.score);
        self.tokens == other.tokens && self.text == other.text && said(self) == said(other)
    }
}

/// A sequence of the decoder to go on with, and the token to append to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) source: usize,
    pub(super) token: u32,
}

/// A token that may follow a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scored {
    pub(super) token: u32,
    pub(super) score: f32,
}

/// The search for the continuation of one prompt.
pub(super) trait Search: Sync {
    /// Gives the number of sequences of the decoder that the search goes on with; none once it has
    /// ended.
    fn width(&self) -> usize;

    /// Gives the tokens with which a sequence may go on, the best first, by its logits, which it
    /// changes. This is what takes time, and is asked of several sequences at once.
    fn rank(&self, sequence: usize, logits: &mut [f32]) -> Result<Vec<Scored>>;

    /// Takes what each sequence may go on with, and gives those to go on with; none if it ended.
    fn advance(&mut self, ranked: &[Vec<Scored>]) -> Result<Vec<Next>>;

    /// Gives the text that became sure since this was last asked.
    fn take_piece(&mut self) -> String;

    /// Gives the number of tokens that are sure.
    fn sure_tokens(&self) -> usize;

    /// Gives what was found, without its text and when it came.
    fn finish(self: Box<Self>) -> Result<Continuation>;
}

/// Makes the error for a row of logits that puts no tokens into an order.
pub(super) fn unranked(row: usize) -> Error {
    Error::Shape {
        what: "logits of a decoder",
        expected: "numbers, not all of them infinite".to_owned(),
        found: format!("a row, number {row}, that has NaN, infinity or no finite number"),
    }
}

/// Says whether logits put tokens into an order; negative infinity rules one out.
pub(super) fn is_ranked(row: &[f32]) -> bool {
    // Not stopped by the first that is none, it takes no branch for each.
    let below = |below, &logit: &f32| below & (logit < f32::INFINITY);
    row.iter().fold(true, below) && row.iter().any(|logit| logit.is_finite())
}

/// Makes the error for scores by which no token can be chosen.
pub(super) fn no_token() -> Error {
    Error::Shape {
        what: "tokens that may come next",
        expected: "at least one that the settings do not rule out".to_owned(),
        found: "none".to_owned(),
    }
}
