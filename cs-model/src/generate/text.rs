//! The text of one continuation as it grows.

use super::detokenizer::{Decode, Detokenizer};
use super::stop::StopStrings;
use crate::error::Result;

/// The text of one continuation as it grows: tokens become pieces, up to a stop string.
#[derive(Clone)]
pub(super) struct Text<'a> {
    decode: &'a Decode<'a>,
    detokenizer: Detokenizer,
    stop: StopStrings<'a>,
}

impl<'a> Text<'a> {
    pub(super) fn new(decode: &'a Decode<'a>, stop_strings: &'a [String]) -> Self {
        Self {
            decode,
            detokenizer: Detokenizer::default(),
            stop: StopStrings::new(stop_strings),
        }
    }

    /// Gives the text that the next token makes sure.
    pub(super) fn push(&mut self, token: u32) -> Result<String> {
        let piece = self.detokenizer.push(token, self.decode)?;
        Ok(self.stop.push(&piece))
    }

    /// Gives the text that was held back, as no token follows.
    pub(super) fn finish(&mut self) -> Result<String> {
        let piece = self.detokenizer.finish(self.decode)?;
        let mut rest = self.stop.push(&piece);
        rest.push_str(&self.stop.finish());
        Ok(rest)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_found()
    }
}
