//! [`EvaluationReport`]: everything about one evaluation, as JSON and as a page.

mod build;
mod cards;
mod charts;
mod escape;
mod file;
mod page;
mod sections;

use std::collections::BTreeMap;

use cs_data::Utterance;
use cs_model::Understanding;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::evaluation::{EvaluateOptions, Evaluation, Tally, intervals_of};
use crate::metrics::{Bootstrap, Interval};

pub use sections::{
    ClassScores, ConfusedPair, EntityMistake, EntityReport, IntentMistake, IntentReport, OosReport,
    SentimentReport, SpanMistake, SpanText,
};

/// The version of the JSON that [`EvaluationReport::write`] writes.
const FORMAT_VERSION: u32 = 1;

/// What a report should hold besides the figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportConfig {
    /// How the intervals are made; `None`: there are none. Default [`Bootstrap::default`].
    pub bootstrap: Option<Bootstrap>,
    /// Wrong rows quoted of each task, at most; they hold the customers' texts. Default 50.
    pub examples: usize,
    /// What the reader should know of the run, by name: the model, the data and their fingerprint.
    pub about: BTreeMap<String, String>,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self {
            bootstrap: Some(Bootstrap::default()),
            examples: 50,
            about: BTreeMap::new(),
        }
    }
}

/// Everything about one evaluation. Its JSON has a version; [`EvaluationReport::html`] shows it on
/// a page.
///
/// ```
/// use cs_data::Utterance;
/// use cs_model::Understanding;
/// use cs_train::evaluation::EvaluateOptions;
/// use cs_train::report::{EvaluationReport, ReportConfig};
///
/// let gold = [Utterance::new("1", "<b>hi</b>").with_intent("refund")];
/// let answer: Understanding = serde_json::from_str(
///     r#"{"text": "hi", "intent": {"label": "hello", "confidence": 0.9}, "entities": [], "sentiment": null}"#,
/// )?;
/// let report = EvaluationReport::of(&gold, &[answer], &EvaluateOptions::default(), &ReportConfig::default())?;
/// assert_eq!(report.evaluation.intent_accuracy, Some(0.0));
/// assert_eq!(report.intents.as_ref().unwrap().confusion[0].predicted.as_deref(), Some("hello"));
/// assert!(report.html().contains("&lt;b&gt;hi&lt;/b&gt;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// The version of this format.
    pub format_version: u32,
    /// Facts that the reader should know of the run, by name.
    pub about: BTreeMap<String, String>,
    /// The number of rows evaluated.
    pub rows: usize,
    /// How the intervals were made; `None`: there are none.
    pub bootstrap: Option<Bootstrap>,
    /// Answers less sure than this counted as abstentions.
    pub abstain_below: Option<f32>,
    /// The headline figures.
    pub evaluation: Evaluation,
    /// The intervals of the headline figures, by name.
    pub intervals: BTreeMap<String, Interval>,
    /// The section about intents; `None` if there was nothing to score, like the other sections.
    pub intents: Option<IntentReport>,
    /// The section about entities.
    pub entities: Option<EntityReport>,
    /// The section about the sentiment.
    pub sentiment: Option<SentimentReport>,
    /// The section about rows out of scope; only with [`EvaluateOptions::oos_label`].
    pub out_of_scope: Option<OosReport>,
}

impl EvaluationReport {
    /// Evaluates `predicted` against `gold`, row by row, as
    /// [`evaluate()`](crate::evaluation::evaluate()) does, and with everything that can be said
    /// about it. O(rows · log rows + resamples · rows).
    ///
    /// # Errors
    ///
    /// As [`intervals`](crate::evaluation::intervals).
    pub fn of(
        gold: &[Utterance],
        predicted: &[Understanding],
        options: &EvaluateOptions<'_>,
        config: &ReportConfig,
    ) -> Result<Self> {
        let scored = Tally::new(gold, predicted, options)?;
        let intervals = match &config.bootstrap {
            Some(bootstrap) => intervals_of(&scored, bootstrap)?,
            None => BTreeMap::new(),
        };
        let evaluation = scored.evaluation();
        Ok(Self {
            format_version: FORMAT_VERSION,
            about: config.about.clone(),
            rows: gold.len(),
            bootstrap: config.bootstrap.clone(),
            abstain_below: options.abstain_below,
            intervals,
            intents: build::intents(&scored, gold, config.examples),
            entities: build::entities(&scored, gold, config.examples),
            sentiment: build::sentiment(&scored),
            out_of_scope: build::out_of_scope(&scored, &evaluation, options),
            evaluation,
        })
    }
}
