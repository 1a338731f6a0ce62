//! What is wrong with labelled data, before a model learns it.
//!
//! [`Audit`] looks at a data set and gives an [`AuditReport`]: plain data, with a table for people
//! as its `Display`, JSON by serde, and a chart by [`AuditReport::write_svg`]. [`Rules`] say what
//! must hold.
//!
//! Two texts are the same when their [normal forms](crate::normalize()) are.

mod balance;
mod display;
mod duplicates;
mod entities;
mod label_noise;
mod near_duplicates;
mod profile;
mod report;
mod row;
mod rules;
mod spans;
mod svg;

use std::collections::BTreeSet;
use std::path::Path;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::file::{TextFile, shown};
use crate::text::normalize;

use row::Row;

pub use balance::{Class, Sentiments};
pub use duplicates::{Contradiction, Repeat};
pub use entities::{EntityConflict, MissedEntity};
pub use label_noise::NoiseSuspect;
pub use profile::{Bin, Languages, Lengths};
pub use report::{AuditReport, Examples};
pub use row::{ReadFault, RowRef};
pub use rules::{RuleVerdict, Rules};
pub use spans::{SpanFault, SpanFaultKind};

/// An audit of one data set.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Utterance};
/// let row = |id: &str, text: &str, intent: &str| Utterance::new(id, text).with_intent(intent);
/// let train = Dataset::from_utterances([
///     row("1", "我要退款", "refund"),
///     row("2", "我要退款。", "return"),
///     row("3", "where is my order", "order_status"),
/// ])?;
/// let test = Dataset::from_utterances([row("1", "Where is my order?", "order_status")])?;
///
/// let report = Audit::new(&train).against(&test).run(&Rules::default())?;
/// assert_eq!((report.duplicates, report.contradictions, report.leaks), (1, 1, Some(1)));
/// assert!(!report.passed); // a leak
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Audit<'a> {
    data: &'a Dataset,
    against: Option<&'a Dataset>,
    core: Option<Vec<String>>,
    faults: Vec<ReadFault>,
}

impl<'a> Audit<'a> {
    /// Begins an audit of `data`.
    pub fn new(data: &'a Dataset) -> Self {
        Audit {
            data,
            against: None,
            core: None,
            faults: Vec::new(),
        }
    }

    /// Looks for rows that `other`, say the test set, has too.
    #[must_use]
    pub fn against(mut self, other: &'a Dataset) -> Self {
        self.against = Some(other);
        self
    }

    /// Measures coverage of these intents instead of all that occur.
    #[must_use]
    pub fn core(mut self, intents: Vec<String>) -> Self {
        self.core = Some(intents);
        self
    }

    /// Sets the rows that reading left out, which the audit counts.
    #[must_use]
    pub fn faults(mut self, faults: Vec<ReadFault>) -> Self {
        self.faults = faults;
        self
    }

    /// Looks at every row. Deterministic, on one thread. 10,000 short rows take about a second,
    /// 100,000 take 4 to 21 s, and memory is 1 to 2 KB a row; the search for near-duplicates grows
    /// with the square of the rows where all of them are made of the same few phrases.
    ///
    /// # Errors
    ///
    /// A rule out of its range; core intents of which there are none, or one is empty or given
    /// twice; more distinct entities than a search automaton holds.
    pub fn run(&self, rules: &Rules) -> Result<AuditReport> {
        rules.validate()?;
        if let Some(core) = &self.core {
            check_core(core)?;
        }
        let rows: Vec<Row> = self.data.iter().map(Row::new).collect();
        let others: Option<Vec<String>> = self
            .against
            .map(|other| other.iter().map(|row| normalize(&row.text)).collect());
        report::report(&report::Input {
            rows: &rows,
            others: others.as_deref(),
            core: self.core.as_deref(),
            faults: &self.faults,
            rules,
        })
    }
}

fn check_core(core: &[String]) -> Result<()> {
    let expected = "different intents, at least one";
    if core.is_empty() {
        return Err(Error::argument("core", "empty", expected));
    }
    let mut seen = BTreeSet::new();
    let mut intents = core.iter();
    match intents.find(|intent| intent.trim().is_empty() || !seen.insert(*intent)) {
        Some(intent) => {
            let found = format!("{} (again or empty)", shown(intent));
            Err(Error::argument("core", found, expected))
        }
        None => Ok(()),
    }
}

/// Reads a list of core intents, one a line; white space around them does not count, nor do empty
/// lines and those that begin with `#`.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("core.txt");
/// std::fs::write(&path, "# ours\nrefund\n查询订单\n").unwrap();
/// assert_eq!(cs_data::audit::read_core(&path)?, ["refund", "查询订单"]);
/// # Ok::<(), cs_data::Error>(())
/// ```
///
/// # Errors
///
/// A file that cannot be read, is not UTF-8 or has no intent; an intent given twice.
pub fn read_core(path: &Path) -> Result<Vec<String>> {
    let source = TextFile::open(path)?;
    let (mut core, mut seen) = (Vec::new(), BTreeSet::new());
    for (at, line) in source.lines() {
        let intent = line.trim();
        if intent.is_empty() || intent.starts_with('#') {
            continue;
        }
        if !seen.insert(intent) {
            let at = at + (line.len() - line.trim_start().len());
            let found = format!("the intent {} again", shown(intent));
            return Err(source.error(at, found, "each core intent once"));
        }
        core.push(intent.to_owned());
    }
    if core.is_empty() {
        return Err(Error::file(path, "no intent", "an intent a line"));
    }
    Ok(core)
}
