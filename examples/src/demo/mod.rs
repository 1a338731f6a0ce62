//! A Chinese and English customer-service data set, generated from templates.
//!
//! Sentences come from five tables under `examples/data/`, written to be extended by hand:
//! `templates.tsv` (what a customer asks, by intent), `frames.tsv` (how it is said: greetings,
//! fillers, anger; they carry the sentiment), `details.tsv` (entities said beside what is asked),
//! `values.tsv` (what fills the slots) and `out_of_scope.tsv`
//! (what no customer-service model has an answer for). Every row of
//! every table belongs either to training or to testing, so the test set is new wording about new
//! orders, products and places.
//!
//! ```
//! use cs_examples::demo::{Corpus, Split};
//!
//! let corpus = Corpus::embedded()?;
//! let rows = corpus.generate(Split::Train, 40, 7);
//! assert_eq!(rows.len(), 40);
//! assert_eq!(rows, corpus.generate(Split::Train, 40, 7));
//! let span = rows.iter().flat_map(|row| &row.spans).next().expect("most rows have entities");
//! assert!(!span.label.is_empty());
//! # Ok::<(), cs_examples::demo::TableError>(())
//! ```

mod corpus;
mod files;
mod pairs;
mod tables;
mod template;
mod values;

pub use corpus::Corpus;
pub use files::Demo;
pub use pairs::{Pair, Part};
pub use tables::{Detail, Frame, Language, OUT_OF_SCOPE_LABEL, Question, Split, TableError, Tone};
pub use template::{Filled, Piece, Template, TemplateError};
pub use values::{Pool, Values};
