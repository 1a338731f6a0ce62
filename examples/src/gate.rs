//! Quantising with a condition, as the examples' arguments say it: on labelled rows, intent accuracy,
//! span F1 and the error of the sentiment are each judged by itself; of a model without heads, its
//! vectors.

use std::path::Path;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use cs_data::{Encoding, TokenBatch, Utterance};
use cs_model::{Bundle, Matrix, Tasks, Understanding, decode};
use cs_quant::{
    Clip, Figures, Gate, Int4, NativeModel, Precision, Probe, QuantConfig, RuntimeConfig,
    Sensitivity, Verdict, latencies, quantize, sensitivity,
};
use cs_train::evaluation::{EvaluateOptions, evaluate};

use crate::error::{Error, Result};

/// Texts timed and compared one at a time, at most.
const PROBED_TEXTS: usize = 100;
/// Rows answered together when the metric is taken.
const BATCH: usize = 64;

/// What an int8 model must keep.
#[derive(Debug, Clone, Copy, Args)]
pub struct GateArgs {
    /// Intent accuracy, span F1 and 1 − the sentiment's squared error may each fall by this much; of a
    /// model without heads the vectors' cosine to those in fp32 [default: 0.005]
    #[arg(long, value_name = "DROP")]
    pub max_drop: Option<f64>,
    /// Refuse an int8 model that is not this many times as fast
    #[arg(long, value_name = "TIMES")]
    pub min_speedup: Option<f64>,
    /// Keep as many layers in fp32 as the figures need, and no more
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
            max_drop: Some(max_drop),
            min_speedup: None,
            auto: false,
        }
    }

    /// Quantises the model of `bundle`, measures it on `rows`, and writes it to `out` if it is
    /// accepted; if not, `out` stays as it was.
    ///
    /// # Errors
    ///
    /// As [`Gate::quantize`], which refuses rows by which a head cannot be judged; rows that cannot be
    /// tokenized.
    pub fn quantize(
        &self,
        bundle: &Bundle,
        out: &Path,
        config: &QuantConfig,
        rows: &[Utterance],
    ) -> Result<Verdict> {
        let plain = Gate::default();
        let gate = Gate {
            max_drop: self.max_drop.unwrap_or(plain.max_drop),
            min_speedup: self.min_speedup,
            auto: self.auto,
        };
        let texts = single_batches(bundle, rows)?;
        let mut judge = Judge::new(bundle, rows, &texts)?;
        let mut metric = |model: &NativeModel| judge.figures(model);
        let probe = Probe {
            texts: &texts,
            metric: Some(&mut metric),
        };
        gate.quantize(bundle, out, config, probe)
    }

    /// Refuses what has no effect without rows to judge by.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] naming the argument.
    pub fn check_unused(&self) -> Result<()> {
        let given = [
            ("--max-drop", self.max_drop.is_some()),
            ("--min-speedup", self.min_speedup.is_some()),
            ("--auto", self.auto),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::Usage(format!(
                "{name}: nothing is judged without --data, expected both or neither"
            ))),
        }
    }
}

/// Quantises without judging anything: what there is to tell is sizes and speed, on made-up token ids.
///
/// # Errors
///
/// As [`cs_quant::quantize`]; `out` being the model's own folder.
pub fn unjudged(bundle: &Bundle, out: &Path, config: &QuantConfig) -> Result<Verdict> {
    let place = |path: &Path| path.canonicalize().ok();
    if place(out).is_some() && place(out) == place(bundle.dir()) {
        return Err(Error::Unfit {
            path: out.to_owned(),
            found: "the model's own folder".to_owned(),
            expected: "another folder to write",
        });
    }
    let report = quantize(bundle, out, config)?;
    let open = |bundle: &Bundle, precision| {
        let config = RuntimeConfig {
            precision,
            ..RuntimeConfig::default()
        };
        NativeModel::open(bundle, &config)
    };
    let before = open(bundle, Precision::Fp32)?;
    let after = open(&Bundle::open(out)?, Precision::Auto)?;
    let [slow, fast] = latencies([&before, &after], &single_batches(bundle, &[])?)?;
    Ok(Verdict {
        bytes_before: report.bytes_before,
        bytes_after: report.bytes_after,
        ratio: report.ratio(),
        speedup: slow / fast,
        ..Verdict::default()
    })
}

/// What quantising each layer alone costs, on `rows`, or on made-up token ids without any; the figures
/// are taken only with rows.
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
    let mut judge = Judge::new(bundle, rows, &texts)?;
    let mut metric = |model: &NativeModel| judge.figures(model);
    let mut probe = Probe {
        texts: &texts,
        metric: (!rows.is_empty()).then_some(&mut metric),
    };
    sensitivity(bundle, config, &mut probe)
}

