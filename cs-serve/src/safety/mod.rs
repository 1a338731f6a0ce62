//! What may not be said, and what may not be kept.
//!
//! - [`words`] finds words of lists in texts, however they are disguised.

pub mod words;
