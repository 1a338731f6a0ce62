//! Answered questions, found by what a customer asks.
//!
//! - [`Retrieval`] searches questions by their words and, with an [`Embedder`], by their meaning, and
//!   fuses both by reciprocal ranks.
//! - [`Found`] is a question with its ranks, and with what says whether its answer may be given.
//! - [`terms`] are the words of a text as they are compared.
//!
//! ```
//! use cs_serve::reply::retrieval::{Retrieval, RetrievalConfig};
//!
//! let questions = ["怎么申请退货？", "多久能发货？", "How do I return an order?"];
//! let retrieval = Retrieval::new(&questions, None)?;
//! let found = retrieval.search("请问怎么申请退货", 3)?;
//! let config = RetrievalConfig::default();
//! assert!(found[0].question == 0 && found[0].is_sure(&config));
//! let found = retrieval.search("多久能修好？", 3)?;
//! assert!(found[0].question == 1 && !found[0].is_sure(&config));
//! # Ok::<(), cs_serve::reply::ReplyError>(())
//! ```

mod analysis;
mod embedder;
mod fusion;
mod lexical;
mod semantic;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use analysis::clauses;
pub use analysis::terms;
pub use embedder::{Embedder, NativeEmbedder};

use self::fusion::{Ranking, fused};
use self::lexical::Lexical;
use self::semantic::Semantic;
use super::ReplyError;

/// The number of questions that each ranking gives to the fusion.
const DEPTH: usize = 100;

/// What a rank by words counts, of one by meaning. Of 1, 0.5, 0.3, 0.2 and 0.1, and 0, 1, 5, 10 and 60
/// added to each rank, this and 1 found the most of Bitext's and CrossWOZ's questions.
const WORDS: f32 = 0.5;

/// When the answer to a question that was found is given: if either value is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrievalConfig {
    /// The least [`Found::overlap`]. 0.5 by default.
    pub min_overlap: f32,
    /// The least [`Found::cosine`], which depends on the embedder: 0.97 by default, which is for
    /// multilingual-e5-small.
    pub min_cosine: f32,
}

impl Default for RetrievalConfig {
    fn default() -> Self {
        Self {
            min_overlap: 0.5,
            min_cosine: 0.97,
        }
    }
}

impl RetrievalConfig {
    /// Checks that both are above 0 and at most 1.
    ///
    /// # Errors
    /// [`ReplyError::Config`] names the value that is wrong.
    pub fn validate(&self) -> Result<(), ReplyError> {
        for (name, value) in [
            ("min_overlap", self.min_overlap),
            ("min_cosine", self.min_cosine),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(ReplyError::Config {
                    name,
                    found: value.to_string(),
                    expected: "a number above 0 and at most 1",
                });
            }
        }
        Ok(())
    }
}

/// A question that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Its number.
    pub question: usize,
    /// Its rank by words, from 1; none if it is not among the first hundred.
    pub lexical_rank: Option<usize>,
    /// Its rank by meaning, likewise.
    pub semantic_rank: Option<usize>,
    /// The weighted sum of the reciprocal ranks.
    pub fused: f32,
    /// The part of the words of both, it and the text, that stand in both, each by its weight in
    /// BM25: the rarer, the more. 1 if they have the same words, and 0 beyond the first hundred. A
    /// clause of four words or more may take the part of the text, as a customer may ask two things.
    pub overlap: f32,
    /// The cosine between its vector and the text's; none without an embedder.
    pub cosine: Option<f32>,
}

impl Found {
    /// Whether its answer may be given.
    pub fn is_sure(&self, config: &RetrievalConfig) -> bool {
        let means_it = self.cosine.is_some_and(|it| it >= config.min_cosine);
        means_it || self.overlap >= config.min_overlap
    }
}

/// Questions, ready to be searched.
#[derive(Debug)]
pub struct Retrieval {
    lexical: Lexical,
    semantic: Option<Semantic>,
}

impl Retrieval {
    /// Reads questions, which are numbered in this order. With an embedder each takes a forward of
    /// it and a vector of memory.
    ///
    /// # Errors
    /// The embedder fails, or the index cannot be made.
    pub fn new(
        questions: &[impl AsRef<str>],
        embedder: Option<Arc<dyn Embedder>>,
    ) -> Result<Self, ReplyError> {
        let questions: Vec<&str> = questions.iter().map(AsRef::as_ref).collect();
        let semantic = embedder
            .map(|it| Semantic::new(&questions, it))
            .transpose()?;
        Ok(Self {
            lexical: Lexical::new(&questions)?,
            semantic,
        })
    }

    /// Gives at most so many questions that a text may ask, the likeliest first: by BM25 of their
    /// words and by cosine, fused by reciprocal ranks, of which those by meaning count twice (after Cormack,
    /// Clarke and Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    /// Learning Methods").
    ///
    /// # Errors
    /// The embedder fails, or the index cannot be read.
    pub fn search(&self, text: &str, most: usize) -> Result<Vec<Found>, ReplyError> {
        let by_words = self.lexical.search(text, DEPTH)?;
        let semantic = self.semantic.as_ref();
        let cosines = semantic.map(|it| it.cosines(text)).transpose()?;
        let by_meaning = cosines.as_deref().map(|it| semantic::nearest(it, DEPTH));
        let words: Vec<usize> = by_words.iter().map(|it| it.question).collect();
        let meaning = by_meaning.unwrap_or_default();
        let place = |ranking: &[usize], question| {
            let at = ranking.iter().position(|it| *it == question);
            at.map(|it| it + 1)
        };
        let ranking = |items, weight| Ranking { items, weight };
        let rankings = [ranking(&words, WORDS), ranking(&meaning, 1.0)];
        let found = fused(&rankings).into_iter().take(most);
        let found = found.map(|(question, fused)| {
            let lexical_rank = place(&words, question);
            Found {
                question,
                lexical_rank,
                semantic_rank: place(&meaning, question),
                fused,
                overlap: lexical_rank.map_or(0.0, |it| by_words[it - 1].overlap),
                cosine: cosines.as_ref().map(|it| it[question]),
            }
        });
        Ok(found.collect())
    }
}
