//! The values that a text has for a flow's slots.

mod claims;
mod free_text;
mod text;

use cs_model::Entity;

use self::claims::Claim;
use self::text::Text;
use super::flows::{Flow, Slot};
use super::words;
use crate::reply::Values;

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
    /// Further values for a slot that can have only one, each said beside it: "A1 and A2".
    pub(super) further: Vec<(String, String)>,
    /// Slots whose value is not the one, without another one.
    pub(super) denied: Vec<String>,
    /// Whether what was asked for is among the values.
    pub(super) answers: bool,
    /// Whether the text has no more than these values and what stands beside values.
    pub(super) is_bare: bool,
    /// Whether what was asked for is the whole text, as any text may be its value.
    pub(super) is_whole_text: bool,
    /// Whether the text beside the values holds back what it may agree to.
    pub(super) holds_back: bool,
    /// Whether a part of a value is to be another one, and where that part is in the value cannot be told.
    pub(super) is_of_part: bool,
}

impl Heard {
    pub(super) fn is_nothing(&self) -> bool {
        self.values.is_empty() && self.denied.is_empty()
    }
}

/// Hears values: first what was asked for, then what the model found, then what has the form of a value.
pub(super) fn hear(listener: &Listener<'_>, text: &str, entities: &[Entity]) -> Heard {
    let text = Text::new(text, entities);
    let mut claims = text.claims(listener);
    claims.sort_by_key(|claim| claim.start);
    let replaced = listener.replaced(&text, &mut claims);
    text.deny(&mut claims);
    text.join(&mut claims);
    let corrects = words::corrects(&text.folded);
    let beside = text.without(&claims);
    let mut heard = Heard {
        is_bare: !claims.is_empty() && words::is_framing(&beside),
        holds_back: words::holds_back(&beside),
        ..Heard::default()
    };
    for (at, slot) in listener.flow.slots.iter().enumerate() {
        let of_slot: Vec<&Claim> = claims.iter().filter(|claim| claim.slot == at).collect();
        listener.choose(slot, &of_slot, corrects, &mut heard);
    }
    if !heard.answers {
        listener.take_text(&text, replaced, &mut heard);
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

/// Adds each of the values once.
fn add_further(slot: &Slot, claims: &[&Claim], heard: &mut Heard) {
    for claim in claims {
        let further = (slot.name.clone(), claim.value.clone());
        if !heard.further.contains(&further) {
            heard.further.push(further);
        }
    }
}

impl Listener<'_> {
    /// Chooses among the claims to a slot.
    fn choose(&self, slot: &Slot, claims: &[&Claim], corrects: bool, heard: &mut Heard) {
        let current = self.slots.get(&slot.name);
        let is_asked = self.asked == Some(slot.name.as_str());
        let is_other = |claim: &&Claim| Some(&claim.value) != current;
        let mut meant: Vec<&Claim> = claims.iter().copied().filter(|it| !it.is_denied).collect();
        if meant.iter().any(is_other) {
            meant.retain(is_other);
        }
        // Of values that are joined, as in "change A1 and A2", none corrects another one.
        let first = match corrects {
            true => meant.iter().rposition(|claim| !claim.is_joined),
            false => None,
        };
        meant.drain(..first.unwrap_or(0));
        let is_beside = |claim: &&Claim| claim.is_joined && is_other(claim);
        if current.is_some()
            && slot.pattern.is_some()
            && !corrects
            && !meant.is_empty()
            && meant.iter().all(is_beside)
        {
            add_further(slot, &meant, heard);
            return;
        }
        let Some(chosen) = meant.first() else {
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
        if current.is_some() && (!is_meant || current == Some(&chosen.value)) {
            return;
        }
        heard.values.push((slot.name.clone(), chosen.value.clone()));
        if slot.pattern.is_some() {
            let further = meant.iter().skip(1).take_while(|claim| claim.is_joined);
            let further: Vec<&Claim> = further
                .copied()
                .filter(|it| it.value != chosen.value)
                .collect();
            add_further(slot, &further, heard);
        }
    }

    /// The slot that may be any text, if the flow has one such slot.
    fn text_slot(&self) -> Option<&Slot> {
        let mut slots = self.flow.slots.iter().filter(|slot| slot.is_text);
        slots.next().filter(|_| slots.next().is_none())
    }

    fn asked_text(&self) -> Option<&Slot> {
        let asked = self.asked.and_then(|name| self.flow.slot(name));
        asked.filter(|slot| slot.is_text)
    }

    /// The place of what a slot that may be any text is to be changed to: "change the address to 5 High Street". It ends
    /// before a value of another slot, and has no claim in it.
    fn replaced(&self, text: &Text<'_>, claims: &mut Vec<Claim>) -> Option<(usize, usize)> {
        self.text_slot()?;
        let replaced = words::replacement(&text.folded);
        let (start, mut end) = replaced.or_else(|| words::destination(&text.folded))?;
        let is_value = |claim: &Claim| claim.is_entity || text.stands_alone(claim);
        let mut values = claims
            .iter()
            .filter(|claim| claim.start >= start && is_value(claim));
        if let Some(value) = values.next() {
            end = text.before_value(start, value.start.min(end));
        }
        let holds_text = free_text::is_value(&text.slice(start, end));
        if holds_text {
            claims.retain(|claim| claim.end <= start || claim.start >= end);
        }
        holds_text.then_some((start, end))
    }

    /// Takes what may be any text: the whole of it, if that was asked for; or what takes the place of such a value.
    fn take_text(&self, text: &Text<'_>, replaced: Option<(usize, usize)>, heard: &mut Heard) {
        let of_place = replaced.map(|(start, end)| text.slice(start, end));
        let of_part = replaced.is_some_and(|(start, _)| words::names_a_part(&text.until(start)));
        if let Some(slot) = self.asked_text() {
            // "Change it to", and nothing else before it.
            let framed = replaced.is_some_and(|(start, _)| words::is_framing(&text.until(start)));
            let value = of_place
                .filter(|_| framed)
                .unwrap_or_else(|| text.cut.trim().to_owned());
            if free_text::is_value(&value) {
                heard.answers = true;
                heard.is_whole_text = true;
                heard.values.push((slot.name.clone(), value));
            }
            return;
        }
        let Some(slot) = self.text_slot() else {
            return;
        };
        let known = self.slots.get(&slot.name);
        let is_heard = heard.values.iter().any(|(name, _)| *name == slot.name);
        let is_open = slot.is_required || self.is_confirming;
        let value = match (known, of_place) {
            _ if is_heard || (self.is_confirming && !heard.is_nothing()) => None,
            (Some(known), Some(said)) => {
                let amended = free_text::amended(known, &said);
                heard.is_of_part = of_part && amended.is_none();
                amended.or_else(|| (!of_part).then_some(said))
            }
            (None, Some(said)) => Some(said).filter(|_| is_open),
            (Some(known), None) if self.is_confirming => text.amends(known),
            _ => None,
        };
        if let Some(value) = value {
            heard.is_bare |= self.is_confirming;
            heard.values.push((slot.name.clone(), value));
        }
    }
}
