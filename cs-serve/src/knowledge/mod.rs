//! What a service knows, as a graph of facts.
//!
//! - [`Facts`] is what can be asked for facts.
//! - [`value`] reads amounts, times, dates and telephone numbers from texts, and compares them.

mod error;
mod facts;
pub mod value;

pub use error::KnowledgeError;
pub use facts::{Datatype, Fact, Facts, Iri, Literal, Name, Named, Object, Predicate, Rows};
