//! What stands in a text: things, properties, classes and values, each in its place.

use super::phrases::Letters;
use super::properties::Properties;
use crate::knowledge::facts::{Iri, Named};
use crate::knowledge::linking::{Linker, Mention};
use crate::knowledge::value::{self, Value, fold};

/// A stretch of a text, and all that it may be.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The sentence and the clause that it stands in.
    pub(super) sentence: usize,
    pub(super) clause: usize,
    /// Things with such a name.
    pub(super) things: Vec<Iri>,
    /// Properties with such a name.
    pub(super) properties: Vec<u32>,
    /// Classes with such a name.
    pub(super) classes: Vec<Iri>,
    /// The value that it is.
    pub(super) value: Option<Value>,
    /// Properties that have it as their value, as a text.
    pub(super) texts: Vec<u32>,
}

/// A text, read.
#[derive(Debug)]
pub(super) struct Reading {
    /// Its characters, folded.
    pub(super) chars: Vec<char>,
    /// From left to right, without overlaps.
    pub(super) items: Vec<Item>,
}

/// The most characters of a clause before an item, and after it.
const LONGEST_CLAUSE: usize = 200;

const SENTENCE_ENDS: &str = "。!?;\n";
const CLAUSE_ENDS: &str = ",，";

impl Reading {
    pub(super) fn of(text: &str, linker: &Linker, properties: &Properties) -> Self {
        let chars: Vec<char> = text.chars().map(fold).collect();
        let mut items: Vec<Item> = linker
            .mentions(text)
            .iter()
            .map(|it| named(it, properties))
            .filter(Item::is_something)
            .collect();
        for phrase in properties.phrases.find(&Letters::of(text)) {
            add(
                &mut items,
                Item {
                    start: phrase.start,
                    end: phrase.end,
                    texts: phrase.properties.to_vec(),
                    ..Item::default()
                },
            );
        }
        for found in value::read(text) {
            add(
                &mut items,
                Item {
                    start: found.start,
                    end: found.end,
                    value: Some(found.value),
                    ..Item::default()
                },
            );
        }
        items.sort_by_key(|it| it.start);
        let mut reading = Self { chars, items };
        reading.number_sentences();
        reading.narrow(properties);
        reading
    }

    /// Gives what stands between two places.
    pub(super) fn between(&self, start: usize, end: usize) -> String {
        self.chars
            .get(start..end)
            .map(|it| it.iter().collect())
            .unwrap_or_default()
    }

    /// Gives the words between two places, with blanks in the place of items: names and values may
    /// have any words in them, as 不锈钢水壶 does, which say nothing of the rest.
    pub(super) fn words(&self, start: usize, end: usize) -> String {
        let is_item = |at: usize| {
            let last = self.items.partition_point(|it| it.start <= at);
            last > 0 && at < self.items[last - 1].end
        };
        let chars = self.chars.iter().enumerate().take(end).skip(start);
        chars
            .map(|(at, c)| if is_item(at) { ' ' } else { *c })
            .collect()
    }

    /// Gives the clause around an item, from its beginning and to its end; of a very long one the
    /// nearest part.
    pub(super) fn clause(&self, item: &Item) -> (usize, usize) {
        let ends = |at: &usize| self.ends(*at, true);
        let first = item.start.saturating_sub(LONGEST_CLAUSE);
        let last = self.chars.len().min(item.end + LONGEST_CLAUSE);
        let before = (first..item.start).rev().find(ends);
        let start = before.map_or(first, |at| at + 1);
        let end = (item.end..last).find(ends).unwrap_or(last);
        (start, end)
    }

    fn ends(&self, at: usize, clause: bool) -> bool {
        let c = self.chars[at];
        let dot = c == '.' && self.chars.get(at + 1).is_none_or(|next| *next == ' ');
        dot || SENTENCE_ENDS.contains(c) || (clause && CLAUSE_ENDS.contains(c))
    }

    fn number_sentences(&mut self) {
        let (mut sentence, mut clause, mut at) = (0, 0, 0);
        for index in 0..self.items.len() {
            while at < self.items[index].start {
                let inside = index > 0 && at < self.items[index - 1].end;
                sentence += usize::from(!inside && self.ends(at, false));
                clause += usize::from(!inside && self.ends(at, true));
                at += 1;
            }
            (self.items[index].sentence, self.items[index].clause) = (sentence, clause);
        }
    }

    /// Where a name is that of several properties, lets the class that follows tell which is meant:
    /// 周边 has hotels in "周边没有酒店".
    fn narrow(&mut self, properties: &Properties) {
        for index in 0..self.items.len() {
            let (before, after) = self.items.split_at_mut(index + 1);
            let item = &mut before[index];
            if item.properties.len() < 2 {
                continue;
            }
            let next = after.iter().take_while(|it| it.sentence == item.sentence);
            let classes: Vec<&Iri> = next.flat_map(|it| &it.classes).collect();
            let has_class = |&property: &u32| {
                classes
                    .iter()
                    .any(|it| properties.get(property).ranges_over(it))
            };
            let narrowed: Vec<u32> = item.properties.iter().copied().filter(has_class).collect();
            if !narrowed.is_empty() {
                item.properties = narrowed;
            }
        }
    }
}

impl Item {
    fn is_something(&self) -> bool {
        !(self.things.is_empty() && self.properties.is_empty() && self.classes.is_empty())
    }

    fn length(&self) -> usize {
        self.end - self.start
    }
}

fn named(mention: &Mention, properties: &Properties) -> Item {
    let mut item = Item {
        start: mention.start,
        end: mention.end,
        ..Item::default()
    };
    for candidate in mention.likeliest() {
        let iri = candidate.iri.clone();
        match candidate.named {
            Named::Entity => item.things.push(iri),
            Named::Class => item.classes.push(iri),
            Named::Predicate => item.properties.extend(properties.number(&iri)),
        }
    }
    item
}

/// Adds an item, unless a longer one stands in its place; one of the same place becomes one with it.
fn add(items: &mut Vec<Item>, item: Item) {
    if let Some(same) = items
        .iter_mut()
        .find(|it| (it.start, it.end) == (item.start, item.end))
    {
        same.texts.extend(item.texts);
        same.value = same.value.take().or(item.value);
        return;
    }
    let overlaps = |it: &Item| it.start < item.end && item.start < it.end;
    if items
        .iter()
        .any(|it| overlaps(it) && it.length() >= item.length())
    {
        return;
    }
    items.retain(|it| !overlaps(it));
    items.push(item);
}
