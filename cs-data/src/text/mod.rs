//! A labelled turn: its text, spans of it, and how both change together.

mod edit;
mod escape;
#[cfg(feature = "arrow")]
mod normalize;
mod offsets;
mod script;
mod span_error;
mod utterance;
mod whitespace;

pub use edit::{Edit, EditError, Edits};
pub use escape::escape_markup;
#[cfg(feature = "arrow")]
pub use normalize::normalize;
pub use offsets::{Offsets, ceil, floor};
pub(crate) use script::{is_attached, is_mark, is_spaced_letter};
#[cfg(feature = "arrow")]
pub(crate) use script::{is_cjk, is_han, is_hangul_syllable, is_kana, is_latin, is_unspaced};
pub use span_error::SpanError;
pub(crate) use utterance::is_label;
pub use utterance::{MAX_TEXT_BYTES, SOURCE, Span, Turn, Utterance};
#[cfg(feature = "arrow")]
pub(crate) use utterance::{check_length, check_sentiment, check_text, to_bytes};
pub use whitespace::whitespace_tokens;
