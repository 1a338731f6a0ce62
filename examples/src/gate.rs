//! Quantising with a condition, as the examples' arguments say it: the metric is the mean of intent
//! accuracy and span F1 on labelled rows.

use std::path::Path;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use cs_data::{Encoding, TokenBatch, Utterance};
use cs_model::{Bundle, Tasks, Understanding, decode};
use cs_quant::{
    Clip, Gate, Int4, NativeModel, Probe, QuantConfig, Sensitivity, Verdict, sensitivity,
};
use cs_train::{EvaluateOptions, evaluate};

use crate::error::{Error, Result};

/// Texts timed and compared one at a time, at most.
const PROBED_TEXTS: usize = 100;
/// Rows answered together when the metric is taken.
const BATCH: usize = 64;

/// What an int8 model must keep.
#[derive(Debug, Clone, Copy, Args)]
pub struct GateArgs {
    /// The metric may fall by this much: the mean of intent accuracy and span F1
    #[arg(long, default_value_t = 0.005)]
    pub max_drop: f64,
    /// Refuse an int8 model that is not this many times as fast
    #[arg(long, value_name = "TIMES")]
    pub min_speedup: Option<f64>,
    /// Keep as many layers in fp32 as the metric needs, and no more
    #[arg(long)]
    pub auto: bool,
}

/// How weights are quantised.
#[derive(Debug, Clone, Default, Args)]
pub struct QuantArgs {
    /// Layers that stay in fp32, by name, e.g. encoder.layer.0; the heads do anyway
    #[arg(long, value_name = "LAYER,…", value_delimiter = ',')]
    pub keep_fp32: Vec<String>,
    /// What takes 4 bits instead
    #[arg(long, value_enum, value_delimiter = ',')]
    pub int4: Vec<Int4Part>,
    /// Weights that share a step where they take 4 bits: 32 or 64
    #[arg(long, value_name = "WEIGHTS")]
    pub group: Option<usize>,
    /// Cut off large weights: mse, or the share of weights that is not cut off
    #[arg(long, value_name = "mse|SHARE")]
    pub clip: Option<ClipArg>,
}

/// What may take 4 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Int4Part {
    /// The word embeddings.
    Embeddings,
    /// The feed-forward layers.
    FeedForward,
}

/// A [`Clip`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipArg(Clip);

impl FromStr for ClipArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "mse" {
            return Ok(Self(Clip::Mse));
        }
        let share = text
            .parse()
            .map_err(|_| "expected mse or a number".to_owned())?;
        Ok(Self(Clip::Percentile(share)))
    }
}

impl QuantArgs {
    /// The configuration they stand for.
    pub fn config(&self) -> QuantConfig {
        let mut config = QuantConfig::default();
        config.keep_fp32.extend(self.keep_fp32.iter().cloned());
        config.clip = self.clip.map_or(config.clip, |clip| clip.0);
        config.int4 = Int4 {
            embeddings: self.int4.contains(&Int4Part::Embeddings),
            feed_forward: self.int4.contains(&Int4Part::FeedForward),
            group: self.group.unwrap_or(config.int4.group),
        };
        config
    }
}

impl GateArgs {
    /// A gate for the quality alone.
    pub fn new(max_drop: f64) -> Self {
        Self {
            max_drop,
            min_speedup: None,
            auto: false,
        }
    }

    /// Quantises the model of `bundle`, measures it on `rows`, and writes it to `out` if it is
    /// accepted; if not, `out` stays as it was. Without rows only the speed is measured, on made-up
    /// token ids.
    ///
    /// # Errors
    ///
    /// As [`Gate::quantize`], and rows that cannot be tokenized.
    pub fn quantize(
        &self,
        bundle: &Bundle,
        out: &Path,
        config: &QuantConfig,
        rows: &[Utterance],
    ) -> Result<Verdict> {
        let gate = Gate {
            max_drop: self.max_drop,
            min_speedup: self.min_speedup,
            auto: self.auto,
        };
        let texts = single_batches(bundle, rows)?;
        let gold = Gold::new(bundle, rows)?;
        let mut metric = |model: &NativeModel| gold.score(model);
        let probe = Probe {
            texts: &texts,
            metric: gold.tells().then_some(&mut metric),
        };
        gate.quantize(bundle, out, config, probe)
    }
}

