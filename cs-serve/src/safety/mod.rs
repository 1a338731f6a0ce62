//! What may not be said, and what may not be kept.
//!
//! - [`words`] finds words of lists in texts, however they are disguised.
//! - [`meaning`] finds texts that are like prohibited ones, by vectors.

pub mod meaning;
pub mod words;
