//! Operators: each proposes edits of a row's text.

mod back_translation;
mod contextual;
mod dates;
mod dictionary;
mod entities;
mod generate;
mod lexicon;
mod noise;
mod paraphrase;
mod pattern;
mod rephrasing;
mod synonyms;
mod tokens;
mod typos;

pub use back_translation::{BackTranslation, Translator};
pub use contextual::{Contextual, MaskFiller, MaskedText};
pub use entities::Entities;
pub use generate::Generator;
pub use noise::{Noise, NoiseConfig};
pub use paraphrase::ParaphraseConfig;
pub use pattern::Pattern;
pub use rephrasing::{IntentClassifier, RephraseRequest, Rephraser, Rephrasing};
pub use synonyms::Synonyms;
pub(crate) use synonyms::{each_match, matcher};
pub use typos::{Typos, TyposConfig};
