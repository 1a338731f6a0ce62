//! What was found of what there was.

use std::collections::BTreeMap;

use cs_serve::safety::personal::{Found, Kind};
use serde_json::{Value, json};

use super::turns::{Planted, Turn};

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    planted: usize,
    right: usize,
    found: usize,
    /// Values of which something is left that no mask of whatever kind covers.
    leaked: usize,
}

/// Counts by kind.
#[derive(Debug, Default)]
pub(super) struct Score(BTreeMap<Kind, Counts>);

impl Score {
    /// Adds a turn, and says whether all was right.
    pub(super) fn add(&mut self, turn: &Turn, found: &[Found]) -> bool {
        let mut all = true;
        for planted in &turn.values {
            let is_right = found.iter().any(|it| is_right(planted, it));
            let covered = found.iter().map(|it| common(planted, it)).sum::<usize>();
            let counts = self.0.entry(planted.kind).or_default();
            counts.planted += 1;
            counts.right += usize::from(is_right);
            counts.leaked += usize::from(covered < needed(planted));
            all &= is_right;
        }
        for it in found {
            self.0.entry(it.kind).or_default().found += 1;
            all &= turn.values.iter().any(|planted| is_right(planted, it));
        }
        all
    }

    pub(super) fn figures(&self) -> Value {
        let share = |of: usize, all: usize| {
            if all == 0 {
                1.0
            } else {
                of as f64 / all as f64
            }
        };
        let kinds = self.0.iter().map(|(kind, it)| {
            let row = json!({
                "planted": it.planted,
                "recall": share(it.right, it.planted),
                "precision": share(it.right, it.found),
                "leaked": it.leaked,
            });
            (kind.name().to_owned(), row)
        });
        Value::Object(kinds.collect())
    }
}

fn common(planted: &Planted, found: &Found) -> usize {
    let start = planted.start.max(found.start);
    planted.end.min(found.end).saturating_sub(start)
}

fn needed(planted: &Planted) -> usize {
    let length = planted.end - planted.start;
    match planted.kind {
        Kind::Name | Kind::Address | Kind::BirthDate => (length * 4).div_ceil(5),
        _ => length,
    }
}

/// Whether what was found is of the value's kind, covers it, and not half as much again.
fn is_right(planted: &Planted, found: &Found) -> bool {
    let common = common(planted, found);
    let is_tight = (found.end - found.start) * 2 <= (planted.end - planted.start) * 3 + 4;
    planted.kind == found.kind && common >= needed(planted) && is_tight
}
