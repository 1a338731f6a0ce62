//! Values out, tags in.

use std::fmt;

use super::found::{Found, find, without_overlaps};
use super::keys::Keys;
use super::masked::{Mask, Masked};
use super::{placeholder, tag};

/// Masks personal data.
pub struct Masker {
    keys: Keys,
}

/// A text that was masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedText {
    /// The text with `<KIND:tag>` in the place of each value.
    pub masked: Masked<String>,
    /// What stood where in the text as it was.
    pub found: Vec<Found>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}

impl Masker {
    /// Takes the keys of its tags.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { keys }
    }

    /// Masks a text. A tag has 80 bits of HMAC-SHA256 (RFC 2104) of the conversation, the kind and the value in
    /// its common form: 138 0013 8000 has the tag of 一三八零零一三八零零零.
    #[must_use]
    pub fn text(&self, conversation: &str, text: &str) -> MaskedText {
        self.text_with(conversation, text, &[])
    }

    /// Masks a text, and in it what another one has found besides, as a model that knows names. Of what overlaps, its
    /// findings stand; those beyond the text's end are none.
    #[must_use]
    pub fn text_with(&self, conversation: &str, text: &str, others: &[Found]) -> MaskedText {
        let places: Vec<usize> = text
            .char_indices()
            .map(|it| it.0)
            .chain([text.len()])
            .collect();
        let others = others.iter().copied();
        let others = others.filter(|it| it.start < it.end && it.end < places.len());
        let found = without_overlaps(others.chain(find(text)));
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for it in &found {
            let (start, end) = (places[it.start], places[it.end]);
            masked.push_str(&text[at..start]);
            let tag = tag::of_value(&self.keys, conversation, it.kind, &text[start..end]);
            placeholder::write(it.kind, &tag, &mut masked);
            at = end;
        }
        masked.push_str(&text[at..]);
        MaskedText {
            masked: Masked::new(masked),
            found,
        }
    }

    /// Masks all texts of something.
    #[must_use]
    pub fn mask<T: Mask>(&self, conversation: &str, value: T) -> Masked<T> {
        Masked::new(value.mask(&mut |text| self.text(conversation, &text).masked.into_inner()))
    }

    /// Gives what stands for a customer in all conversations: 80 bits of HMAC-SHA256 by a key of its own.
    #[must_use]
    pub fn customer(&self, customer: &str) -> Masked<String> {
        Masked::new(tag::of_customer(&self.keys, customer))
    }
}
