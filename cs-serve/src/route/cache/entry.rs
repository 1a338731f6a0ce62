//! An answer as it is kept.

use cs_model::Understanding;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::question::Key;

/// What may be given to everybody who asks the same: an answer that follows from the text, the
/// models and the knowledge alone. Whatever was made with anything of a customer's session (an
/// order's state, a name, what was said before) must not be `Shareable`; then the compiler keeps it
/// out of every [`Cache`](super::Cache):
///
/// ```compile_fail,E0277
/// use cs_serve::route::{Cache, CacheConfig};
///
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct ReplyToOneCustomer(String);
///
/// let cache: Cache<ReplyToOneCustomer> = Cache::new(CacheConfig::default());
/// ```
pub trait Shareable: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// Estimates the bytes that it takes.
    fn bytes(&self) -> usize;

    /// Gives it for `text`, of which it differs from the text that it was made for in what is not
    /// seen, in case, spaces or a full stop; `None` if it depends on those.
    fn for_text(&self, text: &str) -> Option<Self>;
}

impl Shareable for Understanding {
    fn bytes(&self) -> usize {
        const EACH: usize = 48; // the string and the numbers beside it
        let ranked = self.intents.iter().map(|it| it.label.len() + EACH);
        let entities = self
            .entities
            .iter()
            .map(|it| it.label.len() + it.text.len() + 2 * EACH);
        let vector = self.embedding.as_ref().map_or(0, |it| 4 * it.len());
        size_of::<Self>() + self.text.len() + ranked.chain(entities).sum::<usize>() + vector
    }

    /// An entity has a place in the very text.
    fn for_text(&self, text: &str) -> Option<Self> {
        self.entities.is_empty().then(|| Self {
            text: text.to_owned(),
            ..self.clone()
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry<V> {
    pub(super) text: Box<str>,
    pub(super) value: V,
}

impl<V: Shareable> Entry<V> {
    pub(crate) fn new(text: &str, value: &V) -> Self {
        Self {
            text: text.into(),
            value: value.clone(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.value.bytes()
    }

    /// The answer for this text, whose normal form is that of the entry's.
    pub(crate) fn for_text(&self, text: &str) -> Option<V> {
        if *self.text == *text {
            return Some(self.value.clone());
        }
        self.value.for_text(text)
    }
}

impl Key {
    pub(super) fn bytes(&self) -> usize {
        const COUNTERS: usize = 160; // of the cache itself, for each entry
        self.text.len() + COUNTERS
    }
}
