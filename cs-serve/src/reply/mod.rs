//! What is said to a customer, and where it comes from.
//!
//! - [`Asked`] is what is to be answered.
//! - [`Answerer`] answers turns that no flow takes: from facts, from what somebody wrote.
//! - [`Reply`] is a text with its [`Source`] and [`Evidence`].
//! - [`Replies`] are what somebody wrote: texts for intents, and answers to questions, which
//!   [`retrieval`] finds.
//! - [`Writer`] has a language model write what is held against all that.
//! - [`Template`] is a text with places for values, [`Text`] one in several languages.
//! - [`Language`] is the one that a customer writes.

mod answerer;
mod answerer_parts;
mod asked;
mod entry;
mod error;
mod known;
mod language;
mod notation;
mod question;
mod replies;
pub mod retrieval;
mod said;
mod template;
mod text;
mod wording;
mod writer;

pub use answerer::Answerer;
pub use answerer_parts::AnswererParts;
pub use asked::{Asked, Exchange, Sink};
pub use error::ReplyError;
pub use language::Language;
pub use replies::Replies;
pub use said::{Evidence, Reply, Source};
pub use template::{Template, TemplateError, Values};
pub use text::Text;
pub use writer::{Writer, WriterConfig};
