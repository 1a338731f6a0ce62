//! What an audit found, as plain data.

use serde::Serialize;

use crate::error::Result;

use super::balance::{Class, Sentiments};
use super::duplicates::{Contradiction, Repeat};
use super::entities::{EntityConflict, MissedEntity, Surfaces};
use super::label_noise::NoiseSuspect;
use super::profile::{Languages, Lengths};
use super::row::{ReadFault, Row};
use super::rules::{RuleVerdict, Rules};
use super::spans::SpanFault;
use super::{balance, duplicates, label_noise, near_duplicates, profile, spans};

/// What an audit found. It becomes JSON by serde (keys as the fields) and a table for people by
/// `Display`.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Utterance};
/// let rows = ["查询订单", "退款"].map(|text| Utterance::new("", text).with_intent(text));
/// let report = Audit::new(&Dataset::from_utterances(rows)?).run(&Rules::default())?;
/// assert!(report.passed);
/// assert_eq!(report.imbalance, Some(1.0));
/// assert_eq!(report.leaks, None); // nothing to compare with
/// assert!(report.to_string().contains("imbalance"));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// Number of rows read.
    pub rows: usize,
    /// Share of the core intents that have enough rows, 0 to 1; `None` without intents.
    pub coverage: Option<f64>,
    /// Ratio of the rows of the largest intent to those of the smallest that occurs; `None` without
    /// two.
    pub imbalance: Option<f64>,
    /// Number of spans and tags at fault: those that kept rows from being read, and spans that are
    /// blank, have white space at an edge, or cut a word.
    pub iob_errors: usize,
    /// Number of rows beyond the first of the same normal form.
    pub duplicates: usize,
    /// Number of rows whose normal form stands in the other data set; `None` without one, or if all
    /// its rows are blank (then the rule fails).
    pub leaks: Option<usize>,
    /// Whether every rule that applies holds.
    pub passed: bool,
    /// Ratio of positive to negative rows, or the other way round, whichever is larger; `None`
    /// without sentiment, or when one side has no row (then the rule fails).
    pub sentiment_imbalance: Option<f64>,
    /// Number of rows, other than duplicates, almost like an earlier one that stays.
    pub near_duplicates: usize,
    /// Number of rows, other than leaks, almost like one of the other data set; `None` without one.
    pub near_leaks: Option<usize>,
    /// Number of texts with several intents, or both sides of sentiment.
    pub contradictions: usize,
    /// Number of entities with more than one label.
    pub entity_conflicts: usize,
    /// Number of entities that are labelled mostly, and somewhere are not.
    pub missed_entities: usize,
    /// Number of rows whose label the other rows contradict.
    pub noise_suspects: usize,
    /// Number of spans with a comma or the like at an edge.
    pub punctuation_edges: usize,
    /// Number of rows without a letter, digit or symbol.
    pub blank_rows: usize,
    /// Number of rows that reading left out.
    pub unread_rows: usize,
    /// Number of rows with a label that a rule is about: a span; an intent, if there are several or
    /// core intents were given; a positive or negative sentiment. Without any, nothing was judged,
    /// and the audit does not pass.
    pub judged_rows: usize,
    /// Each rule and how it came out.
    pub rules: Vec<RuleVerdict>,
    /// The intents, largest first.
    pub classes: Vec<Class>,
    /// Numbers of rows by sentiment.
    pub sentiments: Sentiments,
    /// Lengths of the texts.
    pub lengths: Lengths,
    /// Numbers of rows by language.
    pub languages: Languages,
    /// The first of each finding, as many as [`Rules::examples`] says.
    pub examples: Examples,
}

/// The findings of an audit, one by one.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Utterance};
/// let rows = [Utterance::new("1", "hello"), Utterance::new("2", "Hello!")];
/// let report = Audit::new(&Dataset::from_utterances(rows)?).run(&Rules::default())?;
/// let repeat = &report.examples.duplicates[0];
/// assert_eq!((repeat.row.id.as_str(), repeat.of.as_str()), ("2", "hello"));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Examples {
    /// Rows that could not be read.
    pub unread_rows: Vec<ReadFault>,
    /// Spans at fault, errors first.
    pub span_faults: Vec<SpanFault>,
    /// Rows that are duplicates of an earlier one.
    pub duplicates: Vec<Repeat>,
    /// Rows that are near-duplicates of an earlier one.
    pub near_duplicates: Vec<Repeat>,
    /// Rows that the other data set has too.
    pub leaks: Vec<Repeat>,
    /// Rows that are almost like one of the other data set.
    pub near_leaks: Vec<Repeat>,
    /// Texts with labels that exclude each other.
    pub contradictions: Vec<Contradiction>,
    /// Entities with several labels, most in dispute first.
    pub entity_conflicts: Vec<EntityConflict>,
    /// Entities that were probably overlooked, most often labelled first.
    pub missed_entities: Vec<MissedEntity>,
    /// Rows whose label is probably wrong, surest first.
    pub noise_suspects: Vec<NoiseSuspect>,
}

impl Examples {
    fn truncate(&mut self, len: usize) {
        self.unread_rows.truncate(len);
        self.span_faults.truncate(len);
        self.duplicates.truncate(len);
        self.near_duplicates.truncate(len);
        self.leaks.truncate(len);
        self.near_leaks.truncate(len);
        self.contradictions.truncate(len);
        self.entity_conflicts.truncate(len);
        self.missed_entities.truncate(len);
        self.noise_suspects.truncate(len);
    }
}

