//! What a checkpoint says besides its tensors: `state.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::schedule::{LossScaler, TrainConfig};
use crate::torch::objective::{Identity, Validation};

/// The newest format this crate reads, and the one it writes.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// From which one on a checkpoint says which validation rows and which teacher its run had.
const WHOLE_IDENTITY: u32 = 2;

/// Settings that say when to write what, and do not change the weights.
const FREE: [&str; 2] = ["checkpoint_every", "keep_checkpoints"];

/// A run after some of its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) format_version: u32,
    pub(crate) identity: Identity,
    /// The [`TrainConfig`] as JSON; another version's may have other fields.
    pub(crate) config: Value,
    #[serde(flatten)]
    pub(crate) progress: Progress,
    /// How often each parameter with moments was moved.
    pub(crate) moments: BTreeMap<String, i32>,
    /// SHA-256 of the tensors.
    pub(crate) sha256: String,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Optimiser steps taken.
    pub(crate) step: usize,
    /// Steps taken at the last evaluation.
    pub(crate) evaluated: usize,
    /// Steps that changed nothing, for an overflow.
    pub(crate) skipped: usize,
    /// The loss scale of a run in fp16.
    pub(crate) scaler: Option<LossScaler>,
    /// The best figure that early stopping knows, and epochs since then.
    pub(crate) stopping: (Option<Exact>, usize),
    /// The best figure of the epoch so far.
    pub(crate) epoch_best: Option<Exact>,
    pub(crate) best: Option<Best>,
    pub(crate) stopped_early: bool,
}

/// The best weights so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) step: usize,
    /// SHA-256 of the tensors.
    pub(crate) sha256: String,
    metric: Exact,
    ties: Vec<Exact>,
    figures: BTreeMap<String, Exact>,
}

impl Best {
    pub(crate) fn new(step: usize, sha256: String, scores: &Validation) -> Self {
        let figures = scores.figures.iter();
        Self {
            step,
            sha256,
            metric: Exact(scores.metric),
            ties: scores.ties.iter().copied().map(Exact).collect(),
            figures: figures.map(|(name, &x)| (name.clone(), Exact(x))).collect(),
        }
    }

    pub(crate) fn scores(&self) -> Validation {
        let figures = self.figures.iter();
        Validation {
            metric: self.metric.0,
            ties: self.ties.iter().map(|x| x.0).collect(),
            figures: figures.map(|(name, x)| (name.clone(), x.0)).collect(),
            ..Validation::default()
        }
    }
}

/// A number that comes back to the bit, NaN and infinities included: a text in JSON, since a JSON
/// number may do neither.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Exact(pub(crate) f64);

impl From<Exact> for String {
    fn from(number: Exact) -> Self {
        // The shortest text that reads as the same number.
        format!("{:?}", number.0)
    }
}

impl TryFrom<String> for Exact {
    type Error = std::num::ParseFloatError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl State {
    /// Reads a `state.json`.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        /// A newer format may differ in everything else.
        #[derive(Deserialize)]
        struct Versioned {
            format_version: u64,
        }
        let versioned: Versioned = read(bytes, path)?;
        if !(1..=u64::from(FORMAT_VERSION)).contains(&versioned.format_version) {
            return Err(Error::Checkpoint {
                path: path.to_owned(),
                found: format!("format version {}", versioned.format_version),
                expected: format!("version 1 to {FORMAT_VERSION}"),
            });
        }
        read(bytes, path)
    }

    /// Checks that the checkpoint is one of this very run; the error names what differs.
    pub(crate) fn check(
        &self,
        identity: &Identity,
        config: &TrainConfig,
        path: &Path,
    ) -> Result<()> {
        let (ours, theirs) = (identity, &self.identity);
        let told = self.format_version >= WHOLE_IDENTITY;
        for (what, found, expected, told) in [
            ("objective", &theirs.objective, &ours.objective, true),
            ("model", &theirs.model, &ours.model, true),
            ("training data", &theirs.data, &ours.data, true),
            (
                "validation data",
                &theirs.validation,
                &ours.validation,
                told,
            ),
            ("teacher", &theirs.teacher, &ours.teacher, told),
        ] {
            if told && found != expected {
                return Err(Error::Mismatch {
                    path: path.to_owned(),
                    what: what.to_owned(),
                    found: shown(found),
                    expected: shown(expected),
                });
            }
        }
        check_config(&self.config, config, path)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::Checkpoint {
        path: path.to_owned(),
        found: error.to_string(),
        expected: "the state of a run".into(),
    })
}

