//! What a runtime does for conversations that come and go.

use crate::error::Result;
use crate::heads::Matrix;

/// A runtime's model that reads conversations of which each comes and goes by itself, unlike those
/// of a [`Decoder`](super::super::Decoder). It neither chooses tokens nor decides what to keep:
/// [`ContinuousBatch`](super::ContinuousBatch) does.
pub trait Conversations {
    /// Gives the number of tokens that there are, which is the width of a row of logits.
    fn vocab_size(&self) -> usize;

    /// Gives the number of positions that a conversation can have, `None` if it has no end.
    fn max_positions(&self) -> Option<usize>;

    /// Gives the size of a page.
    fn page(&self) -> Page;

    /// Begins conversation `new` with the first `tokens` tokens of conversation `of`, whole pages of
    /// them, which both share from now on.
    ///
    /// # Errors
    /// There is no conversation `of`, or it has read less.
    fn fork(&mut self, of: u64, new: u64, tokens: usize) -> Result<()>;

    /// Reads the next tokens of some conversations, each at most once and all of them in one
    /// forward, and gives rows of logits, part by part: one for the token after each of the last
    /// [`logits`](Part::logits) tokens of it. A conversation that is not known begins. What is given
    /// for one does not depend on the others, nor on the parts that it was read in.
    ///
    /// # Errors
    /// What keeps the runtime from computing them; then the conversations are as they were.
    fn read(&mut self, parts: &[Part<'_>]) -> Result<Matrix>;

    /// Forgets the last `tokens` tokens of a conversation: proposals that were read and not taken.
    ///
    /// # Errors
    /// The conversation is not known, or has fewer tokens.
    fn rewind(&mut self, conversation: u64, tokens: usize) -> Result<()>;

    /// Forgets a conversation, if it is known, and frees the pages that no other one shares.
    fn end(&mut self, conversation: u64);
}

/// The unit in which memory for keys and values is taken, and shared by conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The number of tokens on a page.
    pub tokens: usize,
    /// The size of a page in bytes.
    pub bytes: usize,
}

/// Some tokens that a conversation reads next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The number of the conversation.
    pub conversation: u64,
    /// The tokens, at least one.
    pub tokens: &'a [u32],
    /// The number of the last of them after each of which logits are wanted.
    pub logits: usize,
}

impl<T: Conversations + ?Sized> Conversations for Box<T> {
    fn vocab_size(&self) -> usize {
        (**self).vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        (**self).max_positions()
    }

    fn page(&self) -> Page {
        (**self).page()
    }

    fn fork(&mut self, of: u64, new: u64, tokens: usize) -> Result<()> {
        (**self).fork(of, new, tokens)
    }

    fn read(&mut self, parts: &[Part<'_>]) -> Result<Matrix> {
        (**self).read(parts)
    }

    fn rewind(&mut self, conversation: u64, tokens: usize) -> Result<()> {
        (**self).rewind(conversation, tokens)
    }

    fn end(&mut self, conversation: u64) {
        (**self).end(conversation);
    }
}
