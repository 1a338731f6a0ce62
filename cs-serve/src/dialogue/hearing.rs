//! The values that a text has for a flow's slots.

use cs_model::Entity;

use super::flows::{Flow, Slot};
use super::words;
use crate::reply::Values;

/// As much of a text is heard, in characters: who needs more writes a letter, not a value.
const MOST_CHARS: usize = 2_000;
/// The longest value, in characters, and the longest that may be any text.
const MOST_VALUE: usize = 200;
const MOST_TEXT: usize = 1_000;
/// The most places of a text that a slot's pattern is looked for at.
const MOST_MATCHES: usize = 20;

/// Who listens: a flow, and what it knows.
pub(super) struct Listener<'a> {
    pub(super) flow: &'a Flow,
    pub(super) slots: &'a Values,
    /// The slot that it has asked for.
    pub(super) asked: Option<&'a str>,
    /// Whether the customer was asked if the values are right.
    pub(super) is_confirming: bool,
}

/// What was heard.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// New values, by slot.
    pub(super) values: Vec<(String, String)>,
    /// Slots whose value is not the one, without another one.
    pub(super) denied: Vec<String>,
    /// Whether what was asked for is among the values.
    pub(super) answers: bool,
    /// Whether the text has no more than these values and what stands beside values.
    pub(super) is_bare: bool,
    /// Whether what was asked for is the whole text, as any text may be its value.
    pub(super) is_whole_text: bool,
}

impl Heard {
    pub(super) fn is_nothing(&self) -> bool {
        self.values.is_empty() && self.denied.is_empty()
    }
}

/// A piece of the text that may be a slot's value, in characters.
#[derive(Debug, Clone)]
struct Claim {
    slot: usize,
    start: usize,
    end: usize,
    value: String,
    /// Whether the model says so.
    is_entity: bool,
    is_denied: bool,
}

struct Text<'a> {
    /// As it was said.
    cut: String,
    /// In half width.
    half: String,
    /// In lower case, too.
    folded: String,
    entities: &'a [Entity],
}

/// Hears values: first what was asked for, then what the model found, then what has the form of a value.
pub(super) fn hear(listener: &Listener<'_>, text: &str, entities: &[Entity]) -> Heard {
    let cut: String = text.chars().take(MOST_CHARS).collect();
    let text = Text {
        half: cut.chars().map(half_width).collect(),
        folded: words::folded(&cut),
        cut,
        entities,
    };
    let mut claims = text.claims(listener);
    claims.sort_by_key(|claim| claim.start);
    text.deny(&mut claims);
    let corrects = words::corrects(&text.folded);
    let mut heard = Heard {
        is_bare: !claims.is_empty() && words::is_framing(&text.without(&claims)),
        ..Heard::default()
    };
    for (at, slot) in listener.flow.slots.iter().enumerate() {
        let of_slot: Vec<&Claim> = claims.iter().filter(|claim| claim.slot == at).collect();
        listener.choose(slot, &of_slot, corrects, &mut heard);
    }
    if !heard.answers {
        listener.take_text(&text, &mut heard);
    }
    heard
}

/// Whether a value that is there may stay under another version of its slot.
pub(super) fn fits(slot: &Slot, value: &str) -> bool {
    match &slot.pattern {
        _ if !slot.choices.is_empty() => slot.choices.iter().any(|choice| choice.value == value),
        Some(pattern) => pattern
            .find(value)
            .is_some_and(|found| found.as_str() == value),
        None => true,
    }
}

