//! How many swapped values are found, and how many right turns are blocked.

use std::collections::BTreeMap;

use cs_data::SplitMix;
use cs_serve::knowledge::check::{Checked, Checker, Context, Verdict};
use serde_json::{Value, json};

use crate::Result;
use crate::databases::Databases;
use crate::dialogues::{Dialogue, Message};
use crate::swap::{Swap, swap};

/// A count of those that came out as they should not, or should.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) hits: usize,
    pub(crate) all: usize,
}

/// What a measurement gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Swaps that were found.
    pub(crate) found: Rate,
    /// Right turns that were blocked.
    pub(crate) blocked: Rate,
    /// Turns that were to be swapped and tell nothing but names.
    pub(crate) names_only: usize,
    /// Swaps that were found, by property.
    pub(crate) by_slot: BTreeMap<String, Rate>,
    /// Right turns that were blocked, by the property that did it.
    pub(crate) blocked_by: BTreeMap<String, usize>,
    /// Verdicts of right turns.
    pub(crate) verdicts: BTreeMap<String, usize>,
    pub(crate) missed_samples: Vec<String>,
    pub(crate) blocked_samples: Vec<String>,
}

impl Rate {
    pub(crate) fn add(&mut self, hit: bool) {
        self.hits += usize::from(hit);
        self.all += 1;
    }

    pub(crate) fn percent(self) -> f64 {
        100.0 * self.hits as f64 / self.all.max(1) as f64
    }
}

/// Checks the informing turns of dialogues, a seeded half of them with a value swapped.
pub(crate) fn measure(
    checker: &Checker,
    databases: &Databases,
    dialogues: &[(u64, Dialogue)],
    seed: u64,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (number, dialogue) in dialogues {
        let mut context = Context::default();
        let mut talk = String::new();
        for (turn, message) in dialogue.messages.iter().enumerate() {
            talk.push_str(&message.content);
            if message.informs() {
                let seed = SplitMix::hash(seed, &format!("{number}/{turn}"));
                let half = SplitMix::new(seed).chance(0.5);
                let swapped = half
                    .then(|| swap(message, &talk, databases, seed))
                    .flatten();
                outcome.names_only += usize::from(half && swapped.is_none());
                outcome.turn(checker, &context, message, swapped)?;
            }
            context = checker.follow(&context, &message.content)?;
        }
    }
    Ok(outcome)
}

impl Outcome {
    pub(crate) fn figures(&self) -> Value {
        let rate =
            |rate: &Rate| json!({"hits": rate.hits, "of": rate.all, "percent": rate.percent()});
        let by_slot: BTreeMap<&str, Value> = self
            .by_slot
            .iter()
            .map(|(slot, it)| (slot.as_str(), rate(it)))
            .collect();
        json!({
            "swaps_found": rate(&self.found),
            "right_blocked": rate(&self.blocked),
            "names_only": self.names_only,
            "found_by_property": by_slot,
            "blocked_by_property": self.blocked_by,
            "verdicts_of_right": self.verdicts,
        })
    }

    fn turn(
        &mut self,
        checker: &Checker,
        context: &Context,
        message: &Message,
        swap: Option<Swap>,
    ) -> Result<()> {
        let Some(swap) = swap else {
            let checked = checker.check(&message.content, context)?;
            self.right(&message.content, &checked);
            return Ok(());
        };
        let checked = checker.check(&swap.text, context)?;
        self.swapped(&swap, &checked);
        Ok(())
    }

    /// Counts a swap: it is found if what is contradicted stands where it does.
    pub(crate) fn swapped(&mut self, swap: &Swap, checked: &Checked) {
        let mut contradicted = checked
            .facts
            .iter()
            .filter(|it| it.verdict == Verdict::Contradicted);
        let found = contradicted.any(|it| it.start < swap.end && swap.start < it.end);
        self.found.add(found);
        self.by_slot
            .entry(swap.slot.clone())
            .or_default()
            .add(found);
        if !found {
            let swapped = format!("{} for {}", swap.wrong, swap.right);
            self.missed_samples
                .push(format!("{} [{swapped}] {}", swap.text, shown(checked)));
        }
    }

    /// Counts a right turn: it is blocked if anything of it is contradicted.
    pub(crate) fn right(&mut self, text: &str, checked: &Checked) {
        let blocked = checked.verdict == Verdict::Contradicted;
        self.blocked.add(blocked);
        *self
            .verdicts
            .entry(format!("{:?}", checked.verdict))
            .or_default() += 1;
        if blocked {
            let first = checked
                .facts
                .iter()
                .find(|it| it.verdict == Verdict::Contradicted);
            let predicate = first.map_or("", |it| it.predicate.as_str());
            *self.blocked_by.entry(predicate.to_owned()).or_default() += 1;
            self.blocked_samples
                .push(format!("{text} {}", shown(checked)));
        }
    }
}

fn shown(checked: &Checked) -> String {
    let facts = checked.facts.iter().map(|it| {
        let (subject, known) = (
            it.subject.as_deref().unwrap_or("?"),
            it.known.as_deref().unwrap_or("?"),
        );
        format!(
            "\n    {:?}: {subject} {} {} (known: {known})",
            it.verdict, it.predicate, it.claimed
        )
    });
    facts.collect()
}
