//! What is said to a customer, and where it comes from.
//!
//! - [`Asked`] is what is to be answered.
//! - [`Reply`] is a text with its [`Source`] and [`Evidence`].
//! - [`Template`] is a text with places for values, [`Text`] one in several languages.
//! - [`Language`] is the one that a customer writes.

mod asked;
mod language;
mod said;
mod template;
mod text;

pub use asked::{Asked, Exchange};
pub use language::Language;
pub use said::{Evidence, Reply, Source};
pub use template::{Template, TemplateError, Values};
pub use text::Text;
