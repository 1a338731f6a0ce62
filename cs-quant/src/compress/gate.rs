//! Quantising with a condition: an artefact is written only if it answers about as well as the
//! fp32 model.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::TokenBatch;
use cs_model::{Bundle, BundleWriter};
use serde::{Deserialize, Serialize};

use super::edited::{manifest, refuse_own_folder, staging};
use super::quantize::quantize;
use super::sensitivity::{Figures, Probe, layers, sensitivity};
use super::timing::time_in_turn;
use crate::error::{Error, Result};
use crate::format::scheme::QuantConfig;
use crate::format::source::require_fp32;
use crate::runtime::config::{Precision, RuntimeConfig};
use crate::runtime::model::NativeModel;

/// The number of passes over the texts when time is taken.
const ROUNDS: usize = 9;

/// The conditions that an artefact must meet to be written.
///
/// ```
/// use cs_quant::{Gate, GateReport, HeadFigures};
///
/// let gate = Gate { max_drop: 0.01, ..Gate::default() };
/// let of = |before, after| HeadFigures { before, after };
/// let (kept, lost) = (of(0.80, 0.85), of(0.90, 0.88));
/// let report = |heads| GateReport { heads, ..GateReport::default() };
/// assert!(gate.accepts(&report([("intent".into(), kept)].into())));
/// // What one head gains does not make up for what another loses.
/// assert!(!gate.accepts(&report([("intent".into(), kept), ("slots".into(), lost)].into())));
/// // Nothing that was judged is nothing that passed.
/// assert!(!gate.accepts(&GateReport::default()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// How much the figure of each head may fall; default 0.005.
    pub max_drop: f64,
    /// How many times faster than fp32 the artefact must be on this machine; not looked at by
    /// default.
    pub min_speedup: Option<f64>,
    /// Whether to keep layers in fp32, as few as will do, when a figure falls too far; else they
    /// are only named. Off by default.
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

/// What the gate measured and decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GateReport {
    /// The size in bytes of the fp32 weights file.
    pub bytes_before: u64,
    /// The size in bytes of the artefact.
    pub bytes_after: u64,
    /// How many times smaller the artefact is than the fp32 weights file.
    pub ratio: f64,
    /// How many times faster the artefact computes the texts, one at a time (medians); 0 without
    /// texts.
    pub speedup: f64,
    /// The mean of the heads' figures in fp32; `None` without heads.
    pub metric_before: Option<f64>,
    /// The mean of the heads' figures of the artefact; `None` without heads.
    pub metric_after: Option<f64>,
    /// The figures of each head, which are what is judged.
    pub heads: BTreeMap<String, HeadFigures>,
    /// Whether the artefact was accepted, and so written.
    pub accepted: bool,
    /// The layers that were kept in fp32 besides those of the configuration, or, if the artefact
    /// was not accepted for a figure, that should be: the fewest, taken in the order of their
    /// sensitivity.
    pub keep_fp32: Vec<String>,
}

/// A head's figure before and after quantising.
///
/// ```
/// let figures = cs_quant::HeadFigures { before: 0.93, after: 0.91 };
/// assert!((figures.drop() - 0.02).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HeadFigures {
    /// The head's figure in fp32.
    pub before: f64,
    /// The head's figure of the artefact.
    pub after: f64,
}

impl HeadFigures {
    /// Gives how much of the figure is lost; negative if it rose.
    #[must_use]
    pub fn drop(&self) -> f64 {
        self.before - self.after
    }
}

impl Gate {
    /// Whether an artefact with these figures is good enough: no head's figure falls too far, it is
    /// fast enough, and at least one of figures and speed was judged.
    #[must_use]
    pub fn accepts(&self, report: &GateReport) -> bool {
        let judged = !report.heads.is_empty() || self.min_speedup.is_some();
        let slow = self.min_speedup.is_some_and(|least| report.speedup < least);
        judged && self.keeps(&report.heads) && !slow
    }

    /// Whether no figure falls too far. One that is not a number does.
    fn keeps(&self, heads: &BTreeMap<String, HeadFigures>) -> bool {
        heads
            .values()
            .all(|figures| figures.drop() <= self.max_drop)
    }

    /// Quantises as [`quantize`] does, and measures the result. `out` gets it if it is accepted,
    /// and stays as it was if not. `out` may not be the model's own folder.
    ///
    /// Costs the metric twice and the time of the texts; when layers must be kept, also
    /// [`sensitivity`] (without the metric) and about five metrics.
    ///
    /// # Errors
    ///
    /// Those of [`quantize`] and [`sensitivity`]; [`Error::Config`] for a `max_drop` that is not a
    /// number, for `min_speedup` without texts to time, or if there is nothing to judge by;
    /// [`Error::Unjudged`] for a head that the metric has no figure for.
    pub fn quantize<E: From<Error>>(
        &self,
        bundle: &Bundle,
        out: &Path,
        config: &QuantConfig,
        mut probe: Probe<'_, E>,
    ) -> Result<GateReport, E> {
        self.validate(bundle, out, &probe)?;
        let staging = staging(out)?;
        let fp32 = RuntimeConfig {
            precision: Precision::Fp32,
            ..RuntimeConfig::default()
        };
        let fp32 = NativeModel::open(bundle, &fp32)?;
        let mut trial = Trial {
            gate: self,
            bundle,
            before: judged(bundle, probe.measure(&fp32)?)?,
            fp32,
            staging: staging.path(),
        };
        let report = trial.judge(config, &mut probe)?;
        if self.accepts(&report) {
            return Ok(publish(staging.path(), out, report)?);
        }
        if self.keeps(&report.heads) {
            return Ok(report);
        }
        let keep = trial.fewest(config, &mut probe)?;
        if !self.auto {
            return Ok(GateReport {
                keep_fp32: keep,
                ..report
            });
        }
        let config = keeping(config, &keep);
        let report = GateReport {
            keep_fp32: keep,
            ..trial.judge(&config, &mut probe)?
        };
        if self.accepts(&report) {
            return Ok(publish(staging.path(), out, report)?);
        }
        Ok(report)
    }

