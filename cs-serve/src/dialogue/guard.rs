//! What stands between customers and a service that talks to them: both ways, words of lists and prohibited meanings.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::event::{Cause, Direction, Flagged};
use crate::Understanding;
use crate::error::BackendError;
use crate::reply::retrieval::Embedder;
use crate::reply::{Reply, Source};
use crate::safety::Action;
use crate::safety::meaning::{Likeness, Meaning, covered};
use crate::safety::words::{CurrentFilter, Filter, Hit, Stream};

/// The most causes that are noted of a text.
const MOST_CAUSES: usize = 20;

/// What customers' texts and replies are held against: words, prohibited meanings, or both.
///
/// | action | of a customer's text | of a reply |
/// | --- | --- | --- |
/// | `pass` | it goes on, and that it was flagged is noted | it is said, and that is noted |
/// | `review` | the same | the same |
/// | `mask` | it goes on with the words covered; nothing keeps them but 32 bits of a hash | it is said with the words covered |
/// | `block` | it is not heard: the customer is told so, and nothing else changes | it is not said: a person takes over |
///
/// The model reads what the customer wrote, as anger counts. Everything after it has the covered text: flows, answers, the
/// language model, the store. With a covered text, the store keeps 32 bits of a hash of what it was, to know it when it is sent
/// again: it has no key, so whoever can read the store can try which of a list of words fits. Offsets stay, as each character is covered by one. A text whose meaning is prohibited is covered as a whole.
///
/// Words are looked for in every reply, as flows repeat what customers say. Meanings are looked for in what a language model
/// writes alone; what somebody wrote for its place has been read by a person.
///
/// ```
/// use cs_serve::dialogue::Guard;
/// use cs_serve::safety::words::{CurrentFilter, Filter, FilterConfig, WordList};
///
/// let words = CurrentFilter::open(|| {
///     let mut words = WordList::new();
///     words.add("rascal\tinsult\t2\tmask".as_bytes(), "words.tsv".as_ref())?;
///     Ok(Filter::new(words, FilterConfig::default()))
/// })?;
/// let guard = Guard::default().with_words(words.into()); // and `Chat::with_guard`
/// assert_eq!(guard.words().unwrap().get().len(), 1);
/// # Ok::<(), cs_serve::safety::ListError>(())
/// ```
#[derive(Clone, Default)]
pub struct Guard {
    words: Option<Arc<CurrentFilter>>,
    meaning: Option<Arc<Meant>>,
}

/// What tells prohibited meanings.
struct Meant {
    meaning: Meaning,
    embedder: Arc<dyn Embedder>,
}

impl Guard {
    /// Looks for words.
    #[must_use]
    pub fn with_words(self, words: Arc<CurrentFilter>) -> Self {
        let words = Some(words);
        Self { words, ..self }
    }

    /// Looks for prohibited meanings, which takes the embedder's time for each customer's text, and for each one that a
    /// language model writes. Such a reply is not given before it is whole.
    #[must_use]
    pub fn with_meaning(self, meaning: Meaning, embedder: Arc<dyn Embedder>) -> Self {
        let meaning = Some(Arc::new(Meant { meaning, embedder }));
        Self { meaning, ..self }
    }

    /// The words that it looks for, if it does.
    #[must_use]
    pub fn words(&self) -> Option<&Arc<CurrentFilter>> {
        self.words.as_ref()
    }

    /// What a turn is held against, whatever takes the words' place meanwhile.
    pub(super) fn watch(&self) -> Watch {
        Watch {
            words: self.words.as_ref().map(|words| words.get()),
            meaning: self.meaning.clone(),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("words", &self.words)
            .field("meaning", &self.meaning.is_some())
            .finish()
    }
}

/// A guard as a turn has it.
#[derive(Default)]
pub(super) struct Watch {
    words: Option<Arc<Filter>>,
    meaning: Option<Arc<Meant>>,
}

/// A text that was held against words and meanings.
pub(super) struct Screened {
    /// The text, covered.
    pub(super) text: String,
    /// A digest of the text as it was, if it is covered.
    pub(super) digest: Option<u32>,
    action: Action,
    causes: BTreeSet<Cause>,
}

impl Screened {
    pub(super) fn is_blocked(&self) -> bool {
        self.action == Action::Block
    }

    /// What is noted of it, if something was found.
    pub(super) fn flagged(&self, direction: Direction) -> Option<Flagged> {
        let causes = self.causes.iter().take(MOST_CAUSES).cloned();
        (!self.causes.is_empty()).then(|| Flagged {
            direction,
            action: self.action,
            causes: causes.collect(),
        })
    }

