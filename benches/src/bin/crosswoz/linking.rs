//! How many names are found that have a typing error, and what else is taken for a name.

use std::collections::{BTreeMap, BTreeSet};

use cs_data::SplitMix;
use cs_serve::knowledge::linking::{Linker, Mention};
use cs_serve::knowledge::{Facts, Named};
use serde_json::{Value, json};

use crate::Result;
use crate::check::Rate;
use crate::dialogues::Dialogue;

/// Names of fewer letters have to be written as they are.
const LEAST: usize = 4;

/// Names of as many letters or more make one row.
const LONG: usize = 13;

/// What a customer says around a name.
const FRAMES: [(&str, &str); 5] = [
    ("你好，请问", "的电话是多少？"),
    ("我想去", "玩，地址在哪里？"),
    ("帮我查一下", "怎么走"),
    ("", "附近有酒店吗"),
    ("就定", "吧，谢谢"),
];

/// A typing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Error {
    Inserted,
    Left,
    Replaced,
    Swapped,
}

const ERRORS: [(Error, &str); 4] = [
    (Error::Inserted, "insertion"),
    (Error::Left, "deletion"),
    (Error::Replaced, "substitution"),
    (Error::Swapped, "transposition"),
];

/// Names with one error each, alone and in a sentence.
#[derive(Debug, Default)]
struct Row {
    alone: Rate,
    inside: Rate,
}

/// Has each name of the facts found with an error of each kind at a seeded place.
pub(crate) fn misspelt(
    facts: &dyn Facts,
    linker: &Linker,
    seed: u64,
    missed: &mut Vec<String>,
) -> Result<Value> {
    let names = names(facts)?;
    let letters: Vec<char> = names.iter().flat_map(|name| name.chars()).collect();
    let letters: Vec<char> = letters
        .into_iter()
        .filter(|char| char.is_alphanumeric())
        .collect();
    let mut random = SplitMix::new(seed);
    let mut rows: BTreeMap<(usize, &str), Row> = BTreeMap::new();
    for name in &names {
        let length = name.chars().filter(|char| char.is_alphanumeric()).count();
        for (error, kind) in ERRORS {
            let Some(wrong) = with_error(name, error, &letters, &mut random) else {
                continue;
            };
            let (before, after) = FRAMES[random.below(FRAMES.len())];
            let sentence = format!("{before}{wrong}{after}");
            let row = rows.entry((length.min(LONG), kind)).or_default();
            row.alone.add(is_first(&linker.mentions(&wrong), name));
            let is_found = is_first(&linker.mentions(&sentence), name);
            row.inside.add(is_found);
            if !is_found {
                missed.push(format!("{name}: {sentence}"));
            }
        }
    }
    Ok(figures(&rows))
}

/// The names of things that may have an error, each once.
fn names(facts: &dyn Facts) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    facts.names(&mut |name| {
        let letters = name.text.chars().filter(|char| char.is_alphanumeric());
        if name.named == Named::Entity && letters.count() >= LEAST {
            names.insert(name.text);
        }
    })?;
    Ok(names)
}

/// None if the error would change nothing.
fn with_error(name: &str, error: Error, letters: &[char], random: &mut SplitMix) -> Option<String> {
    let mut chars: Vec<char> = name.chars().collect();
    let places: Vec<usize> = (0..chars.len())
        .filter(|&at| chars[at].is_alphanumeric())
        .collect();
    let at = places[random.below(places.len())];
    let letter = letters[random.below(letters.len())];
    match error {
        Error::Inserted => chars.insert(at, letter),
        Error::Left => drop(chars.remove(at)),
        Error::Replaced => chars[at] = letter,
        Error::Swapped if places.contains(&(at + 1)) => chars.swap(at, at + 1),
        Error::Swapped => return None,
    }
    let wrong: String = chars.into_iter().collect();
    (wrong != name).then_some(wrong)
}

/// Whether a mention's first candidate is the thing of that name.
fn is_first(mentions: &[Mention], name: &str) -> bool {
    let first = |mention: &Mention| mention.candidates.first().map(|first| first.name.clone());
    mentions
        .iter()
        .any(|mention| first(mention).as_deref() == Some(name))
}

fn figures(rows: &BTreeMap<(usize, &str), Row>) -> Value {
    let mut all = Row::default();
    let mut shown = Vec::new();
    for (&(length, kind), row) in rows {
        for (sum, rate) in [(&mut all.alone, row.alone), (&mut all.inside, row.inside)] {
            sum.hits += rate.hits;
            sum.all += rate.all;
        }
        shown.push(json!({
            "length": length, "error": kind, "names": row.alone.all,
            "alone": row.alone.percent(), "inside": row.inside.percent(),
        }));
    }
    json!({
        "names": all.alone.all, "alone": all.alone.percent(), "inside": all.inside.percent(),
        "rows": shown,
    })
}

/// Counts what customers' turns are taken to name, and how much of it no label of the dialogue has.
pub(crate) fn taken(
    linker: &Linker,
    dialogues: &[(u64, Dialogue)],
    odd: &mut Vec<String>,
) -> Value {
    let (mut turns, mut mentions) = (0, 0);
    for (_, dialogue) in dialogues {
        let acts = dialogue
            .messages
            .iter()
            .flat_map(|message| &message.dialog_act);
        let labels: Vec<&str> = acts.map(|act| act.3.as_str()).collect();
        for message in dialogue
            .messages
            .iter()
            .filter(|message| !message.is_system())
        {
            turns += 1;
            for mention in linker.mentions(&message.content) {
                if mention.candidates[0].named != Named::Entity {
                    continue;
                }
                mentions += 1;
                let is_label = mention
                    .candidates
                    .iter()
                    .any(|one| labels.contains(&one.name.as_str()));
                if !is_label {
                    odd.push(format!(
                        "{}: {}",
                        mention.candidates[0].name, message.content
                    ));
                }
            }
        }
    }
    json!({"turns": turns, "entities": mentions, "of_no_label": odd.len()})
}