    fn validate<E>(&self, bundle: &Bundle, out: &Path, probe: &Probe<'_, E>) -> Result<()> {
        if self.max_drop.is_nan() {
            let found = self.max_drop.to_string();
            return Err(Error::config("max_drop", found, "a number"));
        }
        if self.min_speedup.is_some() && probe.texts.is_empty() {
            return Err(Error::config("min_speedup", "no texts", "texts to time"));
        }
        if probe.metric.is_none() && (self.min_speedup.is_none() || !bundle.tasks().is_empty()) {
            let expected = "a figure for each head to judge by";
            return Err(Error::config("metric", "none", expected));
        }
        refuse_own_folder(bundle, out)?;
        require_fp32(bundle, "fp32")
    }
}

/// Gives the figures, if there is one for each head.
fn judged(bundle: &Bundle, figures: Option<Figures>) -> Result<Figures> {
    let figures = figures.unwrap_or_default();
    let judged = |head: &&str| figures.get(*head).is_some_and(|figure| !figure.is_nan());
    match bundle
        .tasks()
        .heads()
        .into_iter()
        .find(|head| !judged(head))
    {
        None => Ok(figures),
        Some(head) => Err(Error::Unjudged {
            path: bundle.dir().to_owned(),
            head,
        }),
    }
}

/// A model of which quantised versions are tried.
struct Trial<'a> {
    gate: &'a Gate,
    bundle: &'a Bundle,
    fp32: NativeModel,
    /// The figures of the model in fp32.
    before: Figures,
    /// The folder in which the artefact on trial is written.
    staging: &'a Path,
}

impl Trial<'_> {
    /// Writes the artefact to the staging folder and measures it.
    fn judge<E: From<Error>>(
        &mut self,
        config: &QuantConfig,
        probe: &mut Probe<'_, E>,
    ) -> Result<GateReport, E> {
        let sizes = quantize(self.bundle, self.staging, config)?;
        let quantised = Bundle::open(self.staging).map_err(Error::from)?;
        let after = NativeModel::open(&quantised, &RuntimeConfig::default())?;
        let heads = self.compare(probe.measure(&after)?);
        let mut report = GateReport {
            bytes_before: sizes.bytes_before,
            bytes_after: sizes.bytes_after,
            ratio: sizes.ratio(),
            speedup: speedup(&self.fp32, &after, probe.texts)?,
            metric_before: mean(heads.values().map(|figures| figures.before)),
            metric_after: mean(heads.values().map(|figures| figures.after)),
            heads,
            ..GateReport::default()
        };
        report.accepted = self.gate.accepts(&report);
        Ok(report)
    }

    /// Compares the figures. A head without a figure after quantising gets one that cannot be
    /// accepted.
    fn compare(&self, after: Option<Figures>) -> BTreeMap<String, HeadFigures> {
        let after = after.unwrap_or_default();
        let figures = |(head, &before): (&String, &f64)| {
            let after = after.get(head).copied().unwrap_or(f64::NAN);
            (head.clone(), HeadFigures { before, after })
        };
        self.before.iter().map(figures).collect()
    }

    /// Finds the fewest of the most sensitive layers that must stay in fp32 for the figures' sake,
    /// by bisection: more layers in fp32 are taken to be no worse.
    fn fewest<E: From<Error>>(
        &self,
        config: &QuantConfig,
        probe: &mut Probe<'_, E>,
    ) -> Result<Vec<String>, E> {
        let mut unmeasured = Probe::<E> {
            texts: probe.texts,
            metric: None,
        };
        let order: Vec<String> = match probe.texts {
            // There is nothing to compare by: the largest layers come first.
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
            let heads = self.compare(probe.measure(&model)?);
            if self.gate.keeps(&heads) {
                enough = middle;
            } else {
                few = middle;
            }
        }
        Ok(order[..enough].to_vec())
    }
}

fn mean(figures: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = figures.len();
    (count > 0).then(|| figures.sum::<f64>() / count as f64)
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

/// Measures the median time of one text after the other, and gives that of fp32 over that of int8.
fn speedup(before: &NativeModel, after: &NativeModel, texts: &[TokenBatch]) -> Result<f64> {
    if texts.is_empty() {
        return Ok(0.0);
    }
    let runners: [&mut dyn FnMut() -> Result<()>; 2] =
        [&mut || forward_each(before, texts), &mut || {
            forward_each(after, texts)
        }];
    let [slow, fast] = time_in_turn(ROUNDS, runners)?;
    Ok(slow / fast)
}

fn forward_each(model: &NativeModel, texts: &[TokenBatch]) -> Result<()> {
    let mut batches = texts.iter();
    batches.try_for_each(|batch| model.forward(batch).map(drop))
}

/// Copies the accepted bundle to `out`, with the figures in its manifest.
fn publish(staging: &Path, out: &Path, report: GateReport) -> Result<GateReport> {
    let bundle = Bundle::open(staging)?;
    let mut manifest = manifest(&bundle);
    let mut writer = BundleWriter::new(out)?;
    for name in manifest.files.keys() {
        writer.copy_from(&bundle, name)?;
    }
    for (head, figures) in &report.heads {
        let both = [("fp32", figures.before), ("int8", figures.after)];
        let named = both.map(|(precision, figure)| (format!("{precision}.{head}"), figure));
        manifest.metrics.extend(named);
    }
    writer.finish(manifest)?;
    Ok(GateReport {
        accepted: true,
        ..report
    })
}