/// What a report is made from.
pub(super) struct Input<'a> {
    pub(super) rows: &'a [Row],
    /// Normal forms of the other data set.
    pub(super) others: Option<&'a [String]>,
    pub(super) core: Option<&'a [String]>,
    pub(super) faults: &'a [ReadFault],
    pub(super) rules: &'a Rules,
}

pub(super) fn report(input: &Input<'_>) -> Result<AuditReport> {
    let &Input {
        rows, core, rules, ..
    } = input;
    let mut examples = examples(input)?;
    let classes = balance::classes(rows, core);
    let sentiments = Sentiments::of(rows);
    let (lengths, languages) = profile::profile(rows);
    let span_errors = examples
        .span_faults
        .iter()
        .filter(|fault| fault.kind.is_error())
        .count();
    let unread_labels = input.faults.iter().filter(|fault| fault.labels).count();
    let others = input.others.unwrap_or_default();
    let comparable = others.iter().any(|normal| !normal.is_empty());
    let of_others = |count: usize| comparable.then_some(count);
    let mut report = AuditReport {
        rows: rows.len(),
        coverage: balance::coverage(&classes, rules.min_examples),
        imbalance: balance::imbalance(&classes),
        iob_errors: unread_labels + span_errors,
        duplicates: examples.duplicates.len(),
        leaks: of_others(examples.leaks.len()),
        passed: true,
        sentiment_imbalance: sentiments.imbalance().filter(|ratio| ratio.is_finite()),
        near_duplicates: examples.near_duplicates.len(),
        near_leaks: of_others(examples.near_leaks.len()),
        contradictions: examples.contradictions.len(),
        entity_conflicts: examples.entity_conflicts.len(),
        missed_entities: examples.missed_entities.len(),
        noise_suspects: examples.noise_suspects.len(),
        punctuation_edges: examples.span_faults.len() - span_errors,
        blank_rows: rows.iter().filter(|row| row.normal.is_empty()).count(),
        unread_rows: input.faults.len(),
        judged_rows: judged(rows, core.is_some()),
        rules: Vec::new(),
        classes,
        sentiments,
        lengths,
        languages,
        examples: Examples::default(),
    };
    report.rules = verdicts(&report, rules);
    if input.others.is_some() && !comparable {
        report
            .rules
            .iter_mut()
            .filter(|verdict| verdict.rule == "leaks")
            .for_each(RuleVerdict::fail);
    }
    report.passed = report
        .rules
        .iter()
        .all(|verdict| verdict.passed != Some(false));
    examples.truncate(rules.examples);
    report.examples = examples;
    Ok(report)
}

/// Every finding there is.
fn examples(input: &Input<'_>) -> Result<Examples> {
    let &Input { rows, rules, .. } = input;
    let mut span_faults = spans::faults(rows);
    span_faults.sort_by_key(|fault| !fault.kind.is_error());
    let surfaces = Surfaces::of(rows)?;
    Ok(Examples {
        unread_rows: input.faults.to_vec(),
        span_faults,
        duplicates: duplicates::duplicates(rows),
        near_duplicates: near_duplicates::duplicates(rows, rules.similarity),
        leaks: input
            .others
            .map(|others| duplicates::leaks(rows, others))
            .unwrap_or_default(),
        near_leaks: input
            .others
            .map(|others| near_duplicates::leaks(rows, others, rules.similarity))
            .unwrap_or_default(),
        contradictions: duplicates::contradictions(rows),
        entity_conflicts: surfaces.conflicts(),
        missed_entities: surfaces.missed(),
        noise_suspects: label_noise::suspects(rows),
    })
}

/// How many rows have a label that tells anything apart.
fn judged(rows: &[Row], core: bool) -> usize {
    let mut intents = rows
        .iter()
        .filter_map(|row| row.utterance.intent.as_deref());
    let first = intents.next();
    let intents = core || intents.any(|intent| Some(intent) != first);
    let rows = rows.iter().map(|row| &row.utterance);
    let judged = rows.filter(|row| {
        !row.spans.is_empty()
            || (intents && row.intent.is_some())
            || row.sentiment.is_some_and(|sentiment| sentiment != 0.5)
    });
    judged.count()
}

fn verdicts(report: &AuditReport, rules: &Rules) -> Vec<RuleVerdict> {
    vec![
        RuleVerdict::at_least("coverage", report.coverage, rules.min_coverage),
        RuleVerdict::at_most("imbalance", report.imbalance, rules.max_imbalance),
        RuleVerdict::at_most(
            "sentiment_imbalance",
            report.sentiments.imbalance(),
            rules.max_imbalance,
        ),
        RuleVerdict::at_most(
            "iob_errors",
            Some(report.iob_errors as f64),
            rules.max_iob_errors as f64,
        ),
        RuleVerdict::at_most(
            "unread_rows",
            Some(report.unread_rows as f64),
            rules.max_unread as f64,
        ),
        RuleVerdict::at_most(
            "leaks",
            report.leaks.map(|leaks| leaks as f64),
            rules.max_leaks as f64,
        ),
        RuleVerdict::at_least("judged_rows", Some(report.judged_rows as f64), 1.0),
    ]
}
