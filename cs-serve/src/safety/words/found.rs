//! Which of the words that are found count.

use std::cmp::Reverse;

use super::super::action::Action;
use super::super::line::Rule;
use super::matching::Match;

/// A word in a text, before it is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) word: u32,
    pub(super) place: Match,
    pub(super) rule: Rule,
}

/// The text with `*` for each character of what is to be covered.
pub(super) fn masked(text: &str, found: &[Found]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for found in found
        .iter()
        .filter(|found| found.rule >= Rule::Act(Action::Mask))
    {
        let start = found.place.start.max(at);
        if found.place.end <= start {
            continue;
        }
        masked.push_str(&text[at..start]);
        masked.extend(text[start..found.place.end].chars().map(|_| '*'));
        at = found.place.end;
    }
    masked.push_str(&text[at..]);
    masked
}

/// The words that count, in the text's order: none within an allowed phrase, none twice in one place, and none within
/// another that demands as much.
pub(super) fn resolved(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| {
        let place = found.place;
        (
            place.start,
            Reverse(place.end),
            Reverse(found.rule),
            place.tricks.len(),
            found.word,
        )
    });
    let allowed: Vec<Match> = found
        .iter()
        .filter(|found| found.rule == Rule::Allow)
        .map(|found| found.place)
        .collect();
    let mut kept: Vec<Found> = Vec::new();
    let mut phrases = allowed.iter().peekable();
    let mut open: Vec<Match> = Vec::new();
    for found in found {
        while let Some(&phrase) = phrases.next_if(|phrase| phrase.start <= found.place.start) {
            open.push(phrase);
        }
        open.retain(|phrase| phrase.end > found.place.start);
        let is_allowed = open.iter().any(|phrase| phrase.end >= found.place.end);
        if is_allowed || found.rule == Rule::Allow {
            continue;
        }
        let covers = |other: &Found| other.place.end >= found.place.end && other.rule >= found.rule;
        let near = kept
            .iter_mut()
            .rev()
            .take_while(|other| other.place.end > found.place.start);
        let mut is_covered = false;
        for other in near {
            // The same word with fewer tricks, as in what is left when a character is repeated.
            if other.word == found.word && found.place.tricks.len() < other.place.tricks.len() {
                *other = found;
                is_covered = true;
            } else if covers(other) || other.word == found.word {
                is_covered = true;
            }
        }
        if !is_covered {
            kept.push(found);
        }
    }
    kept
}