    fn add(&mut self, cause: Cause, action: Action) {
        self.causes.insert(cause);
        self.action = self.action.max(action);
    }
}

/// What lets a reply out as it is written.
pub(super) enum Outlet {
    /// All of it, at once.
    Open,
    /// What no word that may still come can forbid.
    Filtered(Box<Stream>),
    /// Nothing, before it is whole.
    Shut,
}

impl Outlet {
    /// Takes a piece, and gives what may be said now, or why the rest of the reply may not be.
    pub(super) fn let_out<'a>(&mut self, piece: &'a str) -> Result<Cow<'a, str>, Flagged> {
        let stream = match self {
            Self::Open => return Ok(piece.into()),
            Self::Shut => return Ok("".into()),
            Self::Filtered(stream) => stream,
        };
        let filtered = stream.push(piece);
        if filtered.action < Action::Block {
            return Ok(filtered.masked.into());
        }
        let causes: BTreeSet<Cause> = filtered.hits.iter().map(Cause::word).collect();
        Err(Flagged {
            direction: Direction::Reply,
            action: filtered.action,
            causes: causes.into_iter().take(MOST_CAUSES).collect(),
        })
    }
}

impl Watch {
    /// Looks through a customer's text.
    pub(super) fn hear(&self, text: &str) -> Result<Screened, BackendError> {
        let mut screened = self.words("", text);
        if let Some(likeness) = self.meaning(text)? {
            screened.add(Cause::meaning(&likeness), likeness.action);
            if screened.is_blocked() {
                screened.text = covered(text);
            }
        }
        screened.digest = (screened.text != text).then(|| digest(text));
        Ok(screened)
    }

    /// Looks through a part of a reply, after what is said already.
    pub(super) fn say(&self, said: &str, part: &Reply) -> Result<Screened, BackendError> {
        let mut screened = self.words(said, &part.text);
        if part.source == Source::Generated
            && let Some(likeness) = self.meaning(&part.text)?
        {
            screened.add(Cause::meaning(&likeness), likeness.action);
        }
        Ok(screened)
    }

    /// A text with its words covered, whatever else is to be done with them.
    pub(super) fn covered(&self, text: &str) -> String {
        self.words("", text).text
    }

    pub(super) fn outlet(&self) -> Outlet {
        match (&self.words, &self.meaning) {
            (_, Some(_)) => Outlet::Shut,
            (Some(words), None) => Outlet::Filtered(Box::new(Stream::new(Arc::clone(words)))),
            (None, None) => Outlet::Open,
        }
    }

    /// Looks for words in a text that comes after another one, in which they may begin.
    fn words(&self, before: &str, text: &str) -> Screened {
        let mut screened = Screened {
            text: text.to_owned(),
            digest: None,
            action: Action::Pass,
            causes: BTreeSet::new(),
        };
        let Some(words) = &self.words else {
            return screened;
        };
        let filtered = words.filter(&format!("{before}{text}"));
        let start = before.chars().count();
        for hit in filtered.hits.iter().filter(|hit| hit.end > start) {
            screened.add(Cause::word(hit), hit.action);
        }
        screened.text = filtered.masked.chars().skip(start).collect();
        screened
    }

    fn meaning(&self, text: &str) -> Result<Option<Likeness<'_>>, BackendError> {
        let Some(meant) = self.meaning.as_ref().filter(|_| !text.trim().is_empty()) else {
            return Ok(None);
        };
        let vectors = meant.embedder.embed(&[text])?;
        let vector = vectors.first().ok_or("the embedder gave no vector")?;
        Ok(meant.meaning.prohibited(vector)?)
    }
}

impl Cause {
    fn word(hit: &Hit) -> Self {
        Self {
            category: hit.category.clone(),
            trick: Some(hit.trick),
        }
    }

    fn meaning(likeness: &Likeness<'_>) -> Self {
        Self {
            category: likeness.category.map(str::to_owned),
            trick: None,
        }
    }
}

/// Tells a text from another one that looks the same when it is covered. It has no key: of a few candidates for what was
/// covered, it tells which it was.
pub(super) fn digest(text: &str) -> u32 {
    let digest = Sha256::digest(text);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// What a model makes of a text, when that is covered.
pub(super) fn covered_too(understanding: &Understanding, text: &str) -> Understanding {
    let mut covered = understanding.clone();
    text.clone_into(&mut covered.text);
    for entity in &mut covered.entities {
        let length = entity.end.saturating_sub(entity.start);
        entity.text = text.chars().skip(entity.start).take(length).collect();
    }
    covered
}
