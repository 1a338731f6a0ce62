//! The two figures that decide, without libtorch: how often the intent is right, and the span F1.
//!
//! `cs_train::evaluate` has the whole list, and links libtorch with the rest of its crate. A test
//! holds the two to the same numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cs_data::{Offsets, Utterance};
use cs_model::{Tasks, Understanding};
use serde::Serialize;

use crate::note;

/// How well answers match gold data; `None` where the model has no such head or the data no such
/// label.
///
/// ```
/// use cs_data::Utterance;
/// use cs_examples::Score;
/// use cs_model::{Intent, Tasks, Understanding};
///
/// let gold = [Utterance::new("1", "hi").with_intent("greeting")];
/// let answer: Understanding = serde_json::from_str(
///     r#"{"text": "hi", "intent": {"label": "greeting", "confidence": 0.9}, "entities": [], "sentiment": null}"#,
/// )?;
/// let tasks = Tasks { intent: Some(vec!["greeting".into()]), ..Tasks::default() };
/// assert_eq!(Score::of(&gold, &[answer], &tasks).mean(), Some(1.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Score {
    /// Share of rows whose intent is right.
    pub intent_accuracy: Option<f64>,
    /// Micro-averaged F1 of entities: start, end and label all right.
    pub slot_f1: Option<f64>,
}

impl Score {
    /// Scores `answers` against `gold`, row by row.
    pub fn of(gold: &[Utterance], answers: &[Understanding], tasks: &Tasks) -> Self {
        Self {
            intent_accuracy: tasks.intent.as_ref().and_then(|_| accuracy(gold, answers)),
            slot_f1: tasks.slots.as_ref().and_then(|_| span_f1(gold, answers)),
        }
    }

