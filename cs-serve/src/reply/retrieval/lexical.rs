//! Questions by their words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::BooleanQuery;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, Searcher, TantivyDocument, TantivyError, Term};

use super::analysis::terms;
use crate::reply::ReplyError;

/// What the index may take while it is made, in bytes. It takes more if it has to.
const MEMORY: usize = 32 << 20;
/// Parameters of BM25 as tantivy has them, which does not tell.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// An index in memory, of one segment, in which a question's number is its document's.
pub(super) struct Lexical {
    searcher: Searcher,
    field: Field,
    /// The mean number of a question's terms.
    mean_length: f32,
}

/// A question that has words of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub(super) question: usize,
    /// The score, divided by that of the text found by itself; at most 1.
    pub(super) overlap: f32,
}

impl Lexical {
    pub(super) fn new(questions: &[&str]) -> Result<Self, ReplyError> {
        Self::index(questions).map_err(failed)
    }

    fn index(questions: &[&str]) -> Result<Self, TantivyError> {
        let mut schema = Schema::builder();
        // The terms are made here, and joined by blanks.
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::WithFreqs);
        let options = TextOptions::default().set_indexing_options(indexing);
        let field = schema.add_text_field("question", options);
        let builder = Index::builder().schema(schema.build());
        let mut writer = builder.single_segment_index_writer(RamDirectory::create(), MEMORY)?;
        let mut length = 0;
        for question in questions {
            let terms = terms(question);
            length += terms.len();
            let mut document = TantivyDocument::new();
            document.add_text(field, terms.join(" "));
            writer.add_document(document)?;
        }
        let index = writer.finalize()?;
        Ok(Self {
            searcher: index.reader()?.searcher(),
            field,
            mean_length: length as f32 / questions.len().max(1) as f32,
        })
    }

    /// Gives at most so many questions that have words of a text, the best first.
    pub(super) fn search(&self, text: &str, most: usize) -> Result<Vec<Hit>, ReplyError> {
        self.hits(&terms(text), most).map_err(failed)
    }

    fn hits(&self, terms: &[String], most: usize) -> Result<Vec<Hit>, TantivyError> {
        let own = self.own_score(terms)?;
        let distinct: BTreeSet<&String> = terms.iter().collect();
        let distinct = distinct.into_iter().map(|it| self.term(it)).collect();
        let query = BooleanQuery::new_multiterms_query(distinct);
        let top = TopDocs::with_limit(most).order_by_score();
        let found = self.searcher.search(&query, &top)?;
        let hit = |(score, address): (f32, tantivy::DocAddress)| Hit {
            question: address.doc_id as usize,
            overlap: (score / own).min(1.0),
        };
        Ok(found.into_iter().map(hit).collect())
    }

    /// Gives the score that a question of these terms and no others would have: BM25 (Robertson and
    /// Zaragoza 2009, "The Probabilistic Relevance Framework", equation 3.15), with the logarithm of
    /// `1 + (N - n + 0.5) / (n + 0.5)` for a term that `n` of `N` questions have, at least one: else a
    /// word that is new would count for more than any other.
    fn own_score(&self, terms: &[String]) -> Result<f32, TantivyError> {
        let mut counts: BTreeMap<&String, f32> = BTreeMap::new();
        for term in terms {
            *counts.entry(term).or_default() += 1.0;
        }
        let length = terms.len() as f32 / self.mean_length.max(1.0);
        let mut score = 0.0;
        for (term, count) in counts {
            let having = self.searcher.doc_freq(&self.term(term))?.max(1) as f32;
            let all = self.searcher.num_docs().max(1) as f32;
            let rare = (1.0 + (all - having + 0.5) / (having + 0.5)).ln();
            score += rare * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
        }
        Ok(score)
    }

    fn term(&self, text: &str) -> Term {
        Term::from_field_text(self.field, text)
    }
}

fn failed(error: TantivyError) -> ReplyError {
    ReplyError::Index {
        source: error.into(),
    }
}

impl fmt::Debug for Lexical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lexical")
            .field("questions", &self.searcher.num_docs())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTIONS: [&str; 5] = [
        "how do I cancel my order",
        "cancel cancel order",
        "where is my parcel",
        "怎么取消订单",
        "how long does the delivery of my parcel take",
    ];

    #[test]
    fn each_question_finds_itself_wholly() {
        let lexical = Lexical::new(&QUESTIONS).unwrap();
        for (number, question) in QUESTIONS.iter().enumerate() {
            let hits = lexical.search(question, 9).unwrap();
            assert_eq!(hits[0].question, number, "{question}");
            assert!((hits[0].overlap - 1.0).abs() < 1e-5, "{question}: {hits:?}");
            assert!(
                hits[1..].iter().all(|it| it.overlap < 0.9),
                "{question}: {hits:?}"
            );
        }
    }

    #[test]
    fn unknown_words_count_against() {
        let lexical = Lexical::new(&QUESTIONS).unwrap();
        let overlap = |text: &str| lexical.search(text, 9).unwrap()[0].overlap;
        assert!(overlap("cancel my order") > overlap("cancel my order of a blue whale"));
    }

    #[test]
    fn nothing_is_found_for_nothing() {
        for questions in [&QUESTIONS[..], &[]] {
            let lexical = Lexical::new(questions).unwrap();
            for text in ["", "？", "zebra"] {
                assert_eq!(lexical.search(text, 9).unwrap(), [], "{text}");
            }
        }
    }
}