impl Listener<'_> {
    /// Chooses among the claims to a slot.
    fn choose(&self, slot: &Slot, claims: &[&Claim], corrects: bool, heard: &mut Heard) {
        let current = self.slots.get(&slot.name);
        let is_asked = self.asked == Some(slot.name.as_str());
        let is_other = |claim: &&&Claim| Some(&claim.value) != current;
        let mut meant: Vec<&&Claim> = claims.iter().filter(|claim| !claim.is_denied).collect();
        if meant.iter().any(is_other) {
            meant.retain(is_other);
        }
        let chosen = if corrects {
            meant.last()
        } else {
            meant.first()
        };
        let Some(chosen) = chosen else {
            let is_current = |claim: &&Claim| Some(&claim.value) == current;
            if claims.iter().any(is_current) {
                heard.denied.push(slot.name.clone());
            }
            return;
        };
        // A word in passing is no correction.
        let is_meant = is_asked || self.is_confirming || corrects || chosen.is_entity;
        if is_asked {
            heard.answers = true;
        }
        if current.is_none() || (is_meant && current != Some(&chosen.value)) {
            heard.values.push((slot.name.clone(), chosen.value.clone()));
        }
    }

    /// Takes the whole text, if any text is an answer; or what it wants in place of such an answer.
    fn take_text(&self, text: &Text<'_>, heard: &mut Heard) {
        let mut slots = self.flow.slots.iter().filter(|slot| slot.is_text);
        let (slot, from) = if self.is_confirming {
            let replaced = slots.next().zip(words::replacement(&text.folded));
            match (replaced, slots.next()) {
                (Some(replaced), None) if heard.is_nothing() => replaced,
                _ => return,
            }
        } else {
            match slots.find(|slot| self.asked == Some(slot.name.as_str())) {
                Some(slot) => (slot, 0),
                None => return,
            }
        };
        let value: String = text.cut.chars().skip(from).collect();
        let value = value.trim();
        let is_value = value.chars().any(char::is_alphanumeric)
            && !value.ends_with(['?', '？'])
            && !words::is_reaction(&words::folded(value))
            && value.chars().count() <= MOST_TEXT;
        if is_value {
            heard.answers = !self.is_confirming;
            heard.is_whole_text = heard.answers;
            heard.is_bare |= self.is_confirming;
            heard.values.push((slot.name.clone(), value.to_owned()));
        }
    }
}

impl Text<'_> {
    fn claims(&self, listener: &Listener<'_>) -> Vec<Claim> {
        let mut claims: Vec<Claim> = Vec::new();
        let slots = &listener.flow.slots;
        let asked = slots
            .iter()
            .position(|slot| listener.asked == Some(slot.name.as_str()));
        let is_of_another = |slot: usize, claim: &Claim| {
            let found = self
                .entities
                .iter()
                .find(|entity| entity.start < claim.end && claim.start < entity.end);
            found.is_some_and(|entity| {
                let mut others = slots.iter().enumerate().filter(|(at, _)| *at != slot);
                entity.label != slots[slot].entity
                    && (asked != Some(slot) || others.any(|(_, it)| it.entity == entity.label))
            })
        };
        let is_whole = |claim: &Claim| claim.end - claim.start == self.half.trim().chars().count();
        // What was asked for comes first, and a text that is just a value is that one, whatever the model
        // takes it for.
        if let Some(at) = asked {
            let mut found = self.of_entities(at, &slots[at]);
            found.extend(self.of_form(at, &slots[at]));
            found.retain(|claim| claim.is_entity || is_whole(claim) || !is_of_another(at, claim));
            add(&mut claims, found);
        }
        let others = || (0..slots.len()).filter(|at| Some(*at) != asked);
        for at in others() {
            add(&mut claims, self.of_entities(at, &slots[at]));
        }
        for at in others() {
            let mut found = self.of_form(at, &slots[at]);
            found.retain(|claim| !is_of_another(at, claim));
            add(&mut claims, found);
        }
        claims
    }

    /// The claims of entities with the slot's label.
    fn of_entities(&self, slot: usize, of: &Slot) -> Vec<Claim> {
        let labelled = self
            .entities
            .iter()
            .filter(|entity| entity.label == of.entity);
        let claim = |entity: &Entity| {
            let text: String = entity.text.chars().map(half_width).collect();
            let text = text.trim();
            let value = if !of.choices.is_empty() {
                let found = choices(of, &words::folded(text));
                found.into_iter().next().map(|(_, value)| value)
            } else if of.pattern.is_some() {
                let found = matches(of, text);
                found.into_iter().next().map(|(_, value)| value)
            } else {
                (!text.is_empty()).then(|| text.to_owned())
            };
            let value = value.filter(|value| value.chars().count() <= MOST_VALUE)?;
            Some(Claim {
                slot,
                start: entity.start,
                end: entity.end,
                value,
                is_entity: true,
                is_denied: false,
            })
        };
        labelled.filter_map(claim).collect()
    }

    /// The claims of what has the form of the slot's values.
    fn of_form(&self, slot: usize, of: &Slot) -> Vec<Claim> {
        let mut found = Vec::new();
        for (place, value) in matches(of, &self.half) {
            found.push((characters(&self.half, place), value));
        }
        for (place, value) in choices(of, &self.folded) {
            found.push((characters(&self.folded, place), value));
        }
        let claim = |((start, end), value)| Claim {
            slot,
            start,
            end,
            value,
            is_entity: false,
            is_denied: false,
        };
        found.into_iter().map(claim).collect()
    }

    /// Marks the claims that the text says are not the ones: "not 12345, 54321".
    fn deny(&self, claims: &mut [Claim]) {
        let chars: Vec<char> = self.folded.chars().collect();
        let ends_part = |c: &char| matches!(c, ',' | '.' | ';' | '!' | '?' | '。' | '、' | '\n');
        let mut before = 0;
        for at in 0..claims.len() {
            let (start, end) = (
                claims[at].start.min(chars.len()),
                claims[at].end.min(chars.len()),
            );
            let from = before.min(start);
            let part = chars[from..start]
                .iter()
                .rposition(ends_part)
                .map_or(from, |place| from + place + 1);
            let next = claims.get(at + 1).map_or(chars.len(), |it| it.start);
            let next = next.clamp(end, chars.len());
            let after = chars[end..next]
                .iter()
                .position(ends_part)
                .map_or(next, |place| end + place);
            let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
            claims[at].is_denied =
                words::denies(&text(part, start)) || words::refutes(&text(end, after));
            before = end;
        }
    }

    /// The folded text without these pieces.
    fn without(&self, claims: &[Claim]) -> String {
        let is_in = |at: usize| claims.iter().any(|it| (it.start..it.end).contains(&at));
        let chars = self.folded.chars().enumerate();
        chars
            .map(|(at, c)| if is_in(at) { ',' } else { c })
            .collect()
    }
}

