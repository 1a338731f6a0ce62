//! What may not be said, and what may not be kept.
//!
//! - [`words`] finds words of lists in texts, however they are disguised.
//! - [`meaning`] finds texts that are like prohibited ones, by vectors.
//! - [`personal`] finds personal data in texts, and masks them.
//!
//! What words and prohibited texts demand is an [`Action`].

mod action;
mod error;
mod line;
pub mod meaning;
pub mod personal;
mod simplified;
pub mod words;

pub use action::{Action, Severity};
pub use error::ListError;
