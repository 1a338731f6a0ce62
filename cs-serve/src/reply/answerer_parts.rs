//! What turns are answered from.

use std::fmt;
use std::sync::Arc;

use super::retrieval::{Embedder, RetrievalConfig};
use super::writer::Writer;
use super::{Replies, ReplyError};
use crate::knowledge::CurrentKnowledge;

/// What an [`Answerer`](super::Answerer) answers from.
#[derive(Default)]
pub struct AnswererParts {
    /// What somebody wrote.
    pub replies: Replies,
    /// When the answer to a question that was found is given.
    pub retrieval: RetrievalConfig,
    /// What finds questions by their meaning, too.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// What is known.
    pub knowledge: Option<Arc<CurrentKnowledge>>,
    /// What writes replies where nobody has.
    pub writer: Option<Writer>,
}

impl AnswererParts {
    /// Refuses parts that are without effect.
    pub(super) fn validate(&self) -> Result<(), ReplyError> {
        self.retrieval.validate()?;
        let refused = |name, expected| {
            Err(ReplyError::Config {
                name,
                found: "one".to_owned(),
                expected,
            })
        };
        if self.embedder.is_some() && self.replies.questions().next().is_none() {
            return refused("embedder", "none, as no reply answers a question");
        }
        if self.knowledge.is_none() && !self.replies.asks().is_empty() {
            return refused(
                "a reply of the kind knowledge",
                "none, as there are no facts",
            );
        }
        let has_questions = self.replies.questions().next().is_some();
        if self.writer.is_some() && self.knowledge.is_none() && !has_questions {
            return refused(
                "writer",
                "none, as there are neither facts nor answered questions",
            );
        }
        Ok(())
    }
}

impl fmt::Debug for AnswererParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswererParts")
            .field("replies", &self.replies.len())
            .field("knowledge", &self.knowledge)
            .finish_non_exhaustive()
    }
}
