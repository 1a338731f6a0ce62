//! A regular expression that a text matches.

use cs_data::TokenBytes;
use regex_automata::util::primitives::StateID;

use super::Open;
use super::automaton::Automaton;
use super::lexicon::Lexicon;
use crate::error::{Error, Result};

/// A regular expression, and the tokens that its matches are written in.
#[derive(Debug)]
pub(super) struct Pattern {
    automaton: Automaton,
    tokens: Vec<Option<TokenBytes>>,
    /// The tokens as they begin a text.
    first: Lexicon,
    /// The tokens as they go on.
    later: Lexicon,
}

impl Pattern {
    pub(super) fn new(expression: &str, tokens: Vec<Option<TokenBytes>>) -> Result<Self> {
        let known = || {
            (0..)
                .zip(&tokens)
                .filter_map(|(id, bytes)| Some((id, bytes.as_ref()?)))
        };
        let pattern = Self {
            automaton: Automaton::new(expression)?,
            first: Lexicon::new(known().map(|(id, bytes)| (id, &*bytes.first))),
            later: Lexicon::new(known().map(|(id, bytes)| (id, &*bytes.later))),
            tokens,
        };
        let mut scores = vec![0.0; pattern.tokens.len()];
        let mut open = Open {
            scores: &mut scores,
            kept: Vec::new(),
        };
        if pattern.follow(&[], &mut open) || !open.kept.is_empty() {
            return Ok(pattern);
        }
        let expected = "an expression whose matches begin with the text of a token";
        Err(Error::field("regex", format!("{expression:?}"), expected))
    }

    /// Keeps the tokens that may follow, and says whether the text so far matches.
    pub(super) fn follow(&self, generated: &[u32], open: &mut Open<'_>) -> bool {
        let Some(state) = self.state(generated) else {
            return false;
        };
        let lexicon = if generated.is_empty() {
            &self.first
        } else {
            &self.later
        };
        lexicon.follow(&self.automaton, state, open);
        self.automaton.is_match(state)
    }

    pub(super) fn last_token(&self) -> Option<u32> {
        let last = self.tokens.iter().rposition(Option::is_some)?;
        u32::try_from(last).ok()
    }

    /// The state after some tokens; `None` after one that rules out a match.
    fn state(&self, generated: &[u32]) -> Option<StateID> {
        let mut state = self.automaton.start();
        for (place, &token) in generated.iter().enumerate() {
            let bytes = self.tokens.get(token as usize)?.as_ref()?;
            let bytes = if place == 0 {
                &bytes.first
            } else {
                &bytes.later
            };
            for &byte in bytes {
                state = self.automaton.next(state, byte)?;
            }
        }
        Some(state)
    }
}
