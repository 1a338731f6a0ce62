//! The words of a model and their ids, both ways.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::trie::{Node, Trie};

/// Words in one text, which a trie finds and ids list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vocabulary {
    text: String,
    /// The words by id, each of which is there once.
    entries: Vec<Entry>,
    trie: Trie,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    id: u32,
    /// Where the word begins and ends in the text.
    start: u32,
    end: u32,
}

impl Vocabulary {
    /// The words with their ids. Of equal words, and of words with one id, the last counts; `None`
    /// if ids or text are larger than can be counted.
    pub(super) fn new(words: &[(Cow<'_, str>, u32)]) -> Option<Self> {
        let bytes: usize = words.iter().map(|(word, _)| word.len()).sum();
        let most = words.iter().map(|&(_, id)| id).max();
        if u32::try_from(bytes).is_err() || most == Some(u32::MAX) {
            return None;
        }
        let mut text = String::with_capacity(bytes);
        let mut entries = Vec::with_capacity(words.len());
        for (word, id) in words {
            let start = text.len() as u32;
            text.push_str(word);
            entries.push(Entry {
                id: *id,
                start,
                end: text.len() as u32,
            });
        }
        // Of those with the same id the last comes first, and stays.
        entries.reverse();
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        entries.shrink_to_fit();
        let trie = Trie::new(words.iter().map(|(word, id)| (&**word, *id)));
        Some(Self {
            text,
            entries,
            trie,
        })
    }

    /// How many different words there are.
    pub(super) fn len(&self) -> usize {
        self.trie.len()
    }

    /// The largest id.
    pub(super) fn last_id(&self) -> Option<u32> {
        self.entries.last().map(|entry| entry.id)
    }

    pub(super) fn id(&self, word: &str) -> Option<u32> {
        self.trie.find(word)
    }

    pub(super) fn word(&self, id: u32) -> Option<&str> {
        let dense = self.entries.get(id as usize).filter(|entry| entry.id == id);
        let entry = match dense {
            Some(entry) => entry,
            None => {
                let at = self.entries.binary_search_by_key(&id, |entry| entry.id);
                &self.entries[at.ok()?]
            }
        };
        self.text.get(entry.start as usize..entry.end as usize)
    }

    /// Words and ids, in the order of ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let ids = self.entries.iter().map(|entry| entry.id);
        ids.filter_map(|id| Some((self.word(id)?, id)))
    }

    /// Where words that begin with a prefix go on.
    pub(super) fn node(&self, prefix: &str) -> Option<Node> {
        self.trie.node(prefix)
    }

    /// What a text begins with, as [`Trie::prefixes`] gives it.
    pub(super) fn prefixes(&self, from: Node, text: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        self.trie.prefixes(from, text)
    }
}

/// A map from words to ids, in the order of ids.
impl Serialize for Vocabulary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
