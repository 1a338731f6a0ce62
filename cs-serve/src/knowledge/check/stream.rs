//! A reply that is checked while it is written.

use super::checked::{Checked, Verdict};
use super::checker::Checker;
use super::context::Context;
use super::sentences::Sentences;
use crate::knowledge::error::KnowledgeError;

/// Checks a reply by sentences, each with those before it as its context. Places are those in the
/// whole reply.
#[derive(Debug)]
pub struct Stream<'a> {
    checker: &'a Checker,
    context: Context,
    sentences: Sentences,
    /// The sentences that are complete.
    reply: String,
}

impl<'a> Stream<'a> {
    pub(super) fn new(checker: &'a Checker, context: Context) -> Self {
        Self {
            checker,
            context,
            sentences: Sentences::default(),
            reply: String::new(),
        }
    }

    /// Takes a piece of the reply, and gives the check of each sentence that it completes.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn push(&mut self, piece: &str) -> Result<Vec<Checked>, KnowledgeError> {
        let complete = self.sentences.push(piece);
        complete
            .iter()
            .map(|sentence| self.sentence(sentence))
            .collect()
    }

    /// Checks what no full stop has ended; none if nothing is left.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn finish(mut self) -> Result<Option<Checked>, KnowledgeError> {
        let rest = self.sentences.rest().to_owned();
        (!rest.is_empty()).then(|| self.sentence(&rest)).transpose()
    }

    fn sentence(&mut self, sentence: &str) -> Result<Checked, KnowledgeError> {
        let start = self.reply.chars().count();
        self.reply.push_str(sentence);
        let mut checked = self.checker.check(&self.reply, &self.context)?;
        checked.facts.retain(|it| it.start >= start);
        checked.verdict = Verdict::of_all(checked.facts.iter().map(|it| it.verdict));
        let is_wrong = checked.verdict == Verdict::Contradicted;
        checked.corrected = checked.corrected.filter(|_| is_wrong);
        Ok(checked)
    }
}
