//! One sequence, greedy or drawn by chance.

use super::processors::Processors;
use super::search::{Continuation, Finish, Next, Search, no_token};
use super::text::Text;
use crate::error::Result;

/// A sequence that takes the likeliest token each time, or draws one.
pub(super) struct Single<'a> {
    processors: Processors<'a>,
    /// The number by which tokens are drawn.
    sequence: u64,
    history: Vec<u32>,
    text: Option<Text<'a>>,
    piece: String,
    finish: Option<Finish>,
}

impl<'a> Single<'a> {
    pub(super) fn new(
        processors: Processors<'a>,
        prompt: &[u32],
        sequence: u64,
        text: Option<Text<'a>>,
    ) -> Self {
        Self {
            processors,
            sequence,
            history: prompt.to_vec(),
            text,
            piece: String::new(),
            finish: None,
        }
    }

    fn length(&self) -> usize {
        self.history.len() - self.processors.prompt_length
    }

    fn choose(&self, scores: &mut [f32]) -> Result<u32> {
        self.processors.apply(&self.history, scores);
        let token = if let Some(sampling) = &self.processors.config.sampling {
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
        let (config, length) = (self.processors.config, self.length());
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
        let ends = self.processors.config.eos_token_id.contains(&token);
        if let Some(text) = self.text.as_mut().filter(|_| !ends) {
            self.piece.push_str(&text.push(token)?);
        }
        Ok(())
    }
}

impl Search for Single<'_> {
    fn width(&self) -> usize {
        usize::from(self.finish.is_none())
    }

    fn advance(&mut self, rows: &mut [f32]) -> Result<Vec<Next>> {
        let token = self.choose(rows)?;
        Ok(Vec::from_iter(self.take(token)?))
    }

    fn take_piece(&mut self) -> String {
        std::mem::take(&mut self.piece)
    }

    fn finish(self: Box<Self>) -> Result<Continuation> {
        Ok(Continuation {
            tokens: self.history[self.processors.prompt_length..].to_vec(),
            text: None,
            finish: self.finish.unwrap_or(Finish::Length),
            score: None,
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
