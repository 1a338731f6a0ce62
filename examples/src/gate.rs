//! Quantising with a condition: the int8 model is written only if it answers as well.

use std::path::{Path, PathBuf};

use clap::Args;
use cs_data::{TokenBatch, Utterance};
use cs_model::{Bundle, BundleWriter, Tasks, Understanding};
use cs_quant::{NativeModel, Precision, QuantConfig, RuntimeConfig, quantize};
use cs_train::{EvaluateOptions, evaluate};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::serving::open_native;
use crate::speed::race;

/// Texts timed, at most.
const TIMED_TEXTS: usize = 100;
/// Passes over them.
const ROUNDS: usize = 9;

/// What an int8 model must keep.
#[derive(Debug, Clone, Copy, Args)]
pub struct Gate {
    /// The metric may fall by this much: the mean of intent accuracy and span F1
    #[arg(long, default_value_t = 0.005)]
    pub max_drop: f64,
    /// Refuse an int8 model that is not this many times as fast
    #[arg(long)]
    pub min_speedup: Option<f64>,
}

/// What the gate found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Size of the fp32 weights file.
    pub bytes_before: u64,
    /// Size of the int8 artefact.
    pub bytes_after: u64,
    /// How many times smaller that is.
    pub ratio: f64,
    /// How many times faster one text is answered (medians), native int8 against native fp32.
    pub speedup: f64,
    /// Mean of intent accuracy and span F1 in fp32, if there is data to tell.
    pub metric_before: Option<f64>,
    /// The same in int8.
    pub metric_after: Option<f64>,
    /// Whether it was written.
    pub accepted: bool,
}

impl Gate {
    /// A gate for the quality alone.
    pub fn new(max_drop: f64) -> Self {
        Self {
            max_drop,
            min_speedup: None,
        }
    }

    /// Whether an int8 model with these figures is good enough.
    ///
    /// ```
    /// use cs_examples::{Gate, Verdict};
    /// let gate = Gate::new(0.01);
    /// let figures = Verdict { metric_before: Some(0.90), metric_after: Some(0.88), ..Verdict::default() };
    /// assert!(!gate.accepts(&figures));
    /// assert!(gate.accepts(&Verdict { metric_after: Some(0.91), ..figures }));
    /// ```
    pub fn accepts(&self, figures: &Verdict) -> bool {
        let good = match (figures.metric_before, figures.metric_after) {
            (Some(before), Some(after)) => before - after <= self.max_drop,
            _ => true,
        };
        good && self
            .min_speedup
            .is_none_or(|least| figures.speedup >= least)
    }

    /// Quantises the model of `bundle` beside `out`, measures it on `rows`, and writes it to `out`
    /// if it is accepted; if not, `out` stays as it was. Without rows only the speed is measured,
    /// on made-up token ids.
    ///
    /// # Errors
    ///
    /// A model that cannot be quantised, `out` being its own folder, or files that cannot be
    /// written.
    pub fn quantize(&self, bundle: &Bundle, out: &Path, rows: &[Utterance]) -> Result<Verdict> {
        let same = |path: &Path| path.canonicalize().ok();
        if same(out).is_some() && same(out) == same(bundle.dir()) {
            let found = "the model's own folder".to_owned();
            return Err(Error::Unfit {
                path: out.to_owned(),
                found,
                expected: "another one",
            });
        }
        let beside = beside(out);
        let staging = tempfile::Builder::new()
            .prefix(".int8-")
            .tempdir_in(&beside);
        let staging = staging.map_err(Error::io(beside))?;
        let report = quantize(bundle, staging.path(), &QuantConfig::default())?;
        let quantised = Bundle::open(staging.path())?;
        let metric = |bundle: &Bundle, precision| -> Result<Option<f64>> {
            let answers = answers(bundle, precision, rows)?;
            quality(rows, &answers, bundle.tasks())
        };
        let mut verdict = Verdict {
            bytes_before: report.bytes_before,
            bytes_after: report.bytes_after,
            ratio: report.ratio(),
            speedup: speedup(bundle, &quantised, rows)?,
            metric_before: metric(bundle, Precision::Fp32)?,
            metric_after: metric(&quantised, Precision::Int8)?,
            accepted: false,
        };
        verdict.accepted = self.accepts(&verdict);
        if verdict.accepted {
            copy(&quantised, out, &verdict)?;
        }
        Ok(verdict)
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

/// The nearest folder above `out` that exists.
fn beside(out: &Path) -> PathBuf {
    let above = out.ancestors().skip(1).find(|folder| folder.is_dir());
    above.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn answers(
    bundle: &Bundle,
    precision: Precision,
    rows: &[Utterance],
) -> Result<Vec<Understanding>> {
    let assistant = open_native(bundle.dir(), precision)?;
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    Ok(assistant.understand_batch(&texts)?)
}

/// Median time of one text after the other, fp32 over int8.
fn speedup(before: &Bundle, after: &Bundle, rows: &[Utterance]) -> Result<f64> {
    let batches = single_batches(before, rows)?;
    let open = |bundle, precision| {
        NativeModel::open(
            bundle,
            &RuntimeConfig {
                precision,
                ..RuntimeConfig::default()
            },
        )
    };
    let (fp32, int8) = (
        open(before, Precision::Fp32)?,
        open(after, Precision::Int8)?,
    );
    let [slow, fast] = race(
        ROUNDS,
        [&mut || forward(&fp32, &batches), &mut || {
            forward(&int8, &batches)
        }],
    )?;
    Ok(slow / fast)
}

fn forward(model: &NativeModel, batches: &[TokenBatch]) -> Result<()> {
    batches
        .iter()
        .try_for_each(|batch| model.forward(batch).map(drop))?;
    Ok(())
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
        let texts: Vec<Vec<u32>> = (0..TIMED_TEXTS as u32).map(made_up).collect();
        return Ok(texts
            .iter()
            .map(|ids| TokenBatch::pack([&ids[..]]))
            .collect());
    }
    let tokenizer = bundle.tokenizer()?;
    let timed = rows.iter().step_by(rows.len().div_ceil(TIMED_TEXTS));
    timed
        .map(|row| {
            let encoding = tokenizer.encode(&row.text, bundle.max_length())?;
            Ok(TokenBatch::pack([&encoding.ids[..]]))
        })
        .collect()
}

/// Copies the accepted bundle, with the figures in its manifest.
fn copy(bundle: &Bundle, out: &Path, verdict: &Verdict) -> Result<()> {
    let mut writer = BundleWriter::new(out)?;
    let Some(mut manifest) = bundle.manifest().cloned() else {
        let found = "no bundle.json".to_owned();
        return Err(Error::Unfit {
            path: bundle.dir().to_owned(),
            found,
            expected: "a bundle",
        });
    };
    for name in manifest.files.keys() {
        writer.copy_from(bundle, name)?;
    }
    for (name, figure) in [
        ("fp32.metric", verdict.metric_before),
        ("int8.metric", verdict.metric_after),
    ] {
        if let Some(figure) = figure {
            manifest.metrics.insert(name.to_owned(), figure);
        }
    }
    writer.finish(manifest)?;
    Ok(())
}
