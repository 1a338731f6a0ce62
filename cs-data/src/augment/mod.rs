//! More rows from those there are: augmenters give edits, and spans move with them.
//!
//! - [`Pipeline`] applies operators to copies of a data set's rows, one after the other.
//! - Operators on a row ([`Augmenter`]): [`Synonyms`], [`Entities`], [`Noise`], [`Typos`].
//! - Operators on many rows ([`BatchAugmenter`]), which ask another program: [`BackTranslation`]
//!   through a [`Translator`], [`Contextual`] through a [`MaskFiller`]; [`LineProcess`] is either.

mod assemble;
mod back_translation;
mod contextual;
mod dates;
mod dictionary;
mod drafts;
mod entities;
mod extras;
mod generate;
mod guard;
mod noise;
mod pattern;
mod pipeline;
mod plan;
mod process;
mod row;
mod synonyms;
mod tokens;
mod typos;
mod words;
mod work;

pub use back_translation::{BackTranslation, BackTranslationConfig, Translator};
pub use contextual::{Contextual, MaskFiller, Masked};
pub use entities::Entities;
pub use generate::Generator;
pub use guard::Flagged;
pub use noise::{Noise, NoiseConfig};
pub use pattern::Pattern;
pub use pipeline::{Pipeline, PipelineConfig, Report};
pub use process::LineProcess;
pub use row::{Augmenter, BatchAugmenter, Candidate, Entity, Row};
pub use synonyms::Synonyms;
pub use typos::{Typos, TyposConfig};
