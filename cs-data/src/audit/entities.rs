//! The same surface labelled in different ways, or labelled here and not there.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::text::normalize;

use super::row::{Row, RowRef};
use super::spans::cuts_word;

/// A surface with several labels. Not always a fault: a city may be where one leaves from and where
/// one goes to.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Span, Utterance};
/// let row = |label| Utterance::new("1", "查订单7").with_spans(vec![Span::new(9, 10, label)]);
/// let data = Dataset::from_utterances([row("order_id"), row("number")])?;
/// let report = Audit::new(&data).run(&Rules::default())?;
/// let conflict = &report.examples.entity_conflicts[0];
/// assert_eq!((conflict.surface.as_str(), conflict.labels.len()), ("7", 2));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntityConflict {
    /// Normal form of the entity.
    pub surface: String,
    /// The labels of the entity and how often each occurs.
    pub labels: BTreeMap<String, usize>,
    /// A row in which it has the rarest label.
    pub row: RowRef,
}

/// A surface that is mostly labelled, where it is not.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Span, Utterance};
/// let city = |text: &str| Utterance::new("1", text).with_spans(vec![Span::new(3, 9, "city")]);
/// let data = Dataset::from_utterances([
///     city("去北京"), city("到北京"), Utterance::new("2", "北京的天气"),
/// ])?;
/// let report = Audit::new(&data).run(&Rules::default())?;
/// let missed = &report.examples.missed_entities[0];
/// assert_eq!((missed.row.id.as_str(), missed.label.as_str(), missed.labelled), ("2", "city", 2));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissedEntity {
    /// Normal form of the entity.
    pub surface: String,
    /// The most frequent label of the entity.
    pub label: String,
    /// How often the entity is labelled.
    pub labelled: usize,
    /// How often the entity is not labelled.
    pub unlabelled: usize,
    /// A row in which the entity is not labelled.
    pub row: RowRef,
}

/// What is known of a surface.
#[derive(Default)]
struct Known {
    /// How often the surface has each label, and in which row first.
    labels: BTreeMap<String, (usize, usize)>,
    /// How often the surface has no label, and in which row first.
    unlabelled: Option<(usize, usize)>,
}

impl Known {
    fn labelled(&self) -> usize {
        self.labels.values().map(|(count, _)| count).sum()
    }
}

/// What both findings are drawn from: every labelled surface by its normal form.
pub(super) struct Surfaces<'a> {
    rows: &'a [Row],
    known: BTreeMap<String, Known>,
}

impl<'a> Surfaces<'a> {
    pub(super) fn of(rows: &'a [Row]) -> Result<Self> {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            for span in &row.utterance.spans {
                let surface = normalize(&row.utterance.text[span.range()]);
                if !surface.is_empty() {
                    let labels = &mut known.entry(surface).or_default().labels;
                    labels.entry(span.label.clone()).or_insert((0, index)).0 += 1;
                }
            }
        }
        let mut out = Surfaces { rows, known };
        out.count_unlabelled()?;
        Ok(out)
    }

    /// Looks for every surface in the text between spans, without regard to ASCII case. Numbers and
    /// single characters are left out: they occur everywhere.
    fn count_unlabelled(&mut self) -> Result<()> {
        let mut surfaces: Vec<&str> = Vec::new();
        for row in self.rows {
            let texts = row.utterance.spans.iter().map(|span| span.range());
            surfaces.extend(texts.map(|range| row.utterance.text[range].trim()));
        }
        surfaces.retain(|text| text.chars().nth(1).is_some() && text.contains(char::is_alphabetic));
        surfaces.sort_unstable();
        surfaces.dedup();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(surfaces)
            .map_err(|error| {
                Error::argument("entities", error.to_string(), "fewer different ones")
            })?;
        for (index, row) in self.rows.iter().enumerate() {
            let text = &row.utterance.text;
            let starts = row.utterance.spans.iter().map(|span| span.end);
            let ends = row.utterance.spans.iter().map(|span| span.start);
            for (start, end) in [0].into_iter().chain(starts).zip(ends.chain([text.len()])) {
                for found in search.find_iter(&text[start..end]) {
                    let range = start + found.start()..start + found.end();
                    if cuts_word(text, range.start) || cuts_word(text, range.end) {
                        continue;
                    }
                    if let Some(known) = self.known.get_mut(&normalize(&text[range])) {
                        known.unlabelled.get_or_insert((0, index)).0 += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Surfaces with more than one label, those with the most rows in dispute first.
    pub(super) fn conflicts(&self) -> Vec<EntityConflict> {
        let mut out = Vec::new();
        for (surface, known) in &self.known {
            let rarest = known.labels.values().min();
            if let Some(&(_, row)) = rarest.filter(|_| known.labels.len() > 1) {
                let counts = known.labels.iter();
                out.push(EntityConflict {
                    surface: surface.clone(),
                    labels: counts
                        .map(|(label, (count, _))| (label.clone(), *count))
                        .collect(),
                    row: RowRef::new(row, &self.rows[row]),
                });
            }
        }
        let disputed = |conflict: &EntityConflict| {
            let counts = conflict.labels.values();
            counts.clone().sum::<usize>() - counts.max().copied().unwrap_or_default()
        };
        out.sort_by_key(|conflict| std::cmp::Reverse(disputed(conflict)));
        out
    }

    /// Surfaces labelled twice or more, and at least as often as not, those labelled most first.
    pub(super) fn missed(&self) -> Vec<MissedEntity> {
        let mut out = Vec::new();
        for (surface, known) in &self.known {
            let labelled = known.labelled();
            let Some((unlabelled, row)) = known.unlabelled else {
                continue;
            };
            let label = known.labels.iter().max_by_key(|(_, (count, _))| count);
            if let Some((label, _)) = label.filter(|_| labelled >= unlabelled.max(2)) {
                out.push(MissedEntity {
                    surface: surface.clone(),
                    label: label.clone(),
                    labelled,
                    unlabelled,
                    row: RowRef::new(row, &self.rows[row]),
                });
            }
        }
        out.sort_by_key(|missed| std::cmp::Reverse(missed.labelled));
        out
    }
}