/// Adds the claims to what nobody has claimed yet.
fn add(claims: &mut Vec<Claim>, found: Vec<Claim>) {
    for claim in found {
        let is_taken = claims.iter().any(|it| {
            it.start < claim.end
                && claim.start < it.end
                && (it.slot != claim.slot || !it.is_entity || !claim.is_entity)
        });
        if !is_taken {
            claims.push(claim);
        }
    }
}

/// What matches a slot's pattern and is not part of a longer word, as bytes.
fn matches(slot: &Slot, half: &str) -> Vec<((usize, usize), String)> {
    let Some(pattern) = &slot.pattern else {
        return Vec::new();
    };
    let found = pattern.find_iter(half).take(MOST_MATCHES);
    let apart = found.filter(|it| words::is_apart(half, it.start(), it.end()));
    let value = |it: regex::Match<'_>| ((it.start(), it.end()), it.as_str().to_owned());
    let values = apart.map(value);
    values
        .filter(|(_, value)| value.chars().count() <= MOST_VALUE)
        .collect()
}

/// The choices whose words are in a folded text, as bytes; of words in each other, the longest.
fn choices(slot: &Slot, folded: &str) -> Vec<((usize, usize), String)> {
    let mut found: Vec<((usize, usize), String)> = Vec::new();
    for choice in &slot.choices {
        for word in choice.words() {
            let word = words::folded(word);
            let places = words::find_words(folded, &word).take(MOST_MATCHES);
            found.extend(places.map(|place| (place, choice.value.clone())));
        }
    }
    found.sort_by_key(|&((start, end), _)| (std::cmp::Reverse(end - start), start));
    let mut kept: Vec<((usize, usize), String)> = Vec::new();
    for ((start, end), value) in found {
        if !kept.iter().any(|&((s, e), _)| s < end && start < e) {
            kept.push(((start, end), value));
        }
    }
    kept.sort_by_key(|&(place, _)| place);
    kept
}

fn characters(text: &str, (start, end): (usize, usize)) -> (usize, usize) {
    let first = text[..start].chars().count();
    (first, first + text[start..end].chars().count())
}

fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}
