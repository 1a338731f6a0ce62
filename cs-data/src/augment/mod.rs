//! More rows from those there are: augmenters give edits, and spans move with them.
//!
//! - [`Pipeline`] applies operators to copies of a data set's rows, one after the other.
//! - Operators on a row ([`Augmenter`]): [`Synonyms`], [`Entities`], [`Noise`], [`Typos`].
//! - Operators on many rows ([`BatchAugmenter`]), which ask another program: [`BackTranslation`]
//!   through a [`Translator`], [`Contextual`] through a [`MaskFiller`]; [`LineProcess`] is either.
//! - [`variants()`] makes texts without labels, for a teacher to label.

mod augmenter;
mod operators;
mod pipeline;
mod process;
mod variants;

pub use augmenter::{Augmenter, BatchAugmenter, Candidate, Row, RowEntity};
pub use operators::{
    BackTranslation, BackTranslationConfig, Contextual, Entities, Generator, MaskFiller,
    MaskedText, Noise, NoiseConfig, Pattern, Synonyms, Translator, Typos, TyposConfig,
};
pub use pipeline::{AugmentReport, Flagged, Pipeline, PipelineConfig};
pub use process::LineProcess;
pub use variants::variants;
