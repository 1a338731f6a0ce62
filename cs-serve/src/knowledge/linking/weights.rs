//! How much the words of names tell them apart.

use std::collections::{HashMap, HashSet};

use super::form::Form;
use super::typos::Letter;
use crate::knowledge::Name;

/// What a word weighs that all names have.
const LEAST: f32 = 0.02;

/// The inverse document frequency of words, with names as documents (Spärck Jones 1972): 1 for a word
/// of one name, nearly 0 for a word of all of them. Ideographs are words.
pub(super) struct Weights {
    /// The logarithm of the number of names.
    names: f32,
    /// The number of names that have the word.
    counts: HashMap<Vec<char>, u32>,
}

impl Weights {
    pub(super) fn new(names: &[Name]) -> Self {
        let mut counts: HashMap<Vec<char>, u32> = HashMap::new();
        for name in names {
            let form = Form::new(&name.text);
            let words: HashSet<&[char]> = form.words().map(|word| &form.chars[word]).collect();
            for word in words {
                match counts.get_mut(word) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(word.to_vec(), 1)),
                }
            }
        }
        Self {
            names: (names.len() as f32 + 1.0).ln(),
            counts,
        }
    }

    /// The characters of a name, with the weights of words shared out.
    pub(super) fn letters(&self, form: &Form) -> impl Iterator<Item = Letter> {
        form.words().flat_map(|word| {
            let word = &form.chars[word];
            let count = self.counts.get(word).copied().unwrap_or(1);
            let weight = 1.0 - (count as f32).ln() / self.names;
            let weight = weight.max(LEAST) / word.len() as f32;
            word.iter().map(move |&char| Letter { char, weight })
        })
    }
}
