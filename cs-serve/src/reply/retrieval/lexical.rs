//! Questions by their words.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::BooleanQuery;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{DocAddress, Index, Searcher, TantivyDocument, TantivyError, Term};

use super::analysis::{clauses, terms};
use crate::reply::ReplyError;

/// What the index may take while it is made, in bytes. It takes more if it has to.
const MEMORY: usize = 32 << 20;

/// The most clauses of a text that are looked at by themselves, and the fewest terms of one.
const MOST_CLAUSES: usize = 8;
const LEAST_TERMS: usize = 4;

/// An index in memory, of one segment, in which a question's number is its document's.
pub(super) struct Lexical {
    searcher: Searcher,
    field: Field,
    /// The terms of each question, and how many questions have each.
    terms: Vec<BTreeSet<String>>,
    frequencies: HashMap<String, usize>,
}

/// A question that has words of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub(super) question: usize,
    /// The part of what it and the text, or a clause of that, have that both have.
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
        let mut sets = Vec::new();
        let mut frequencies = HashMap::new();
        for question in questions {
            let terms = terms(question);
            let mut document = TantivyDocument::new();
            document.add_text(field, terms.join(" "));
            writer.add_document(document)?;
            let set: BTreeSet<String> = terms.into_iter().collect();
            set.iter()
                .for_each(|it| *frequencies.entry(it.clone()).or_default() += 1);
            sets.push(set);
        }
        Ok(Self {
            searcher: writer.finalize()?.reader()?.searcher(),
            field,
            terms: sets,
            frequencies,
        })
    }

    /// Gives at most so many questions that have words of a text, the best first.
    pub(super) fn search(&self, text: &str, most: usize) -> Result<Vec<Hit>, ReplyError> {
        let of = |text: &str| terms(text).into_iter().collect::<BTreeSet<String>>();
        let clauses = clauses(text)
            .take(MOST_CLAUSES)
            .map(|(_, clause)| of(clause));
        let clauses = clauses.filter(|it| it.len() >= LEAST_TERMS);
        let mut parts = vec![of(text)];
        parts.extend(clauses);
        self.hits(&parts, most).map_err(failed)
    }

    /// Finds questions by the first of these parts of a text, which is all of it.
    fn hits(&self, parts: &[BTreeSet<String>], most: usize) -> Result<Vec<Hit>, TantivyError> {
        let term = |it: &String| Term::from_field_text(self.field, it);
        let terms = parts.iter().take(1).flatten().map(term).collect();
        let query = BooleanQuery::new_multiterms_query(terms);
        let top = TopDocs::with_limit(most).order_by_score();
        let found = self.searcher.search(&query, &top)?;
        let hit = |(_, address): (f32, DocAddress)| {
            let question = address.doc_id as usize;
            let overlaps = parts
                .iter()
                .map(|it| self.overlap(it, &self.terms[question]));
            Hit {
                question,
                overlap: overlaps.fold(0.0, f32::max),
            }
        };
        Ok(found.into_iter().map(hit).collect())
    }

    /// Jaccard's index of two sets of terms, each term by its weight.
    fn overlap(&self, one: &BTreeSet<String>, other: &BTreeSet<String>) -> f32 {
        let weight = |terms: &mut dyn Iterator<Item = &String>| -> f32 {
            terms.map(|it| self.weight(it)).sum()
        };
        let both = weight(&mut one.intersection(other));
        let all = weight(&mut one.union(other));
        if all > 0.0 { both / all } else { 0.0 }
    }

    /// BM25's weight of a term that `n` of `N` questions have, the logarithm of
    /// `1 + (N - n + 0.5) / (n + 0.5)`. One that none has is as one that a single one has: else a
    /// word that is new would count for more than any other.
    fn weight(&self, term: &str) -> f32 {
        let having = self.frequencies.get(term).map_or(1.0, |it| *it as f32);
        let all = self.terms.len().max(1) as f32;
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
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
    fn a_clause_may_be_the_question() {
        let lexical = Lexical::new(&QUESTIONS).unwrap();
        let overlap = |text: &str| lexical.search(text, 9).unwrap()[0].overlap;
        assert!(overlap("I changed my mind, how do I cancel my order?") > 0.99);
        assert!(overlap("I wonder, where is it") < 0.5);
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
