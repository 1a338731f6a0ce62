//! What is said to a customer, and where it comes from.
//!
//! - [`Reply`] is a text with its [`Source`] and [`Evidence`].
//! - [`Template`] is a text with places for values.
//! - [`Language`] is the one that a customer writes.

mod language;
mod said;
mod template;

pub use language::Language;
pub use said::{Evidence, Reply, Source};
pub use template::{Template, TemplateError, Values};
