//! Facts in memory: Turtle read and validated, kept as numbers, asked directly or by SPARQL.

mod limits;
mod problems;
mod reading;
mod schema;
pub(super) mod sparql;
mod statements;
mod store;
mod terms;
mod turtle;
mod validate;
pub(super) mod vocabulary;

pub use limits::Limits;
pub use problems::{Problem, ProblemKind, Severity};
pub use store::Graph;
