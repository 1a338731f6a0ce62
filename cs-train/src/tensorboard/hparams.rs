//! [`HParams`]: a run's settings, for the HPARAMS tab.

use std::collections::BTreeMap;

use super::proto::{self, HParamsPart, JsonKind, JsonValue};
use super::record::now;
use super::summary::Summary;

/// One setting of a run.
///
/// ```
/// use cs_train::tensorboard::HParam;
/// assert_eq!(HParam::from(3e-5), HParam::Number(3e-5));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum HParam {
    /// A number.
    Number(f64),
    /// A name.
    Text(String),
    /// A switch.
    Flag(bool),
}

impl From<f64> for HParam {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for HParam {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<bool> for HParam {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

/// The settings of a run and the tags of the scalars by which runs are compared. Written once a
/// run, by [`EventWriter::hparams`](super::EventWriter::hparams): TensorBoard heeds the first ones.
///
/// ```
/// use cs_train::tensorboard::HParams;
///
/// let hparams = HParams::new(["eval/f1"]).with("lr", 3e-5).with("loss.kind", "focal");
/// assert_eq!(hparams.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HParams {
    settings: BTreeMap<String, HParam>,
    metrics: Vec<String>,
    /// Seconds since 1970.
    pub(super) began: f64,
}

impl Default for HParams {
    fn default() -> Self {
        Self {
            settings: BTreeMap::new(),
            metrics: Vec::new(),
            began: now(),
        }
    }
}

impl HParams {
    /// No settings yet; runs are compared by the scalars under the tags `metrics`.
    pub fn new<S: Into<String>>(metrics: impl IntoIterator<Item = S>) -> Self {
        Self::default().compared_by(metrics)
    }

    /// These settings, with runs compared by the scalars under these tags.
    #[must_use]
    pub fn compared_by<S: Into<String>>(mut self, metrics: impl IntoIterator<Item = S>) -> Self {
        self.metrics = metrics.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a setting, or changes it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<HParam>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// How many settings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.settings.len()
    }

    /// Whether there is no setting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// The settings and metrics there are, as TensorBoard reads them.
    pub(super) fn experiment(&self) -> Summary {
        let info = |(name, value): (&String, &HParam)| proto::HParamInfo {
            name: name.clone(),
            data_type: data_type(value),
        };
        let metric = |tag: &String| proto::MetricInfo {
            name: Some(proto::MetricName { tag: tag.clone() }),
        };
        let experiment = proto::Experiment {
            hparam_infos: self.settings.iter().map(info).collect(),
            metric_infos: self.metrics.iter().map(metric).collect(),
        };
        Summary::hparams("_hparams_/experiment", HParamsPart::Experiment(experiment))
    }

    /// This run's settings.
    pub(super) fn session_start(&self) -> Summary {
        let setting = |(name, value): (&String, &HParam)| (name.clone(), json(value));
        let start = proto::SessionStart {
            hparams: self.settings.iter().map(setting).collect(),
            start_time_secs: self.began,
        };
        Summary::hparams(
            "_hparams_/session_start_info",
            HParamsPart::SessionStart(start),
        )
    }
}

/// How this run ended.
pub(super) fn session_end(success: bool, end_time_secs: f64) -> Summary {
    let end = proto::SessionEnd {
        status: if success { 1 } else { 2 },
        end_time_secs,
    };
    Summary::hparams("_hparams_/session_end_info", HParamsPart::SessionEnd(end))
}

fn data_type(value: &HParam) -> i32 {
    match value {
        HParam::Number(number) if number.is_finite() => 3,
        HParam::Number(_) | HParam::Text(_) => 1,
        HParam::Flag(_) => 2,
    }
}

fn json(value: &HParam) -> JsonValue {
    let kind = match value {
        HParam::Number(number) if number.is_finite() => JsonKind::Number(*number),
        // JSON has no such number, and TensorBoard sends the settings of all runs as JSON.
        HParam::Number(number) => JsonKind::Text(number.to_string()),
        HParam::Text(text) => JsonKind::Text(text.clone()),
        HParam::Flag(flag) => JsonKind::Flag(*flag),
    };
    JsonValue { kind: Some(kind) }
}
