//! What a service knows, as a graph of facts.
//!
//! - [`Facts`] is what can be asked for facts.

mod error;
mod facts;

pub use error::KnowledgeError;
pub use facts::{Datatype, Fact, Facts, Iri, Literal, Name, Named, Object, Predicate, Rows};
