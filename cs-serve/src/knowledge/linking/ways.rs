//! All that is said for the names of a graph, each text once.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::form::Form;
use super::index::{Index, Searched};
use super::linker::{Linker, LinkerConfig};
use super::typos::Letter;
use super::variants::{Said, Variant, variants};
use super::weights::Weights;
use crate::knowledge::common_words::is_common_word;
use crate::knowledge::{Facts, KnowledgeError, Name, Named};

/// The most characters of a name that is looked for.
const MAX_NAME: usize = 200;

/// Something that is said for names.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) letters: u32,
    /// The number of its characters.
    pub(super) len: u16,
    /// The errors with which it is found.
    pub(super) limit: u8,
    /// Whether it is a word that mostly names nothing.
    pub(super) is_common: bool,
    /// The weight of its characters together.
    pub(super) weight: f32,
    /// The names that it stands for, as a range of all owners.
    pub(super) owners: Range<u32>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) name: u32,
    pub(super) said: Said,
}

/// A way to say a name in parts.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) rest: Vec<u32>,
    pub(super) way: u32,
}

/// What a linker is made of, while names are added.
pub(super) struct Ways {
    weights: Weights,
    max_errors: usize,
    /// The names of classes.
    classes: Vec<Form>,
    /// What mostly names no entity.
    common: HashSet<Vec<char>>,
    by_text: HashMap<Vec<char>, u32>,
    letters: Vec<Letter>,
    ways: Vec<Way>,
    /// Names by the way in which they are said.
    owners: Vec<(u32, Owner)>,
    phrases: HashMap<u32, Vec<Phrase>>,
}

impl Ways {
    pub(super) fn new(names: &[Name], config: &LinkerConfig) -> Self {
        let is_class = |name: &&Name| name.named == Named::Class;
        let other = names
            .iter()
            .filter(|name| name.named != Named::Entity)
            .map(|name| &name.text);
        let common = other
            .chain(&config.common_words)
            .map(|word| Form::new(word).chars);
        Self {
            weights: Weights::new(names),
            max_errors: config.max_errors,
            classes: names
                .iter()
                .filter(is_class)
                .map(|name| Form::new(&name.text))
                .collect(),
            common: common.collect(),
            by_text: HashMap::new(),
            letters: Vec::new(),
            ways: Vec::new(),
            owners: Vec::new(),
            phrases: HashMap::new(),
        }
    }

    /// Adds all ways to say a name.
    pub(super) fn add(&mut self, at: u32, name: &Name) {
        for Variant { parts, said } in variants(name, &self.classes) {
            if parts.iter().map(|part| part.chars.len()).sum::<usize>() > MAX_NAME {
                continue;
            }
            let ways: Vec<u32> = parts.iter().map(|part| self.way(part)).collect();
            let way = match *ways {
                [way] => way,
                [first, ref rest @ ..] => self.phrase(first, rest),
                [] => continue,
            };
            self.owners.push((way, Owner { name: at, said }));
        }
    }

    /// The way that is this text.
    fn way(&mut self, form: &Form) -> u32 {
        if let Some(&way) = self.by_text.get(&form.chars) {
            return way;
        }
        let letters = self.letters.len() as u32;
        self.letters.extend(self.weights.letters(form));
        let weight = self.letters[letters as usize..]
            .iter()
            .map(|letter| letter.weight)
            .sum();
        let text: String = form.chars.iter().collect();
        let way = self.push(Way {
            letters,
            len: form.chars.len() as u16,
            limit: 0,
            is_common: is_common_word(&text) || self.common.contains(&form.chars),
            weight,
            owners: 0..0,
        });
        self.by_text.insert(form.chars.clone(), way);
        way
    }

    /// A way in parts, of which each is a way as well.
    fn phrase(&mut self, first: u32, rest: &[u32]) -> u32 {
        let parts = || {
            rest.iter()
                .chain([&first])
                .map(|&way| &self.ways[way as usize])
        };
        let way = Way {
            letters: self.ways[first as usize].letters,
            len: parts().map(|part| part.len).sum(),
            limit: 0,
            is_common: false,
            weight: parts().map(|part| part.weight).sum(),
            owners: 0..0,
        };
        let way = self.push(way);
        let rest = rest.to_vec();
        self.phrases
            .entry(first)
            .or_default()
            .push(Phrase { rest, way });
        way
    }

    fn push(&mut self, way: Way) -> u32 {
        self.ways.push(way);
        self.ways.len() as u32 - 1
    }

    /// Gives the linker.
    ///
    /// # Errors
    /// There are more names than can be looked for, or the graph fails.
    pub(super) fn finish(
        mut self,
        facts: &dyn Facts,
        names: Vec<Name>,
        config: LinkerConfig,
    ) -> Result<Linker, KnowledgeError> {
        self.owners
            .sort_unstable_by_key(|&(way, owner)| (way, owner.name, owner.said));
        self.owners.dedup_by_key(|(way, owner)| (*way, owner.name));
        let mut at = 0;
        for owners in self.owners.chunk_by(|one, other| one.0 == other.0) {
            let way = &mut self.ways[owners[0].0 as usize];
            way.owners = at..at + owners.len() as u32;
            at = way.owners.end;
            if owners.iter().any(|(_, owner)| owner.said != Said::Word) {
                way.limit = limit(way.len).min(self.max_errors) as u8;
            }
        }
        let searched = self.by_text.values().map(|&way| {
            let Way {
                letters,
                len,
                limit,
                ..
            } = self.ways[way as usize];
            let letters = &self.letters[letters as usize..][..usize::from(len)];
            Searched {
                way,
                letters,
                limit: usize::from(limit),
            }
        });
        let index = Index::new(&searched.collect::<Vec<_>>())?;
        let mut classes = HashMap::new();
        for &(way, Owner { name, said }) in &self.owners {
            let entity = &names[name as usize];
            let is_common = self.ways[way as usize].is_common || said == Said::Word;
            if is_common && entity.named == Named::Entity {
                classes.insert(name, facts.classes_of(&entity.iri)?);
            }
        }
        Ok(Linker {
            config,
            names,
            letters: self.letters,
            owners: self.owners.into_iter().map(|(_, owner)| owner).collect(),
            ways: self.ways,
            index,
            phrases: self.phrases,
            classes,
        })
    }
}

/// The errors with which a name of this length is found.
fn limit(len: u16) -> usize {
    match len {
        ..4 => 0,
        4..8 => 1,
        8.. => 2,
    }
}
