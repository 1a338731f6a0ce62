//! What is found in a text.

use crate::knowledge::{Iri, Named};

/// Scores that are nearer than this are as good as equal.
const MARGIN: f32 = 0.05;

/// A stretch of a text that names something.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// Where it begins, in Unicode scalar values of the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What may be meant, the likeliest first: one at least.
    pub candidates: Vec<Candidate>,
    /// Other names that stand within it, as 故宫 in 故宫博物院.
    pub nested: Vec<Mention>,
}

/// What may be meant by a mention.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What the graph calls it.
    pub iri: Iri,
    /// What sort of thing it is.
    pub named: Named,
    /// Its name, in full.
    pub name: String,
    /// How much of the name is there, from 0 to 1: 1 if it stands there as it is. Characters count
    /// for more the fewer names have them.
    pub score: f32,
    /// The number of typing errors in it.
    pub errors: usize,
}

impl Mention {
    /// Gives the candidates that are as likely as the first one, itself included. If there are more
    /// than one, only the customer knows: "which one do you mean?"
    #[must_use]
    pub fn likeliest(&self) -> &[Candidate] {
        let best = self.candidates.first().map_or(0.0, |first| first.score);
        let count = self
            .candidates
            .iter()
            .take_while(|candidate| best - candidate.score < MARGIN)
            .count();
        &self.candidates[..count]
    }

    /// Gives what is meant, if nothing else is as likely.
    #[must_use]
    pub fn sure(&self) -> Option<&Candidate> {
        match self.likeliest() {
            [only] => Some(only),
            _ => None,
        }
    }
}
