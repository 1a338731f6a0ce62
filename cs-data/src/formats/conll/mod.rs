//! CoNLL, and what tokens and tags say in it.

mod block;
mod reader;
mod tagging;
pub(crate) mod tokens;

pub(crate) use block::is_tagged;
pub(crate) use reader::{ConllReader, ConllWriter};
pub(crate) use tagging::Tagging;
