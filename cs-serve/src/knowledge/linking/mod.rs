//! Names of things, classes and predicates in a text.
//!
//! - [`Linker`] knows all names of a graph, and finds them in a text: as they are written, in other
//!   order or shortened, and with a typing error or two.
//! - [`Mention`] is where a name stands, with the things that may be meant as [`Candidate`]s.

mod form;
mod index;
mod linker;
mod mention;
mod overlaps;
mod search;
mod typos;
mod variants;
mod ways;
mod weights;

pub use linker::{Linker, LinkerConfig};
pub use mention::{Candidate, Mention};
