//! A reply that is checked while it is written.

use std::collections::VecDeque;

use super::checked::{Checked, CheckedFact, Verdict};
use super::checker::Checker;
use super::context::Context;
use super::sentences::{Sentences, parts};
use crate::knowledge::error::KnowledgeError;

/// So many characters at least before a claim are looked through for what it is about.
const REACH: usize = 1_000;

/// Checks a reply by sentences, each with those of the last thousand characters before it. Places are
/// those in the whole reply, and so is what is corrected. The time for a sentence does not grow with
/// what was written before.
#[derive(Debug)]
pub struct Stream<'a> {
    checker: &'a Checker,
    context: Context,
    sentences: Sentences,
    /// What was checked last, with the numbers of its characters.
    before: VecDeque<(String, usize)>,
    /// The number of characters before that.
    start: usize,
    /// All that was checked, with what is known in place of what is false; none if nothing can be put
    /// in its place.
    corrected: Option<String>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(checker: &'a Checker, context: Context) -> Self {
        Self {
            checker,
            context,
            sentences: Sentences::default(),
            before: VecDeque::new(),
            start: 0,
            corrected: Some(String::new()),
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
            .map(|sentence| self.part(sentence))
            .collect()
    }

    /// Checks what no full stop has ended; none if nothing is left.
    ///
    /// # Errors
    /// The graph cannot be read.
    pub fn finish(mut self) -> Result<Option<Checked>, KnowledgeError> {
        let rest = self.sentences.rest().to_owned();
        (!rest.is_empty()).then(|| self.part(&rest)).transpose()
    }

    /// Checks a reply that is complete.
    pub(super) fn whole(mut self, reply: &str) -> Result<Checked, KnowledgeError> {
        let mut facts = Vec::new();
        for part in parts(reply) {
            facts.extend(self.part(&part)?.facts);
        }
        Ok(self.so_far(Verdict::of_all(facts.iter().map(|it| it.verdict)), facts))
    }

    fn part(&mut self, part: &str) -> Result<Checked, KnowledgeError> {
        let before: String = self.before.iter().map(|it| it.0.as_str()).collect();
        let mut checked = self.checker.part(&before, part, &self.context)?;
        for fact in &mut checked.facts {
            fact.start += self.start;
            fact.end += self.start;
        }
        let right = match checked.verdict {
            Verdict::Contradicted => checked.corrected.as_deref(),
            _ => Some(part),
        };
        self.corrected = self.corrected.take().zip(right).map(|it| it.0 + it.1);
        self.remember(part);
        Ok(self.so_far(checked.verdict, checked.facts))
    }

    fn so_far(&self, verdict: Verdict, facts: Vec<CheckedFact>) -> Checked {
        let is_wrong = verdict == Verdict::Contradicted;
        Checked {
            verdict,
            facts,
            corrected: self.corrected.clone().filter(|_| is_wrong),
        }
    }

    /// Forgets of what was checked what is out of reach.
    fn remember(&mut self, part: &str) {
        self.before
            .push_back((part.to_owned(), part.chars().count()));
        let mut length: usize = self.before.iter().map(|it| it.1).sum();
        while let Some((_, oldest)) = self.before.front()
            && length - oldest >= REACH
        {
            length -= oldest;
            self.start += oldest;
            self.before.pop_front();
        }
    }
}