/// The heads of the model that no row has a label for, among the labels the model knows.
pub fn unlabelled_heads(rows: &[Utterance], tasks: &Tasks) -> Vec<&'static str> {
    let known: Vec<Utterance> = rows.iter().map(|row| known(row, tasks)).collect();
    let labelled = |head: &str| {
        known.iter().any(|row| match head {
            "intent" => row.intent.is_some(),
            "slots" => !row.spans.is_empty(),
            _ => row.sentiment.is_some(),
        })
    };
    let mut heads = tasks.heads();
    heads.retain(|head| !labelled(head));
    heads
}

/// Refuses rows by which a head of the model cannot be judged.
///
/// # Errors
///
/// [`Error::Unfit`] naming what was looked for.
pub fn check_labelled(path: &Path, rows: &[Utterance], tasks: &Tasks) -> Result<()> {
    let label = match unlabelled_heads(rows, tasks).first() {
        None => return Ok(()),
        Some(&"intent") => "an intent that the model knows",
        Some(&"slots") => "a span whose label the model knows",
        Some(_) => "a sentiment",
    };
    Err(Error::Unfit {
        path: path.to_owned(),
        found: format!("none of {} rows has {label}", rows.len()),
        expected: "labels for each head of the model (--columns says where they are)",
    })
}

/// The row with the labels the model knows: others are wrong whatever it answers.
fn known(row: &Utterance, tasks: &Tasks) -> Utterance {
    let mut row = row.clone();
    let intents = tasks.intent.as_deref().unwrap_or_default();
    row.intent = row.intent.filter(|intent| intents.contains(intent));
    let tags = tasks.slots.as_deref().unwrap_or_default();
    let is_tag = |label: &str| tags.iter().any(|tag| tag.strip_prefix("B-") == Some(label));
    row.spans.retain(|span| is_tag(&span.label));
    row
}

/// Judges models by rows that are tokenized once for all of them.
struct Judge<'a> {
    bundle: &'a Bundle,
    rows: Vec<Utterance>,
    encodings: Vec<Encoding>,
    texts: &'a [TokenBatch],
    /// The first model's vectors, if there are no heads.
    vectors: Option<Vec<Matrix>>,
}

impl<'a> Judge<'a> {
    fn new(bundle: &'a Bundle, rows: &[Utterance], texts: &'a [TokenBatch]) -> Result<Self> {
        let known: Vec<Utterance> = rows.iter().map(|row| known(row, bundle.tasks())).collect();
        let words: Vec<&str> = known.iter().map(|row| row.text.as_str()).collect();
        let encodings = match bundle.tasks().is_empty() {
            true => Vec::new(),
            false => {
                let tokenizer = bundle.tokenizer()?;
                tokenizer.encode_batch(&words, bundle.max_length())?
            }
        };
        Ok(Self {
            bundle,
            rows: known,
            encodings,
            texts,
            vectors: None,
        })
    }

    fn figures(&mut self, model: &NativeModel) -> Result<Figures> {
        if self.bundle.tasks().is_empty() {
            return self.fidelity(model);
        }
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
        figures(&self.rows, &answers, tasks)
    }

    /// The mean cosine of the texts' vectors to those of the first model that was asked.
    fn fidelity(&mut self, model: &NativeModel) -> Result<Figures> {
        let vectors = self.texts.iter().map(|batch| model.embed(batch));
        let vectors: Vec<Matrix> = vectors.collect::<Result<_, _>>()?;
        let first = self.vectors.get_or_insert_with(|| vectors.clone());
        let cosines = first
            .iter()
            .zip(&vectors)
            .map(|(a, b)| cosine(&a.data, &b.data));
        let mean = cosines.sum::<f64>() / vectors.len().max(1) as f64;
        Ok([("embedding".to_owned(), mean)].into())
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// What the gate watches, by head: intent accuracy, span F1, and 1 − the mean squared error of the
/// sentiment, of those the model and the rows have.
///
/// # Errors
///
/// Not as many answers as rows.
///
/// ```
/// use cs_data::Utterance;
/// use cs_examples::figures;
/// use cs_model::{Intent, Tasks, Understanding};
///
/// let gold = [Utterance::new("1", "hi").with_intent("greeting")];
/// let answer = Understanding {
///     intent: Some(Intent { label: "greeting".into(), confidence: 0.9 }),
///     ..Understanding::default()
/// };
/// let tasks = Tasks { intent: Some(vec!["greeting".into()]), ..Tasks::default() };
/// assert_eq!(figures(&gold, &[answer], &tasks)?, [("intent".to_owned(), 1.0)].into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn figures(rows: &[Utterance], answers: &[Understanding], tasks: &Tasks) -> Result<Figures> {
    let options = EvaluateOptions {
        tasks: Some(tasks),
        ..EvaluateOptions::default()
    };
    let evaluation = evaluate(rows, answers, &options)?;
    let all = [
        ("intent", evaluation.intent_accuracy),
        ("slots", evaluation.slot_f1),
        ("sentiment", evaluation.sentiment_mse.map(|mse| 1.0 - mse)),
    ];
    let there = all.into_iter();
    Ok(there
        .filter_map(|(head, figure)| Some((head.to_owned(), figure?)))
        .collect())
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
