//! Words in disguise, and how many of them are found.

mod ways;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use cs_data::SplitMix;
use cs_serve::safety::words::{Filter, FilterConfig, Trick};
use serde_json::{Value, json};

use crate::Result;
use ways::{Tables, WAYS, Way};

/// What a Chinese word may stand in, and what any other.
const CHINESE: [&str; 3] = ["{}", "我觉得{}呀", "昨天听见{}，不懂"];
const LATIN: [&str; 3] = ["{}", "he wrote {} again", "I saw: {}, twice"];

#[derive(Default)]
struct Tally {
    all: usize,
    found: usize,
    /// Found as this very trick, and as this very word.
    named: usize,
}

impl Tally {
    fn figures(&self) -> Value {
        let share = |count: usize| count as f64 / self.all.max(1) as f64;
        json!({"texts": self.all, "recall": share(self.found), "named": share(self.named)})
    }
}

pub(crate) fn measure(
    words: &[String],
    splits: Option<&Path>,
    config: FilterConfig,
    errors: usize,
) -> Result<Value> {
    let tables = Tables::new(splits)?;
    let filter = Filter::new(crate::list(words)?, config);
    let mut tallies: BTreeMap<(&str, bool), Tally> = BTreeMap::new();
    for Way {
        trick,
        name,
        held_out,
        disguise,
    } in WAYS
    {
        let mut told = 0;
        for (number, word) in words.iter().enumerate() {
            let mut random = SplitMix::new(number as u64);
            let Some(disguised) = disguise(&tables, word, &mut random) else {
                continue;
            };
            let is_latin = word.is_ascii();
            let carriers = if is_latin { &LATIN } else { &CHINESE };
            for carrier in carriers {
                let tally = tallies.entry((trick.name(), *held_out)).or_default();
                let text = carrier.replace("{}", &disguised);
                tally.all += 1;
                match found(&filter, carrier, &disguised, word, *trick) {
                    Some(named) => {
                        tally.found += 1;
                        tally.named += usize::from(named);
                    }
                    None if told < errors => {
                        told += 1;
                        writeln!(std::io::stderr(), "{trick}, {name}: {word} in {text}")?;
                    }
                    None => {}
                }
            }
        }
    }
    Ok(figures(&tallies))
}

/// The figures of each trick, apart for ways that the filter was not written with an eye on.
fn figures(tallies: &BTreeMap<(&str, bool), Tally>) -> Value {
    let mut figures = serde_json::Map::new();
    for held_out in [false, true] {
        let half = tallies.iter().filter(|((_, half), _)| *half == held_out);
        let mut all = Tally::default();
        let mut rows = serde_json::Map::new();
        for ((trick, _), tally) in half {
            all.all += tally.all;
            all.found += tally.found;
            all.named += tally.named;
            rows.insert((*trick).to_owned(), tally.figures());
        }
        rows.insert("all".to_owned(), all.figures());
        figures.insert(
            if held_out { "held_out" } else { "seen" }.to_owned(),
            json!(rows),
        );
    }
    json!(figures)
}

/// Whether a word is found where it is, and if so, whether by its name and its trick.
fn found(
    filter: &Filter,
    carrier: &str,
    disguised: &str,
    word: &str,
    trick: Trick,
) -> Option<bool> {
    let start = carrier
        .find("{}")
        .map_or(0, |at| carrier[..at].chars().count());
    let end = start + disguised.chars().count();
    let hits = filter.filter(&carrier.replace("{}", disguised)).hits;
    let mut here = hits
        .iter()
        .filter(|hit| hit.start < end && hit.end > start)
        .peekable();
    here.peek()?;
    Some(here.any(|hit| hit.word == word && hit.trick == trick))
}
