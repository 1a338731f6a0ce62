//! Quantising a decoder with a condition: an artefact is written only if the decoder foretells texts
//! about as well as in fp32.

use std::path::Path;
use std::time::Instant;

use cs_model::DecoderConfig;
use cs_model::names::TensorRole;
use serde::{Deserialize, Serialize};

use super::quantize_decoder::quantize_measured;
use crate::error::{Error, Result};
use crate::format::equalise::InputSquares;
use crate::format::scheme::QuantConfig;
use crate::runtime::causal_lm::{NativeCausalLm, measured};
use crate::runtime::config::{Precision, RuntimeConfig};

/// The most tokens of a text that are read at once: their logits are rows as wide as the vocabulary.
const WINDOW: usize = 256;

/// The conditions that a decoder's artefact must meet to be written.
///
/// The figure is what the caller's metric says, such as [`perplexity`]: above zero, and the lower the
/// better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecoderGate {
    /// The share of itself by which the figure may rise; default 0.01.
    pub max_rise: f64,
    /// How many times less time the figure must take than in fp32; not looked at by default.
    pub min_speedup: Option<f64>,
    /// Whether to keep blocks in fp32, as few as will do, when the figure rises too far; else they
    /// are only named. Off by default.
    pub auto: bool,
}

impl Default for DecoderGate {
    fn default() -> Self {
        Self {
            max_rise: 0.01,
            min_speedup: None,
            auto: false,
        }
    }
}

/// What the gate of a decoder measured and decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DecoderGateReport {
    /// The size in bytes of the weights before.
    pub bytes_before: u64,
    /// The size in bytes of the artefact; 0 if none was written.
    pub bytes_after: u64,
    /// How many times smaller the artefact is than the weights before; 0 if none was written.
    pub ratio: f64,
    /// How many times less time the figure took than in fp32.
    pub speedup: f64,
    /// The figure in fp32.
    pub metric_before: f64,
    /// The figure of the artefact.
    pub metric_after: f64,
    /// Whether the artefact was accepted, and so written.
    pub accepted: bool,
    /// The blocks that were kept in fp32 besides those of the configuration, or, if the artefact was
    /// not accepted for its figure, that should be: the fewest, the most sensitive first.
    pub keep_fp32: Vec<String>,
}

/// What quantising one block alone costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockSensitivity {
    /// The beginning of its tensors' names.
    pub block: String,
    /// The share of itself by which the figure rises.
    pub rise: f64,
}

/// Computes how surprising texts of token ids are: the exponential of the mean negative logarithm of
/// the probability of each token but the first of its window of 256 tokens.
///
/// # Errors
///
/// [`Error::Input`] for a token that is none, [`Error::Config`] if no text has two tokens.
pub fn perplexity(model: &mut NativeCausalLm, texts: &[Vec<u32>]) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for window in texts.iter().flat_map(|text| text.chunks(WINDOW)) {
        if window.len() < 2 {
            continue;
        }
        let logits = model.logits(&[window])?;
        for (row, &token) in window[1..].iter().enumerate() {
            sum += surprise(logits.row(row), token);
        }
        count += window.len() - 1;
    }
    match count {
        0 => Err(Error::config("texts", "no two tokens", "texts to foretell")),
        _ => Ok((sum / count as f64).exp()),
    }
}

/// Gives the negative logarithm of a token's probability by a row of logits.
///
/// ```
/// assert!((cs_quant::surprise(&[1.0, 1.0], 0) - 2f64.ln()).abs() < 1e-12);
/// ```
///
/// # Panics
///
/// If there is no logit for the token.
#[must_use]
pub fn surprise(logits: &[f32], token: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    sum.ln() - f64::from(logits[token as usize] - most)
}

impl DecoderGate {
    /// Quantises as [`quantize_decoder`](crate::quantize_decoder) does if the figure that `metric` gives of the result is
    /// accepted; if not, `out` stays as it was.
    ///
    /// Costs the metric twice; when blocks must be kept, once more for each block and some five times.
    ///
    /// # Errors
    ///
    /// Those of [`quantize_decoder`](crate::quantize_decoder) and of the metric; [`Error::Config`] for a `max_rise` that is not
    /// a number, or a figure in fp32 that is not above zero.
    pub fn quantize<E: From<Error>>(
        &self,
        dir: &Path,
        out: &Path,
        config: &QuantConfig,
        metric: impl FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    ) -> Result<DecoderGateReport, E> {
        if self.max_rise.is_nan() {
            return Err(Error::config("max_rise", "NaN", "a number").into());
        }
        config.validate()?;
        let mut trial = Trial::new(dir, config, metric)?;
        let mut report = self.judge(&mut trial, config)?;
        let mut config = config.clone();
        if !self.keeps(report.metric_after / report.metric_before) {
            let keep = self.fewest(&mut trial, &config)?;
            if self.auto {
                config.keep_fp32.extend(keep.iter().cloned());
                report = self.judge(&mut trial, &config)?;
            }
            report.keep_fp32 = keep;
        }
        if report.accepted {
            let written = quantize_measured(dir, out, &config, trial.measured.as_deref())?;
            report.bytes_after = written.bytes_after;
            report.ratio = written.ratio();
        }
        Ok(report)
    }

    /// Whether a figure that is so many times the one in fp32 is good enough. One that is not a number
    /// is not.
    fn keeps(&self, times: f64) -> bool {
        times <= 1.0 + self.max_rise
    }

