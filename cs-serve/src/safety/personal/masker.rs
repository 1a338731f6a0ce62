//! Values out, tags in.

use std::fmt;
use std::sync::Arc;

use super::found::{Found, find, with_the_rest};
use super::keys::Keys;
use super::masked::Masked;
use super::vault::{Place, Vault};
use super::{placeholder, tag};

/// Masks personal data.
pub struct Masker {
    keys: Keys,
    vault: Option<Arc<Vault>>,
}

/// A text that was masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedText {
    /// The text with `<KIND:tag>` in the place of each value.
    pub masked: Masked<String>,
    /// What stood where in the text as it was.
    pub found: Vec<Found>,
}

/// What has texts that can be masked, as a row of a log has.
///
/// ```
/// use cs_serve::safety::personal::{Keys, Mask, Masker, Masking};
///
/// struct Row {
///     turn: u32,
///     text: String,
/// }
///
/// impl Mask for Row {
///     fn mask(self, masking: &Masking<'_>) -> Self {
///         Self { text: self.text.mask(masking), ..self }
///     }
/// }
///
/// let row = Row { turn: 3, text: "a@b.example".to_owned() };
/// let masked = Masker::new(Keys::random()?).mask("conversation 7", row);
/// assert_eq!(masked.get().turn, 3);
/// assert!(masked.get().text.starts_with("<EMAIL:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Mask {
    /// Gives the same with each of its texts masked, and with tags in the place of names.
    #[must_use]
    fn mask(self, masking: &Masking<'_>) -> Self;
}

/// The masking of a conversation, which [`Mask`] is done by.
#[derive(Debug)]
pub struct Masking<'a> {
    masker: &'a Masker,
    conversation: &'a str,
}

impl Masking<'_> {
    /// Masks a text, as [`Masker::text`].
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let masked = self.masker.text(self.conversation, text).masked;
        masked.into_inner()
    }

    /// Masks a text, as [`Masker::text_with`].
    #[must_use]
    pub fn text_with(&self, text: &str, others: &[Found]) -> String {
        let masked = self
            .masker
            .text_with(self.conversation, text, others)
            .masked;
        masked.into_inner()
    }

    /// Gives what stands for a conversation, as [`Masker::conversation`].
    #[must_use]
    pub fn conversation(&self, conversation: &str) -> String {
        self.masker.conversation(conversation).into_inner()
    }

    /// Gives what stands for a customer, as [`Masker::customer`].
    #[must_use]
    pub fn customer(&self, customer: &str) -> String {
        self.masker.customer(customer).into_inner()
    }
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
        Self { keys, vault: None }
    }

    /// Has each value kept in a vault, some microseconds each.
    #[must_use]
    pub fn with_vault(self, vault: Arc<Vault>) -> Self {
        let vault = Some(vault);
        Self { vault, ..self }
    }

    /// Masks a text. A tag has 80 bits of HMAC-SHA256 (RFC 2104) of the conversation, the kind and the value in
    /// its common form: 138 0013 8000 has the tag of 一三八零零一三八零零零.
    #[must_use]
    pub fn text(&self, conversation: &str, text: &str) -> MaskedText {
        self.text_with(conversation, text, &[])
    }

    /// Masks a text, and in it what another one has found besides, as a model that knows names. Of what overlaps, its
    /// findings stand, and what they leave of the others is masked as well; those beyond the text's end are none.
    #[must_use]
    pub fn text_with(&self, conversation: &str, text: &str, others: &[Found]) -> MaskedText {
        let places: Vec<usize> = text
            .char_indices()
            .map(|it| it.0)
            .chain([text.len()])
            .collect();
        let others = others.iter().copied();
        let others = others.filter(|it| it.start < it.end && it.end < places.len());
        let found = with_the_rest(others.chain(find(text)), text);
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for it in &found {
            let (start, end) = (places[it.start], places[it.end]);
            masked.push_str(&text[at..start]);
            let tag = tag::of_value(&self.keys, conversation, it.kind, &text[start..end]);
            if let Some(vault) = &self.vault {
                let place = Place {
                    tag: &tag,
                    conversation: &tag::of_conversation(&self.keys, conversation),
                    kind: it.kind,
                };
                vault.keep(place, &text[start..end]);
            }
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
        self.mask_by(conversation, |masking| value.mask(masking))
    }

    /// Takes what masks all texts of something, with more than they tell themselves.
    pub(crate) fn mask_by<T>(
        &self,
        conversation: &str,
        mask: impl FnOnce(&Masking<'_>) -> T,
    ) -> Masked<T> {
        Masked::new(mask(&Masking {
            masker: self,
            conversation,
        }))
    }

    /// Gives what stands for a conversation: 80 bits of HMAC-SHA256 by the key of values.
    #[must_use]
    pub fn conversation(&self, conversation: &str) -> Masked<String> {
        Masked::new(tag::of_conversation(&self.keys, conversation))
    }

    /// Gives what stands for a customer in all conversations: 80 bits of HMAC-SHA256 by a key of its own.
    #[must_use]
    pub fn customer(&self, customer: &str) -> Masked<String> {
        Masked::new(tag::of_customer(&self.keys, customer))
    }
}

impl Mask for String {
    fn mask(self, masking: &Masking<'_>) -> Self {
        masking.text(&self)
    }
}

impl<T: Mask> Mask for Option<T> {
    fn mask(self, masking: &Masking<'_>) -> Self {
        self.map(|it| it.mask(masking))
    }
}

impl<T: Mask> Mask for Vec<T> {
    fn mask(self, masking: &Masking<'_>) -> Self {
        self.into_iter().map(|it| it.mask(masking)).collect()
    }
}
