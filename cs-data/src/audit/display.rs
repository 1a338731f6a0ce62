//! The report as lines to read.

use std::fmt::{self, Display, Formatter};

use super::report::AuditReport;
use super::row::RowRef;
use super::rules::RuleVerdict;
use super::{
    Contradiction, EntityConflict, MissedEntity, NoiseSuspect, ReadFault, Repeat, SpanFault,
};

/// Examples shown of each finding.
const SHOWN: usize = 3;
/// Intents shown of each end of the distribution.
const ENDS: usize = 5;

impl Display for AuditReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<21}{:>10}  {:<10}", "rule", "value", "limit")?;
        for verdict in &self.rules {
            writeln!(f, "{verdict}")?;
        }
        writeln!(f, "\n{:<21}{:>10}", "finding", "rows")?;
        self.findings(f)?;
        writeln!(f)?;
        self.classes(f)?;
        self.profile(f)?;
        let outcome = if self.passed { "passed" } else { "NOT PASSED" };
        write!(f, "\n{outcome}: {} rows", self.rows)
    }
}

impl Display for RuleVerdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = match (self.value, self.passed) {
            (Some(value), _) => number(value),
            (None, Some(_)) => "infinite".to_owned(),
            (None, None) => "-".to_owned(),
        };
        let limit = match (self.at_least, self.at_most) {
            (Some(limit), _) => format!(">= {}", number(limit)),
            (None, Some(limit)) => format!("<= {}", number(limit)),
            (None, None) => String::new(),
        };
        let outcome = match self.passed {
            Some(true) => "passed",
            Some(false) => "FAILED",
            None => "does not apply",
        };
        write!(f, "{:<21}{value:>10}  {limit:<10}{outcome}", self.rule)
    }
}

/// Counts whole, ratios with three digits.
fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        value.to_string()
    } else {
        format!("{value:.3}")
    }
}

impl AuditReport {
    fn findings(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let all = &self.examples;
        let spans = self.iob_errors + self.punctuation_edges;
        section(f, "unread rows", Some(self.unread_rows), &all.unread_rows)?;
        section(f, "span faults", Some(spans), &all.span_faults)?;
        section(f, "duplicates", Some(self.duplicates), &all.duplicates)?;
        section(
            f,
            "near-duplicates",
            Some(self.near_duplicates),
            &all.near_duplicates,
        )?;
        section(f, "leaks", self.leaks, &all.leaks)?;
        section(f, "near-leaks", self.near_leaks, &all.near_leaks)?;
        section(
            f,
            "contradictions",
            Some(self.contradictions),
            &all.contradictions,
        )?;
        section(
            f,
            "entity conflicts",
            Some(self.entity_conflicts),
            &all.entity_conflicts,
        )?;
        section(
            f,
            "missed entities",
            Some(self.missed_entities),
            &all.missed_entities,
        )?;
        section(
            f,
            "noise suspects",
            Some(self.noise_suspects),
            &all.noise_suspects,
        )?;
        section::<RowRef>(f, "blank rows", Some(self.blank_rows), &[])
    }

    fn classes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.classes.is_empty() {
            writeln!(f, "{} intents", self.classes.len())?;
        }
        let hidden = self.classes.len().saturating_sub(2 * ENDS);
        for (at, class) in self.classes.iter().enumerate() {
            if hidden > 0 && at == ENDS {
                writeln!(f, "{:>10}  {hidden} more", "…")?;
            }
            if at < ENDS || at >= ENDS + hidden {
                let core = if class.core { "" } else { " (not core)" };
                writeln!(f, "{:>10}  {}{core}", class.rows, escaped(&class.intent))?;
            }
        }
        Ok(())
    }

    fn profile(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (sentiments, lengths, languages) = (&self.sentiments, &self.lengths, &self.languages);
        if sentiments.imbalance().is_some() || sentiments.neutral > 0 {
            writeln!(
                f,
                "sentiment   positive {}, negative {}, neutral {}",
                sentiments.positive, sentiments.negative, sentiments.neutral
            )?;
        }
        writeln!(
            f,
            "characters  {} to {}, mean {:.1}, median {}, 95 % at most {}",
            lengths.min, lengths.max, lengths.mean, lengths.median, lengths.p95
        )?;
        writeln!(
            f,
            "language    zh {}, en {}, mixed {}, other {}",
            languages.zh, languages.en, languages.mixed, languages.other
        )
    }
}

fn section<T: Display>(
    f: &mut Formatter<'_>,
    name: &str,
    count: Option<usize>,
    examples: &[T],
) -> fmt::Result {
    let shown = count.map_or("-".to_owned(), |count| count.to_string());
    writeln!(f, "{name:<21}{shown:>10}")?;
    for example in examples.iter().take(SHOWN) {
        writeln!(f, "    {example}")?;
    }
    Ok(())
}

/// A file's text must not steer the terminal.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|char| match char.is_control() {
            true => char.escape_default().collect::<Vec<_>>(),
            false => vec![char],
        })
        .collect()
}

/// `text` in quotes, on one line.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

impl Display for RowRef {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "row {} {}", self.row, quoted(&self.text))
    }
}

impl Display for ReadFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.message))
    }
}

impl Display for SpanFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (surface, label) = (quoted(&self.surface), escaped(&self.label));
        write!(f, "{:?}: {surface} ({label}) in {}", self.kind, self.row)
    }
}

impl Display for Repeat {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Repeat {
            row,
            of,
            similarity,
        } = self;
        write!(f, "{row} like {} ({similarity:.2})", quoted(of))
    }
}

impl Display for Contradiction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.row, counted(&self.labels))
    }
}

impl Display for EntityConflict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, {}",
            quoted(&self.surface),
            counted(&self.labels),
            self.row
        )
    }
}

impl Display for MissedEntity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (surface, label) = (quoted(&self.surface), escaped(&self.label));
        let MissedEntity {
            labelled,
            unlabelled,
            row,
            ..
        } = self;
        write!(
            f,
            "{surface}: {label} {labelled}, unlabelled {unlabelled}, {row}"
        )
    }
}

impl Display for NoiseSuspect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (label, suggested) = (escaped(&self.label), escaped(&self.suggested));
        write!(
            f,
            "{}: {label}, looks like {suggested} ({:.2})",
            self.row, self.margin
        )
    }
}

/// `a 3, b 1`.
fn counted(labels: &std::collections::BTreeMap<String, usize>) -> String {
    let parts: Vec<String> = labels
        .iter()
        .map(|(label, count)| format!("{} {count}", escaped(label)))
        .collect();
    parts.join(", ")
}
