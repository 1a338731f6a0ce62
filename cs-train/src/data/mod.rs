//! From labelled utterances to what a model learns from: token ids, targets, masks.

mod examples;
mod masking;
mod segment;

pub use examples::{Example, Misaligned, Prepared, UnseenLabels, examples, tasks_of};
pub use masking::{MaskedRow, Masker, MaskingConfig, together};
pub use segment::{Segmenter, WordList};