/// What quantising each layer alone costs, on `rows`, or on made-up token ids without any. The metric
/// is taken only `with_metric`: it takes as long as everything else.
///
/// # Errors
///
/// As [`sensitivity`], and rows that cannot be tokenized.
pub fn layer_sensitivity(
    bundle: &Bundle,
    config: &QuantConfig,
    rows: &[Utterance],
) -> Result<Vec<Sensitivity>> {
    let texts = single_batches(bundle, rows)?;
    let gold = Gold::new(bundle, rows)?;
    let mut metric = |model: &NativeModel| gold.score(model);
    let mut probe = Probe {
        texts: &texts,
        metric: gold.tells().then_some(&mut metric),
    };
    sensitivity(bundle, config, &mut probe)
}

/// Labelled rows, tokenized once for all the models that answer them.
struct Gold<'a> {
    bundle: &'a Bundle,
    rows: &'a [Utterance],
    encodings: Vec<Encoding>,
}

impl<'a> Gold<'a> {
    fn new(bundle: &'a Bundle, rows: &'a [Utterance]) -> Result<Self> {
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let encodings = bundle
            .tokenizer()?
            .encode_batch(&texts, bundle.max_length())?;
        Ok(Self {
            bundle,
            rows,
            encodings,
        })
    }

    /// Whether there is something to compare: a label of a task the model has.
    fn tells(&self) -> bool {
        let tasks = self.bundle.tasks();
        let labelled = |row: &Utterance| {
            (tasks.intent.is_some() && row.intent.is_some())
                || (tasks.slots.is_some() && !row.spans.is_empty())
        };
        self.rows.iter().any(labelled)
    }

    fn score(&self, model: &NativeModel) -> Result<f64> {
        let (tasks, calibration) = (self.bundle.tasks(), self.bundle.calibration());
        let mut answers = Vec::with_capacity(self.rows.len());
        for (rows, encodings) in self.rows.chunks(BATCH).zip(self.encodings.chunks(BATCH)) {
            let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
            let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
            let output = model.forward(&batch)?;
            answers.extend(decode(
                &texts,
                encodings,
                &batch.offsets,
                &output,
                tasks,
                &calibration,
            ));
        }
        let quality = quality(self.rows, &answers, tasks)?;
        quality.ok_or_else(|| Error::Unfit {
            path: self.bundle.dir().to_owned(),
            found: "no labels to compare".to_owned(),
            expected: "rows with an intent or spans",
        })
    }
}

/// What the gate watches: the mean of intent accuracy and span F1, of those the model and the rows
/// have.
///
/// # Errors
///
/// Not as many answers as rows.
///
/// ```
/// use cs_data::Utterance;
/// use cs_examples::quality;
/// use cs_model::{Tasks, Understanding};
///
/// let gold = [Utterance::new("1", "hi").with_intent("greeting")];
/// let answer: Understanding = serde_json::from_str(
///     r#"{"text": "hi", "intent": {"label": "greeting", "confidence": 0.9}, "entities": [], "sentiment": null}"#,
/// )?;
/// let tasks = Tasks { intent: Some(vec!["greeting".into()]), ..Tasks::default() };
/// assert_eq!(quality(&gold, &[answer], &tasks)?, Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn quality(
    rows: &[Utterance],
    answers: &[Understanding],
    tasks: &Tasks,
) -> Result<Option<f64>> {
    let options = EvaluateOptions {
        tasks: Some(tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(rows, answers, &options)?;
    Ok(match (evaluation.intent_accuracy, evaluation.slot_f1) {
        (Some(intents), Some(entities)) => Some((intents + entities) / 2.0),
        (intents, entities) => intents.or(entities),
    })
}

/// Batches of one text each: of `rows`, or made up if there are none.
///
/// # Errors
///
/// If a text cannot be tokenized.
pub fn single_batches(bundle: &Bundle, rows: &[Utterance]) -> Result<Vec<TokenBatch>> {
    if rows.is_empty() {
        let words = bundle.config().vocab_size() as u32;
        let longest = bundle.max_length() as u32;
        let made_up = |text: u32| {
            (0..(8 + text % 24).min(longest))
                .map(|at| (text * 31 + at * 7) % words)
                .collect()
        };
        let texts: Vec<Vec<u32>> = (0..PROBED_TEXTS as u32).map(made_up).collect();
        return Ok(texts
            .iter()
            .map(|ids| TokenBatch::pack([&ids[..]]))
            .collect());
    }
    let tokenizer = bundle.tokenizer()?;
    let probed = rows.iter().step_by(rows.len().div_ceil(PROBED_TEXTS));
    probed
        .map(|row| {
            let encoding = tokenizer.encode(&row.text, bundle.max_length())?;
            Ok(TokenBatch::pack([&encoding.ids[..]]))
        })
        .collect()
}
