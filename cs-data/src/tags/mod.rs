//! Spans as tags of tokens: the schemes there are, and tags in numbers for models.

mod align;
mod codec;
mod detect;
mod error;
mod scheme;
mod tag_set;

pub use error::{IobError, MixedSchemes};
pub use scheme::Scheme;
pub use tag_set::{TagIds, TagSet};
