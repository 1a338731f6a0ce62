//! Turns and ratings into a log, masked.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::feedback::Rating;
use crate::Understanding;
use crate::dialogue::{Told, is_apart};
use crate::log::{self, Comparison, Log, Row};
use crate::reply::Values;
use crate::route::Route;
use crate::safety::Action;
use crate::safety::personal::{Found, Kind, Masker};

/// A log of conversations, and what masks them.
pub(super) struct ChatLog {
    log: Arc<Log>,
    masker: Masker,
}

/// A turn that was replied to.
#[derive(Clone, Copy)]
pub(super) struct Logged<'a> {
    pub(super) session: &'a str,
    pub(super) customer: Option<&'a str>,
    /// What a model made of it, if that is still known.
    pub(super) understanding: &'a Understanding,
    pub(super) route: Option<Route>,
    pub(super) told: &'a Told,
}

impl ChatLog {
    pub(super) fn new(log: Arc<Log>, masker: Masker) -> Self {
        Self { log, masker }
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Logs a turn, once. Of what is lost, the log counts how much.
    pub(super) fn turn(&self, turn: &Logged<'_>) {
        let told = turn.told;
        if told.is_repeated {
            return;
        }
        let entities = personal(turn.understanding);
        let mut values = values_of(&entities, &turn.understanding.text);
        values.extend(known(&told.state.slots));
        let in_text = [entities, repeated(&values, &told.text)].concat();
        let in_reply = repeated(&values, &told.reply.text);
        let name = |action: Action| action.name().to_owned();
        let row = Row {
            time: told.at,
            conversation: turn.session.to_owned(),
            customer: turn.customer.map(str::to_owned),
            turn: told.turn,
            text: told.text.clone(),
            reply: told.reply.text.clone(),
            model: turn.understanding.model.clone(),
            route: turn.route.map(|it| it.name().to_owned()),
            source: Some(told.reply.source.name().to_owned()),
            satisfied: None,
            filtered_input: told.filtered.map(|it| name(it.input)),
            filtered_reply: told.filtered.map(|it| name(it.reply)),
            disagreement: None,
        };
        self.log
            .write(&row.masked_with(&self.masker, &in_text, &in_reply));
    }

    /// Logs how a customer rates a reply.
    pub(super) fn rating(&self, session: &str, rating: &Rating) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_millis());
        let rating = log::Rating {
            time: u64::try_from(now).unwrap_or(u64::MAX),
            conversation: session.to_owned(),
            turn: rating.turn,
            satisfied: rating.score,
        };
        self.log.rate(&rating.masked(&self.masker));
    }

    /// Logs what a candidate makes of a turn otherwise.
    pub(super) fn comparison(&self, comparison: Comparison) {
        self.log.compare(&comparison.masked(&self.masker));
    }
}

/// The entities that are personal data.
fn personal(understanding: &Understanding) -> Vec<Found> {
    let entities = understanding.entities.iter();
    let found = entities.filter_map(|entity| {
        Some(Found {
            kind: Kind::named(&entity.label)?,
            start: entity.start,
            end: entity.end,
        })
    });
    found.collect()
}

/// What was found in a text.
fn values_of(found: &[Found], text: &str) -> Vec<(Kind, String)> {
    let value = |it: &Found| {
        let length = it.end.saturating_sub(it.start);
        text.chars().skip(it.start).take(length).collect()
    };
    found.iter().map(|it| (it.kind, value(it))).collect()
}

/// What the conversation knows that is personal data, by the names of its slots.
fn known(slots: &Values) -> Vec<(Kind, String)> {
    let slots = slots.iter();
    let found = slots.filter_map(|(name, value)| Some((Kind::named(name)?, value.clone())));
    found.collect()
}

/// A text that repeats a value more often than this is masked as a whole: a tag is longer than a short value.
const MOST_PLACES: usize = 100;

/// Where a text has these values as words of their own. A single character is no value, as it is in too many words.
fn repeated(values: &[(Kind, String)], text: &str) -> Vec<Found> {
    let mut repeated = Vec::new();
    for (kind, value) in values {
        let length = value.trim().chars().count();
        if length < 2 {
            continue;
        }
        let places = text.match_indices(value.trim());
        let places = places.filter(|(at, it)| is_apart(text, *at, at + it.len()));
        let places: Vec<usize> = places.map(|(at, _)| at).take(MOST_PLACES + 1).collect();
        if places.len() > MOST_PLACES {
            let (kind, end) = (*kind, text.chars().count());
            return vec![Found {
                kind,
                start: 0,
                end,
            }];
        }
        let (mut bytes, mut start) = (0, 0);
        for at in places {
            start += text[bytes..at].chars().count();
            bytes = at;
            repeated.push(Found {
                kind: *kind,
                start,
                end: start + length,
            });
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entity;

    #[test]
    fn what_the_model_finds_is_found_in_the_reply_too() {
        let entity = |label: &str, start, end| Entity {
            label: label.to_owned(),
            start,
            end,
            text: String::new(),
            confidence: 0.9,
        };
        let text = "我叫欧阳小二，订单A1";
        let understanding = Understanding {
            text: text.to_owned(),
            entities: vec![entity("name", 2, 6), entity("order_id", 9, 11)],
            ..Understanding::default()
        };
        let found = personal(&understanding);
        assert_eq!((found.len(), found[0].kind), (1, Kind::Name));
        let values = values_of(&found, text);
        let repeated = repeated(&values, "您好欧阳小二，A1到了，欧阳小二");
        let places: Vec<(usize, usize)> = repeated.iter().map(|it| (it.start, it.end)).collect();
        assert_eq!(places, [(2, 6), (12, 16)]);
        // Neither a piece of a word nor a single letter is the value; what is nothing else is masked at once.
        let of = |value: &str, text: &str| {
            let found = super::repeated(&[(Kind::Name, value.to_owned())], text);
            let places = found.iter().map(|it| (it.start, it.end));
            places.collect::<Vec<_>>()
        };
        assert_eq!(of("Ed", "Ordered by Ed, Edna"), [(11, 13)]);
        assert_eq!(of("e", "e e e"), []);
        assert_eq!(of("Ed", &"Ed ".repeat(1_000)), [(0, 3_000)]);
        let slots = ["name", "order_id"].map(|slot| (slot.to_owned(), "欧阳小二".to_owned()));
        assert_eq!(known(&slots.into()), values);
    }
}
