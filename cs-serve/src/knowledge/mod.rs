//! What a service knows, as a graph of facts.
//!
//! - [`Facts`] is what can be asked for facts; [`Graph`] has them in memory, read from Turtle;
//!   `Endpoint` (feature `sparql`) asks another server.
//! - [`Knowledge`] is one version of them, ready to check replies; [`CurrentKnowledge`] has the next one
//!   take its place.
//! - [`import`] makes Turtle of tables.
//! - [`check`] holds what a reply claims against the facts.
//! - [`linking`] finds the names of things in texts; [`questions`] answers what is asked about them.
//! - [`value`] reads amounts, times, dates and telephone numbers from texts, and compares them.

pub mod check;
mod common_words;
mod current;
#[cfg(feature = "sparql")]
mod endpoint;
mod error;
mod facts;
mod graph;
pub mod import;
pub mod linking;
pub mod questions;
pub mod value;

pub use current::{CurrentKnowledge, Knowledge};
#[cfg(feature = "sparql")]
pub use endpoint::Endpoint;
pub use error::KnowledgeError;
pub use facts::{Datatype, Fact, Facts, Iri, Literal, Name, Named, Object, Predicate, Rows};
pub use graph::{Graph, Limits, Problem, ProblemKind, Severity};