    fn judge<E, M>(
        &self,
        trial: &mut Trial<'_, M>,
        config: &QuantConfig,
    ) -> Result<DecoderGateReport, E>
    where
        E: From<Error>,
        M: FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    {
        let after = trial.quantised(config)?;
        let before = trial.before;
        let speedup = before.seconds / after.seconds;
        let slow = self.min_speedup.is_some_and(|least| speedup < least);
        Ok(DecoderGateReport {
            bytes_before: trial.bytes,
            speedup,
            metric_before: before.figure,
            metric_after: after.figure,
            accepted: self.keeps(after.figure / before.figure) && !slow,
            ..DecoderGateReport::default()
        })
    }

    /// Finds the fewest of the most sensitive blocks that must stay in fp32, by bisection: more blocks
    /// in fp32 are taken to be no worse.
    fn fewest<E, M>(&self, trial: &mut Trial<'_, M>, config: &QuantConfig) -> Result<Vec<String>, E>
    where
        E: From<Error>,
        M: FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    {
        let order: Vec<String> = trial
            .sensitivity(config)?
            .into_iter()
            .map(|block| block.block)
            .collect();
        let (mut few, mut enough) = (0, order.len());
        while enough - few > 1 {
            let middle = few.midpoint(enough);
            let found = trial.quantised(&keeping(config, &order[..middle]))?;
            match self.keeps(found.figure / trial.before.figure) {
                true => enough = middle,
                false => few = middle,
            }
        }
        Ok(order[..enough].to_vec())
    }
}

/// Measures what quantising each block of a decoder alone costs, the most costly first: the metric
/// once for each, and once in fp32.
///
/// # Errors
///
/// Those of [`NativeCausalLm::open_quantised`] and of the metric.
pub fn block_sensitivity<E: From<Error>>(
    dir: &Path,
    config: &QuantConfig,
    metric: impl FnMut(&mut NativeCausalLm) -> Result<f64, E>,
) -> Result<Vec<BlockSensitivity>, E> {
    config.validate()?;
    Trial::new(dir, config, metric)?.sensitivity(config)
}

/// A decoder of which quantised versions are tried.
struct Trial<'a, M> {
    dir: &'a Path,
    metric: M,
    /// The size in bytes of its weights.
    bytes: u64,
    /// The beginnings of the names of its blocks' tensors.
    blocks: Vec<String>,
    /// What its blocks read, if the settings ask for it.
    measured: Option<Vec<InputSquares>>,
    before: Measured,
}

/// A figure, and the time that it took.
#[derive(Debug, Clone, Copy)]
struct Measured {
    figure: f64,
    seconds: f64,
}

impl<'a, M> Trial<'a, M> {
    fn new<E>(dir: &'a Path, config: &QuantConfig, mut metric: M) -> Result<Self, E>
    where
        E: From<Error>,
        M: FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    {
        let decoder = DecoderConfig::open(dir).map_err(Error::from)?;
        let weights = cs_model::Weights::open_folder(dir).map_err(Error::from)?;
        let fp32 = RuntimeConfig {
            precision: Precision::Fp32,
            ..RuntimeConfig::default()
        };
        let before = measure(&mut metric, &mut NativeCausalLm::open(dir, &fp32)?)?;
        if before.figure.is_nan() || before.figure <= 0.0 {
            let found = before.figure.to_string();
            return Err(Error::config("metric", found, "a figure above zero in fp32").into());
        }
        Ok(Self {
            dir,
            metric,
            bytes: weights.file_size(),
            blocks: blocks(&decoder),
            measured: measured(dir, config, &fp32)?,
            before,
        })
    }

    fn quantised<E>(&mut self, config: &QuantConfig) -> Result<Measured, E>
    where
        E: From<Error>,
        M: FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    {
        let runtime = RuntimeConfig::default();
        let mut model =
            NativeCausalLm::open_measured(self.dir, config, self.measured.as_deref(), &runtime)?;
        measure(&mut self.metric, &mut model)
    }

    fn sensitivity<E>(&mut self, config: &QuantConfig) -> Result<Vec<BlockSensitivity>, E>
    where
        E: From<Error>,
        M: FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    {
        let mut found = Vec::with_capacity(self.blocks.len());
        for block in self.blocks.clone() {
            let others = self.blocks.iter().filter(|other| **other != block);
            let others: Vec<String> = others.cloned().collect();
            let after = self.quantised(&keeping(config, &others))?;
            let rise = after.figure / self.before.figure - 1.0;
            found.push(BlockSensitivity { block, rise });
        }
        // A figure that is not a number comes first.
        found.sort_by(|a, b| b.rise.total_cmp(&a.rise));
        Ok(found)
    }
}

fn measure<E>(
    metric: &mut impl FnMut(&mut NativeCausalLm) -> Result<f64, E>,
    model: &mut NativeCausalLm,
) -> Result<Measured, E> {
    let began = Instant::now();
    let figure = metric(model)?;
    Ok(Measured {
        figure,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Gives the beginnings of the names of a decoder's blocks, in order.
fn blocks(decoder: &DecoderConfig) -> Vec<String> {
    let mut blocks = Vec::new();
    for (name, _) in decoder.tensors() {
        let Some(layer) = TensorRole::parse(&name).and_then(|tensor| tensor.layer) else {
            continue;
        };
        let number = layer.to_string();
        let mut parts: Vec<&str> = Vec::new();
        for part in name.split('.') {
            parts.push(part);
            if part == number {
                break;
            }
        }
        let block = parts.join(".");
        if !blocks.contains(&block) {
            blocks.push(block);
        }
    }
    blocks
}

fn keeping(config: &QuantConfig, blocks: &[String]) -> QuantConfig {
    let mut config = config.clone();
    config.keep_fp32.extend(blocks.iter().cloned());
    config
}
