//! What is to be answered.

use std::ops::ControlFlow;

use super::{Language, Values};
use crate::Understanding;

/// A customer's turn that is to be answered.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What the customer says.
    pub text: &'a str,
    /// What the model makes of it.
    pub understanding: &'a Understanding,
    /// The language of the reply.
    pub language: Language,
    /// What the conversation knows of the customer's matter.
    pub slots: &'a Values,
    /// The last turns before, the oldest first.
    pub history: &'a [Exchange],
}

/// What gets the text of a reply piece by piece, as soon as each may be shown; an empty one asks whether somebody
/// waits. It breaks if nobody waits for the rest.
pub type Sink<'a> = dyn FnMut(&str) -> ControlFlow<()> + 'a;

/// A turn before, and its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the customer said.
    pub customer: String,
    /// What was replied.
    pub reply: String,
}
