//! Quantising with a condition: an artefact is written only if it answers as well.

use std::path::Path;

use cs_data::TokenBatch;
use cs_model::{Bundle, BundleWriter};
use serde::{Deserialize, Serialize};

use super::sensitivity::{Probe, layers, sensitivity};
use super::{QuantConfig, quantize};
use crate::config::{Precision, RuntimeConfig};
use crate::error::{QuantError, Result};
use crate::folder::{another, manifest, need_weights, staging};
use crate::native::NativeModel;
use crate::race::race;

/// Passes over the texts when time is taken.
const ROUNDS: usize = 9;

/// What an artefact must keep to be written.
///
/// ```
/// use cs_quant::{Gate, Verdict};
///
/// let gate = Gate { max_drop: 0.01, ..Gate::default() };
/// let figures = Verdict { metric_before: Some(0.90), metric_after: Some(0.88), ..Verdict::default() };
/// assert!(!gate.accepts(&figures));
/// assert!(gate.accepts(&Verdict { metric_after: Some(0.91), ..figures }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// The metric may fall by this much; default 0.005.
    pub max_drop: f64,
    /// How many times faster than fp32 it must be on this machine; not looked at by default.
    pub min_speedup: Option<f64>,
    /// Whether to keep layers in fp32, as few as will do, when the metric falls too far; else they are
    /// only named.
    pub auto: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            max_drop: 0.005,
            min_speedup: None,
            auto: false,
        }
    }
}

/// What the gate found.
///
/// ```
/// assert!(!cs_quant::Verdict::default().accepted);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Size of the fp32 weights file.
    pub bytes_before: u64,
    /// Size of the artefact.
    pub bytes_after: u64,
    /// How many times smaller that is.
    pub ratio: f64,
    /// How many times faster the texts are computed, one at a time (medians); 0 without texts.
    pub speedup: f64,
    /// The metric in fp32, if there is one.
    pub metric_before: Option<f64>,
    /// The same of the artefact.
    pub metric_after: Option<f64>,
    /// Whether it was written.
    pub accepted: bool,
    /// Layers that were kept in fp32 besides those of the configuration, or, if it was not accepted
    /// for its metric, that should be: the fewest, taken in the order of their sensitivity.
    pub keep_fp32: Vec<String>,
}

impl Gate {
    /// Whether an artefact with these figures is good enough.
    #[must_use]
    pub fn accepts(&self, figures: &Verdict) -> bool {
        self.keeps(figures.metric_before, figures.metric_after)
            && self
                .min_speedup
                .is_none_or(|least| figures.speedup >= least)
    }

    fn keeps(&self, before: Option<f64>, after: Option<f64>) -> bool {
        match (before, after) {
            (Some(before), Some(after)) => before - after <= self.max_drop,
            _ => true,
        }
    }

    /// Quantises as [`quantize`] does, and measures the result. `out` gets it if it is accepted, and
    /// stays as it was if not. `out` may not be the model's own folder.
    ///
    /// Costs the metric twice and a race over the texts; when layers must be kept, also
    /// [`sensitivity`] (without the metric) and about five metrics.
    ///
    /// # Errors
    ///
    /// As [`quantize`] and [`sensitivity`]; [`QuantError::Config`] for a `max_drop` that is no number, or
    /// for `min_speedup` without texts to time.
    pub fn quantize<E: From<QuantError>>(
        &self,
        bundle: &Bundle,
        out: &Path,
        config: &QuantConfig,
        mut probe: Probe<'_, E>,
    ) -> Result<Verdict, E> {
        self.validate(bundle, out, &probe)?;
        let staging = staging(out)?;
        let fp32 = RuntimeConfig {
            precision: Precision::Fp32,
            ..RuntimeConfig::default()
        };
        let before = NativeModel::open(bundle, &fp32)?;
        let metric_before = probe.measure(&before)?;
        let mut trial = Trial {
            gate: self,
            bundle,
            before,
            staging: staging.path(),
        };
        let verdict = trial.judge(config, metric_before, &mut probe)?;
        if self.accepts(&verdict) {
            return Ok(publish(staging.path(), out, verdict)?);
        }
        if self.keeps(verdict.metric_before, verdict.metric_after) {
            return Ok(verdict);
        }
        let keep = trial.fewest(config, metric_before, &mut probe)?;
        if !self.auto {
            return Ok(Verdict {
                keep_fp32: keep,
                ..verdict
            });
        }
        let config = keeping(config, &keep);
        let verdict = Verdict {
            keep_fp32: keep,
            ..trial.judge(&config, metric_before, &mut probe)?
        };
        if self.accepts(&verdict) {
            return Ok(publish(staging.path(), out, verdict)?);
        }
        Ok(verdict)
    }

