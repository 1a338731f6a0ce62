//! One sequence, greedy or drawn by chance.

use std::fmt;

use super::config::GenerateConfig;
use super::latency::Latency;
use super::processors::Processors;
use super::search::{Continuation, Finish, Next, Scored, Search, is_ranked, no_token, unranked};
use super::text::Text;
use crate::error::{Error, Result};

/// The continuation of one prompt as it grows, by the likeliest token each time or one drawn by
/// chance: what [`Generator::begin`](super::Generator::begin) gives to who drives a model himself,
/// and [`ContinuousBatch`](super::ContinuousBatch) takes.
///
/// ```
/// use cs_model::generate::{Finish, GenerateConfig, Generator, Prompt};
///
/// let config = GenerateConfig { max_new_tokens: 2, ..Default::default() };
/// let mut generation = Generator::new(config, 3)?.begin(&Prompt::new(&[0]), None)?;
/// assert_eq!(generation.choose(&mut [0.0, 0.5, 1.0])?, Some(2)); // to be read next
/// assert_eq!(generation.choose(&mut [0.0, 0.5, 0.1])?, None);
/// assert_eq!((generation.tokens(), generation.finish()), (&[0, 2, 1][..], Some(Finish::Length)));
/// # Ok::<(), cs_model::Error>(())
/// ```
pub struct Generation<'a> {
    processors: Processors,
    vocab_size: usize,
    /// The number by which tokens are drawn.
    sequence: u64,
    history: Vec<u32>,
    text: Option<Text<'a>>,
    piece: String,
    finish: Option<Finish>,
}

impl<'a> Generation<'a> {
    pub(super) fn new(
        processors: Processors,
        vocab_size: usize,
        prompt: &[u32],
        sequence: u64,
        text: Option<Text<'a>>,
    ) -> Self {
        Self {
            processors,
            vocab_size,
            sequence,
            history: prompt.to_vec(),
            text,
            piece: String::new(),
            finish: None,
        }
    }

    /// Chooses the next token by the logits after all tokens so far, which it changes, and gives it
    /// as the next to be read; `None` if it was the last.
    ///
    /// # Errors
    /// [`Error::Shape`] for logits of another vocabulary or that are no numbers, and for settings
    /// that leave no token; what fails while tokens become text.
    pub fn choose(&mut self, logits: &mut [f32]) -> Result<Option<u32>> {
        if logits.len() != self.vocab_size {
            return Err(Error::Shape {
                what: "logits of a decoder",
                expected: format!("[{}]", self.vocab_size),
                found: format!("[{}]", logits.len()),
            });
        }
        if !is_ranked(logits) {
            return Err(unranked(0));
        }
        let token = self.pick(logits)?;
        Ok(self.take(token)?.map(|next| next.token))
    }

    /// Gives the text that became sure since this was last asked, empty without text. The pieces
    /// together are the text of the continuation.
    pub fn take_piece(&mut self) -> String {
        std::mem::take(&mut self.piece)
    }

    /// Gives the reason why the continuation ended; `None` while it goes on.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// Gives the tokens of the prompt and of what came after it, the one that ended it included.
    pub fn tokens(&self) -> &[u32] {
        &self.history
    }

    /// Gives the number of tokens of the prompt.
    pub fn prompt_length(&self) -> usize {
        self.processors.prompt_length
    }

    /// Gives the number of tokens that the model has read in the end if the continuation becomes as
    /// long as it may: the last new one is never read.
    pub fn most_read(&self) -> usize {
        self.prompt_length() + self.config().max_new_tokens - 1
    }

    /// Gives the number of tokens that there are to choose from.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn config(&self) -> &GenerateConfig {
        &self.processors.config
    }

    /// The number of new tokens.
    pub(super) fn length(&self) -> usize {
        self.history.len() - self.processors.prompt_length
    }

    /// The number of tokens that may still come.
    pub(super) fn left(&self) -> usize {
        self.config().max_new_tokens - self.length()
    }

    /// Gives the next token by its logits, which it changes.
    pub(super) fn pick(&self, scores: &mut [f32]) -> Result<u32> {
        self.processors.apply(&self.history, scores);
        let token = if let Some(sampling) = &self.config().sampling {
            sampling.warp(scores);
            sampling.draw(scores, self.sequence, self.length())
        } else {
            likeliest(scores)
        };
        token.ok_or_else(no_token)
    }

    /// Appends a token, and gives what to go on with, unless it ended.
    pub(super) fn take(&mut self, token: u32) -> Result<Option<Next>> {
        self.history.push(token);
        self.write(token)?;
        let (config, length) = (self.config(), self.length());
        self.finish = Finish::of(config, token, length, self.text.as_ref());
        if self.finish.is_none() {
            return Ok(Some(Next { source: 0, token }));
        }
        if let Some(text) = &mut self.text {
            self.piece.push_str(&text.finish()?);
        }
        Ok(None)
    }

    fn write(&mut self, token: u32) -> Result<()> {
        let ends = self.config().eos_token_id.contains(&token);
        if let Some(text) = self.text.as_mut().filter(|_| !ends) {
            self.piece.push_str(&text.push(token)?);
        }
        Ok(())
    }
}

impl fmt::Debug for Generation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("config", self.config())
            .field("tokens", &self.history.len())
            .field("finish", &self.finish)
            .finish_non_exhaustive()
    }
}

impl Search for Generation<'_> {
    fn width(&self) -> usize {
        usize::from(self.finish.is_none())
    }

    fn rank(&self, _: usize, logits: &mut [f32]) -> Result<Vec<Scored>> {
        let token = self.pick(logits)?;
        Ok(vec![Scored { token, score: 0.0 }])
    }

    fn advance(&mut self, ranked: &[Vec<Scored>]) -> Result<Vec<Next>> {
        let best = ranked.first().and_then(|ranked| ranked.first());
        let best = best.ok_or_else(no_token)?;
        Ok(Vec::from_iter(self.take(best.token)?))
    }

    fn take_piece(&mut self) -> String {
        Generation::take_piece(self)
    }

    fn sure_tokens(&self) -> usize {
        self.length()
    }

    fn finish(self: Box<Self>) -> Result<Continuation> {
        Ok(Continuation {
            tokens: self.history[self.processors.prompt_length..].to_vec(),
            text: None,
            finish: self.finish.unwrap_or(Finish::Length),
            score: None,
            latency: Latency::default(),
        })
    }
}

/// Gives the token of the largest score, of equal ones the first; none if all are ruled out.
fn likeliest(scores: &[f32]) -> Option<u32> {
    let mut most = f32::NEG_INFINITY;
    let mut found = None;
    for (token, &score) in (0..).zip(scores) {
        if score > most {
            (most, found) = (score, Some(token));
        }
    }
    found
}
