//! Quantising with a condition, as the examples' arguments say it: on labelled rows, intent
//! accuracy, span F1 and the error of the sentiment are each judged by itself; of a model without
//! heads, its vectors.

use std::path::Path;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use cs_data::{TokenBatch, Utterance};
use cs_model::{Bundle, Tasks};
use cs_quant::{
    Clip, DecoderGate, Fidelity, Figures, Gate, GateReport, Int4, NativeModel, Precision, Probe,
    QuantConfig, Questions, RuntimeConfig, Sensitivity, is_own_folder, latencies, quantize,
    sensitivity, single_batches,
};
use cs_train::evaluation::{head_figures, unlabelled_heads, with_known_labels};

use crate::error::{Error, Result};
use crate::number;

/// What an int8 model must keep.
#[derive(Debug, Clone, Copy, Args)]
pub struct GateArgs {
    /// Intent accuracy, span F1 and 1 − the sentiment's squared error may each fall by this much;
    /// of a model without heads the vectors' cosine to those in fp32 [default: 0.005]. A decoder's
    /// perplexity may rise by this share of itself [default: 0.01]
    #[arg(long, value_name = "DROP", value_parser = number::any)]
    pub max_drop: Option<f64>,
    /// Refuse an int8 model that is not this many times as fast
    #[arg(long, value_name = "TIMES", value_parser = number::above_zero)]
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
    /// Do not measure a decoder's inputs first, which takes its weights in fp32 in memory, and a minute or so
    #[arg(long)]
    pub no_calibration: bool,
}

/// What may take 4 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Int4Part {
    /// The word embeddings.
    Embeddings,
    /// The linear layers of attention.
    Attention,
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
        config.calibrate = !self.no_calibration;
        config.int4 = Int4 {
            embeddings: self.int4.contains(&Int4Part::Embeddings),
            attention: self.int4.contains(&Int4Part::Attention),
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
    /// As [`Gate::quantize`], which refuses rows by which a head cannot be judged; rows that cannot
    /// be tokenized.
    pub fn quantize(
        &self,
        bundle: &Bundle,
        out: &Path,
        config: &QuantConfig,
        rows: &[Utterance],
    ) -> Result<GateReport> {
        let plain = Gate::default();
        let gate = Gate {
            max_drop: self.max_drop.unwrap_or(plain.max_drop),
            min_speedup: self.min_speedup,
            auto: self.auto,
        };
        let rows = known(rows, bundle.tasks());
        let texts = single_batches(bundle, &texts_of(&rows))?;
        let mut judge = Judge::new(bundle, &rows, &texts)?;
        let mut metric = |model: &NativeModel| judge.figures(model);
        let probe = Probe {
            texts: &texts,
            metric: Some(&mut metric),
        };
        gate.quantize(bundle, out, config, probe)
    }

    /// The gate of a decoder.
    pub fn of_decoder(&self) -> DecoderGate {
        let plain = DecoderGate::default();
        DecoderGate {
            max_rise: self.max_drop.unwrap_or(plain.max_rise),
            min_speedup: self.min_speedup,
            auto: self.auto,
        }
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

/// Quantises without judging anything: what there is to tell is sizes and speed, on made-up token
/// ids.
///
/// # Errors
///
/// As [`cs_quant::quantize`]; `out` being the model's own folder.
pub fn unjudged(bundle: &Bundle, out: &Path, config: &QuantConfig) -> Result<GateReport> {
    if is_own_folder(bundle, out) {
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
    Ok(GateReport {
        bytes_before: report.bytes_before,
        bytes_after: report.bytes_after,
        ratio: report.ratio(),
        speedup: slow / fast,
        ..GateReport::default()
    })
}

/// What quantising each layer alone costs, on `rows`, or on made-up token ids without any; the
/// figures are taken only with rows.
///
/// # Errors
///
/// As [`sensitivity`], and rows that cannot be tokenized.
pub fn layer_sensitivity(
    bundle: &Bundle,
    config: &QuantConfig,
    rows: &[Utterance],
) -> Result<Vec<Sensitivity>> {
    let rows = known(rows, bundle.tasks());
    let texts = single_batches(bundle, &texts_of(&rows))?;
    let mut judge = Judge::new(bundle, &rows, &texts)?;
    let mut metric = |model: &NativeModel| judge.figures(model);
    let mut probe = Probe {
        texts: &texts,
        metric: (!rows.is_empty()).then_some(&mut metric),
    };
    sensitivity(bundle, config, &mut probe)
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

/// Judges models by rows that are tokenised once for all of them: by their heads, or, without any,
/// by their vectors.
enum Judge<'a> {
    Heads {
        rows: &'a [Utterance],
        questions: Questions<'a>,
        tasks: &'a Tasks,
    },
    Vectors(Fidelity<'a>),
}

impl<'a> Judge<'a> {
    fn new(bundle: &'a Bundle, rows: &'a [Utterance], timed: &'a [TokenBatch]) -> Result<Self> {
        let tasks = bundle.tasks();
        if tasks.is_empty() {
            return Ok(Self::Vectors(Fidelity::new(timed)));
        }
        let questions = Questions::new(bundle, &texts_of(rows))?;
        Ok(Self::Heads {
            rows,
            questions,
            tasks,
        })
    }

    fn figures(&mut self, model: &NativeModel) -> Result<Figures> {
        match self {
            Self::Heads {
                rows,
                questions,
                tasks,
            } => Ok(head_figures(rows, &questions.answers(model)?, tasks)?),
            Self::Vectors(fidelity) => Ok(fidelity.figures(model)?),
        }
    }
}

/// The texts of rows.
pub fn texts_of(rows: &[Utterance]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_str()).collect()
}

fn known(rows: &[Utterance], tasks: &Tasks) -> Vec<Utterance> {
    let rows = rows.iter();
    rows.map(|row| with_known_labels(row, tasks)).collect()
}