    fn validate<E>(&self, bundle: &Bundle, out: &Path, probe: &Probe<'_, E>) -> Result<()> {
        let refuse = |setting, found: String, expected| {
            Err(QuantError::Config {
                setting,
                found,
                expected,
            })
        };
        if self.max_drop.is_nan() {
            return refuse("max_drop", self.max_drop.to_string(), "a number");
        }
        if self.min_speedup.is_some() && probe.texts.is_empty() {
            return refuse("min_speedup", "no texts".to_owned(), "texts to time");
        }
        another(bundle, out)?;
        need_weights(bundle, "fp32")
    }
}

/// One model on trial.
struct Trial<'a> {
    gate: &'a Gate,
    bundle: &'a Bundle,
    before: NativeModel,
    /// Where the artefact on trial is written.
    staging: &'a Path,
}

impl Trial<'_> {
    /// Writes the artefact to the staging folder and measures it.
    fn judge<E: From<QuantError>>(
        &mut self,
        config: &QuantConfig,
        metric_before: Option<f64>,
        probe: &mut Probe<'_, E>,
    ) -> Result<Verdict, E> {
        let report = quantize(self.bundle, self.staging, config)?;
        let quantised = Bundle::open(self.staging).map_err(QuantError::from)?;
        let after = NativeModel::open(&quantised, &RuntimeConfig::default())?;
        let mut verdict = Verdict {
            bytes_before: report.bytes_before,
            bytes_after: report.bytes_after,
            ratio: report.ratio(),
            speedup: speedup(&self.before, &after, probe.texts)?,
            metric_before,
            metric_after: probe.measure(&after)?,
            ..Verdict::default()
        };
        verdict.accepted = self.gate.accepts(&verdict);
        Ok(verdict)
    }

    /// The fewest of the most sensitive layers that must stay in fp32 for the metric's sake, by
    /// bisection: more layers in fp32 are taken to be no worse.
    fn fewest<E: From<QuantError>>(
        &self,
        config: &QuantConfig,
        metric_before: Option<f64>,
        probe: &mut Probe<'_, E>,
    ) -> Result<Vec<String>, E> {
        let mut unmeasured = Probe::<E> {
            texts: probe.texts,
            metric: None,
        };
        let order: Vec<String> = match probe.texts {
            // Nothing to compare on: the largest layers first.
            [] => largest_first(self.bundle, config),
            _ => sensitivity(self.bundle, config, &mut unmeasured)?
                .into_iter()
                .map(|layer| layer.layer)
                .collect(),
        };
        let (mut few, mut enough) = (0, order.len());
        while enough - few > 1 {
            let middle = few.midpoint(enough);
            let config = keeping(config, &order[..middle]);
            let runtime = RuntimeConfig::default();
            let model = NativeModel::open_quantised(self.bundle, &config, &runtime)?;
            let after = probe.measure(&model)?;
            if self.gate.keeps(metric_before, after) {
                enough = middle;
            } else {
                few = middle;
            }
        }
        Ok(order[..enough].to_vec())
    }
}

fn largest_first(bundle: &Bundle, config: &QuantConfig) -> Vec<String> {
    let mut layers: Vec<(String, usize)> = layers(bundle, config).into_iter().collect();
    layers.sort_by_key(|&(_, size)| std::cmp::Reverse(size));
    layers.into_iter().map(|(layer, _)| layer).collect()
}

fn keeping(config: &QuantConfig, layers: &[String]) -> QuantConfig {
    let mut config = config.clone();
    config.keep_fp32.extend(layers.iter().cloned());
    config
}

/// Median time of one text after the other, fp32 over int8.
fn speedup(before: &NativeModel, after: &NativeModel, texts: &[TokenBatch]) -> Result<f64> {
    if texts.is_empty() {
        return Ok(0.0);
    }
    let forward = |model: &NativeModel| {
        texts
            .iter()
            .try_for_each(|batch| model.forward(batch).map(drop))
    };
    let [slow, fast] = race(ROUNDS, [&mut || forward(before), &mut || forward(after)])?;
    Ok(slow / fast)
}

/// Copies the accepted bundle to its place, with the figures in its manifest.
fn publish(staging: &Path, out: &Path, verdict: Verdict) -> Result<Verdict> {
    let bundle = Bundle::open(staging)?;
    let mut manifest = manifest(&bundle);
    let mut writer = BundleWriter::new(out)?;
    for name in manifest.files.keys() {
        writer.copy_from(&bundle, name)?;
    }
    let figures = [
        ("fp32.metric", verdict.metric_before),
        ("int8.metric", verdict.metric_after),
    ];
    let figures = figures
        .into_iter()
        .filter_map(|(name, figure)| Some((name.to_owned(), figure?)));
    manifest.metrics.extend(figures);
    writer.finish(manifest)?;
    Ok(Verdict {
        accepted: true,
        ..verdict
    })
}