    /// The mean of the figures there are.
    pub fn mean(&self) -> Option<f64> {
        let figures: Vec<f64> = [self.intent_accuracy, self.slot_f1]
            .into_iter()
            .flatten()
            .collect();
        (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
    }
}

fn accuracy(gold: &[Utterance], answers: &[Understanding]) -> Option<f64> {
    let pairs = gold.iter().zip(answers).filter_map(|(gold, answer)| {
        let answered = answer.intent.as_ref().map(|intent| &intent.label);
        gold.intent.as_ref().map(|intent| Some(intent) == answered)
    });
    let (right, all) = pairs.fold((0, 0), |(right, all), hit| {
        (right + usize::from(hit), all + 1)
    });
    (all > 0).then(|| right as f64 / f64::from(all))
}

fn span_f1(gold: &[Utterance], answers: &[Understanding]) -> Option<f64> {
    let (mut right, mut wanted, mut given) = (0, 0, 0);
    for (row, answer) in gold.iter().zip(answers) {
        let offsets = Offsets::new(&row.text);
        let place = |byte| offsets.char(byte).unwrap_or(usize::MAX);
        let spans: BTreeSet<_> = row
            .spans
            .iter()
            .map(|s| (place(s.start), place(s.end), s.label.as_str()))
            .collect();
        let found: BTreeSet<_> = answer
            .entities
            .iter()
            .map(|e| (e.start, e.end, e.label.as_str()))
            .collect();
        right += spans.intersection(&found).count();
        wanted += spans.len();
        given += found.len();
    }
    (wanted + given > 0).then(|| 2.0 * right as f64 / (wanted + given) as f64)
}

/// Warns of labels in `rows` that the model does not have: it cannot but answer them wrongly.
pub fn warn_unseen(path: &Path, rows: &[Utterance], tasks: &Tasks) {
    let (mut intents, mut slots) = (BTreeMap::new(), BTreeMap::new());
    let tags = tasks.slots.as_deref().unwrap_or_default();
    for row in rows {
        if let (Some(known), Some(intent)) = (&tasks.intent, &row.intent)
            && !known.contains(intent)
        {
            *intents.entry(intent.as_str()).or_insert(0) += 1;
        }
        for span in row.spans.iter().filter(|_| !tags.is_empty()) {
            if !tags
                .iter()
                .any(|tag| tag.strip_prefix("B-") == Some(&span.label))
            {
                *slots.entry(span.label.as_str()).or_insert(0) += 1;
            }
        }
    }
    for (kind, unseen) in [("intent", intents), ("entity", slots)] {
        if !unseen.is_empty() {
            note(format_args!("{}", unseen_line(path, kind, &unseen)));
        }
    }
}

fn unseen_line(path: &Path, kind: &str, unseen: &BTreeMap<&str, usize>) -> String {
    const NAMED: usize = 5;
    let names: Vec<String> = unseen
        .iter()
        .take(NAMED)
        .map(|(name, n)| format!("{name} ({n})"))
        .collect();
    let more = unseen.len().saturating_sub(NAMED);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "warning: {}: {} {kind} labels that training never saw, in {} places, count as wrong: {}{rest}",
        path.display(),
        unseen.len(),
        unseen.values().sum::<usize>(),
        names.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_data::Span;
    use cs_model::{Entity, Intent};

    fn answer(text: &str, intent: &str, entities: &[(usize, usize, &str)]) -> Understanding {
        let entities = entities.iter().map(|&(start, end, label)| Entity {
            label: label.into(),
            start,
            end,
            text: text.chars().skip(start).take(end - start).collect(),
            confidence: 0.9,
        });
        Understanding {
            text: text.into(),
            intent: Some(Intent {
                label: intent.into(),
                confidence: 0.8,
            }),
            entities: entities.collect(),
            sentiment: None,
            truncated: false,
        }
    }

    fn case() -> (Vec<Utterance>, Vec<Understanding>, Tasks) {
        let span = |start, end, label: &str| Span {
            start,
            end,
            label: label.into(),
        };
        let gold = vec![
            Utterance::new("1", "查订单12")
                .with_intent("status")
                .with_spans(vec![span(9, 11, "id")]),
            Utterance::new("2", "red 42")
                .with_intent("stock")
                .with_spans(vec![span(0, 3, "color"), span(4, 6, "size")]),
            Utterance::new("3", "hi"),
        ];
        let answers = vec![
            answer("查订单12", "status", &[(3, 5, "id")]),
            answer("red 42", "status", &[(0, 3, "size"), (4, 6, "size")]),
            answer("hi", "status", &[(0, 2, "id")]),
        ];
        let tasks = Tasks {
            intent: Some(vec!["status".into(), "stock".into()]),
            slots: Some(Tasks::slot_tags(&[
                "color".into(),
                "id".into(),
                "size".into(),
            ])),
            ..Tasks::default()
        };
        (gold, answers, tasks)
    }

    #[test]
    fn figures_follow_the_definitions() {
        let (gold, answers, tasks) = case();
        let score = Score::of(&gold, &answers, &tasks);
        assert_eq!(score.intent_accuracy, Some(0.5));
        assert_eq!(score.slot_f1, Some(2.0 * 2.0 / 7.0));
        assert_eq!(Score::of(&gold, &answers, &Tasks::default()).mean(), None);
    }

    #[cfg(feature = "torch")]
    #[test]
    fn both_scorers_agree() {
        let (gold, answers, tasks) = case();
        let options = cs_train::EvaluateOptions {
            tasks: Some(&tasks),
            ..Default::default()
        };
        let theirs = cs_train::evaluate(&gold, &answers, &options).unwrap();
        let ours = Score::of(&gold, &answers, &tasks);
        assert_eq!(
            (ours.intent_accuracy, ours.slot_f1),
            (theirs.intent_accuracy, theirs.slot_f1)
        );
    }

    #[test]
    fn a_warning_counts_and_names() {
        let unseen = BTreeMap::from([("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 1), ("f", 4)]);
        assert_eq!(
            unseen_line("t.jsonl".as_ref(), "intent", &unseen),
            "warning: t.jsonl: 6 intent labels that training never saw, in 10 places, count as wrong: \
             a (1), b (2), c (1), d (1), e (1) and 1 more"
        );
    }
}