fn shown(text: &str) -> String {
    match text {
        "" => "none".to_owned(),
        text => text.to_owned(),
    }
}

/// Checks that a run had these settings, as far as they change the weights; the error names what
/// differs.
pub(crate) fn check_config(recorded: &Value, config: &TrainConfig, path: &Path) -> Result<()> {
    let ours = config_value(config)?;
    let (found, expected) = (flat(recorded), flat(&ours));
    for name in found.keys().chain(expected.keys()) {
        let (found, expected) = (found.get(name).copied(), expected.get(name).copied());
        if found != expected && !FREE.contains(&name.as_str()) {
            let text = |value: Option<&Value>| value.map_or("absent".into(), Value::to_string);
            return Err(Error::Mismatch {
                path: path.to_owned(),
                what: name.clone(),
                found: text(found),
                expected: text(expected),
            });
        }
    }
    Ok(())
}

/// The settings as they come back from a file: a number's last bit may differ from the one written.
pub(crate) fn config_value(config: &TrainConfig) -> Result<Value> {
    let text = serde_json::to_string(config).and_then(|text| serde_json::from_str(&text));
    text.map_err(|error| Error::Config {
        field: "config",
        value: error.to_string(),
        expected: "settings that JSON can hold",
    })
}

/// The leaves of nested objects by dotted name.
fn flat(value: &Value) -> BTreeMap<String, &Value> {
    let mut leaves = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((name, value)) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(fields.iter().map(|(key, value)| {
                let dot = if name.is_empty() { "" } else { "." };
                (format!("{name}{dot}{key}"), value)
            })),
            _ => {
                leaves.insert(name, value);
            }
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_to_the_bit() {
        for number in [0.1 + 0.2, f64::NEG_INFINITY, -0.0, 1e-320, f64::MAX] {
            let text = serde_json::to_string(&Exact(number)).unwrap();
            let again: Exact = serde_json::from_str(&text).unwrap();
            assert_eq!(again.0.to_bits(), number.to_bits(), "{text}");
        }
        let nan: Exact = serde_json::from_str("\"NaN\"").unwrap();
        assert!(nan.0.is_nan());
    }

    #[test]
    fn what_differs_is_named() {
        let config = TrainConfig::default();
        let identity = Identity::default();
        let state = State {
            format_version: FORMAT_VERSION,
            identity: identity.clone(),
            config: config_value(&config).unwrap(),
            progress: Progress::default(),
            moments: BTreeMap::new(),
            sha256: String::new(),
        };
        let check = |identity: &Identity, change: fn(&mut TrainConfig)| {
            let mut config = config.clone();
            change(&mut config);
            let error = state.check(identity, &config, Path::new("c"));
            error.err().map(|error| error.to_string())
        };
        assert_eq!(check(&identity, |_| ()), None);
        assert_eq!(check(&identity, |c| c.checkpoint_every = 7), None);
        assert_eq!(
            check(&identity, |c| c.loss.r_drop = 1.0).unwrap(),
            "c: the checkpoint's loss.r_drop is 0.0, this run's is 1.0"
        );
        let other = |change: fn(&mut Identity)| {
            let mut identity = identity.clone();
            change(&mut identity);
            check(&identity, |_| ()).unwrap()
        };
        assert!(other(|i| i.data = "x".into()).contains("training data"));
        assert_eq!(
            other(|i| i.validation = "x".into()),
            "c: the checkpoint's validation data is none, this run's is x"
        );
        assert!(other(|i| i.teacher = "x".into()).contains("teacher"));

        // A checkpoint of before does not say.
        let json = serde_json::to_value(&state).unwrap();
        let old = json
            .to_string()
            .replace("\"format_version\":2", "\"format_version\":1");
        let old = State::parse(old.as_bytes(), Path::new("c")).unwrap();
        let newer = Identity {
            validation: "x".into(),
            teacher: "y".into(),
            ..Identity::default()
        };
        assert!(old.check(&newer, &config, Path::new("c")).is_ok());
    }
}
