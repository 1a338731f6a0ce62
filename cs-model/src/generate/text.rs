//! The text of one continuation as it grows.

use std::sync::Arc;

use super::detokenizer::{Decode, Detokenizer};
use super::stop::StopStrings;
use crate::error::Result;

/// The text of one continuation as it grows: tokens become pieces, up to a stop string.
#[derive(Clone)]
pub(super) struct Text<'a> {
    decode: Arc<Decode<'a>>,
    detokenizer: Detokenizer,
    stop: StopStrings,
}

impl<'a> Text<'a> {
    pub(super) fn new(decode: Arc<Decode<'a>>, stop_strings: &[String]) -> Self {
        Self {
            decode,
            detokenizer: Detokenizer::default(),
            stop: StopStrings::new(stop_strings),
        }
    }

    /// Gives the text that the next token makes sure.
    pub(super) fn push(&mut self, token: u32) -> Result<String> {
        let piece = self.detokenizer.push(token, &*self.decode)?;
        let mut text = self.stop.push(&piece);
        let held = self.detokenizer.held();
        if self.stop.is_found_with(held) {
            text.push_str(&self.stop.push(held));
        }
        Ok(text)
    }

    /// Gives the text that was held back, as no token follows.
    pub(super) fn finish(&mut self) -> Result<String> {
        let piece = self.detokenizer.finish(&*self.decode)?;
        let mut rest = self.stop.push(&piece);
        rest.push_str(&self.stop.finish());
        Ok(rest)
    }

    /// Gives the text of all tokens at once, before which none was pushed.
    pub(super) fn whole(&mut self, tokens: &[u32]) -> Result<String> {
        let mut text = self.stop.push(&(self.decode)(tokens)?);
        text.push_str(&self.stop.finish());
        Ok(text)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_found()
    }
}
