//! Which pieces of a text may be values of which slots.

use cs_model::Entity;

use super::super::flows::Slot;
use super::super::words;
use super::Listener;
use super::text::{Text, half_width};

/// The longest value, in characters.
const MOST_VALUE: usize = 200;
/// The most places of a text that a slot's pattern is looked for at.
const MOST_MATCHES: usize = 20;

/// A piece of the text that may be a slot's value, in characters.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) slot: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) value: String,
    /// Whether the model says so.
    pub(super) is_entity: bool,
    pub(super) is_denied: bool,
    /// Whether it is said beside another value of the slot: after one and an "and", or with a "too".
    pub(super) is_joined: bool,
}

impl Text<'_> {
    pub(super) fn claims(&self, listener: &Listener<'_>) -> Vec<Claim> {
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
                is_joined: false,
            })
        };
        labelled.filter_map(claim).collect()
    }

    /// The claims of what has the form of the slot's values.
    fn of_form(&self, slot: usize, of: &Slot) -> Vec<Claim> {
        let mut found = Vec::new();
        for (place, value) in matches(of, &self.half) {
            found.push((characters(&self.half, place.0, place.1), value));
        }
        for (place, value) in choices(of, &self.folded) {
            found.push((characters(&self.folded, place.0, place.1), value));
        }
        let claim = |((start, end), value)| Claim {
            slot,
            start,
            end,
            value,
            is_entity: false,
            is_denied: false,
            is_joined: false,
        };
        found.into_iter().map(claim).collect()
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

/// A place in bytes as one in characters.
fn characters(text: &str, start: usize, end: usize) -> (usize, usize) {
    let first = text[..start].chars().count();
    (first, first + text[start..end].chars().count())
}
