//! More rows from those there are: augmenters give edits, and spans move with them.
//!
//! - [`Pipeline`] applies operators to copies of a data set's rows, one after the other.
//! - Operators on a row ([`Augmenter`]): [`Synonyms`], [`Entities`], [`Noise`], [`Typos`].
//! - Operators on many rows ([`BatchAugmenter`]), which ask a model: [`BackTranslation`] through a
//!   [`Translator`], [`Contextual`] through a [`MaskFiller`] ([`LineProcess`], another program, is
//!   either), [`Rephrasing`] through a [`Rephraser`].
//! - [`variants()`] makes texts without labels, for a teacher to label.

mod augmenter;
mod operators;
mod pipeline;
mod process;
mod variants;

pub use augmenter::{Augmenter, BatchAugmenter, Candidate, Row, RowEntity};
pub use operators::{
    BackTranslation, Contextual, Entities, Generator, IntentClassifier, MaskFiller, MaskedText,
    Noise, NoiseConfig, ParaphraseConfig, Pattern, RephraseRequest, Rephraser, Rephrasing,
    Synonyms, Translator, Typos, TyposConfig,
};
pub use pipeline::{AugmentReport, Flagged, Pipeline, PipelineConfig};
pub use process::LineProcess;
pub use variants::variants;
