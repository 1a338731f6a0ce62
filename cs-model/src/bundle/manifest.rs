//! `bundle.json`: what a bundle is, beside its weights.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::WordRule;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::EncoderConfig;
use crate::error::{Error, Result};
use crate::file;
use crate::heads::{Calibration, TaskLabels, Tasks};

/// The name of the manifest's file.
pub(crate) const MANIFEST: &str = "bundle.json";
/// The name of the file of the encoder's configuration.
pub(crate) const CONFIG: &str = "config.json";
/// The name of the tokenizer's file.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// The name of the file of the weights that are not quantised.
pub(super) const WEIGHTS: &str = "model.safetensors";
/// The newest format this crate reads, and the one it writes. Version 2 has `tasks.slot_head`,
/// which a reader of version 1 would overlook and decode a conditional random field's logits as if
/// they were a softmax's, and `calibration.slot_temperature`. Version 3 has `words`: an older
/// reader would look for tags at the first token of the pre-tokenizer's words alone.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// The content of `bundle.json`: what a bundle is, beside its weights.
///
/// ```
/// use cs_model::{Manifest, Tasks};
///
/// let mut manifest = Manifest::new(Tasks { sentiment: true, ..Tasks::default() }, 128);
/// manifest.base_model = Some("all-MiniLM-L6-v2".into());
/// manifest.metrics.insert("intent_accuracy".into(), 0.93);
/// assert_eq!((manifest.format_version, manifest.scheme.as_str()), (3, "IOB2"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the bundle's format, from 1.
    pub format_version: u32,
    /// The heads and their labels.
    pub tasks: Tasks,
    /// The scheme in which slot tags are written; always `IOB2`.
    #[serde(default = "iob2")]
    pub scheme: String,
    /// Which tokens make up a word, which has one tag. In formats 1 and 2 these are the
    /// pre-tokenizer's words.
    #[serde(default = "pre_tokenizer")]
    pub words: WordRule,
    /// The longest input in tokens, special ones included.
    pub max_length: usize,
    /// How logits become confidences.
    #[serde(default)]
    pub calibration: Calibration,
    /// The results on the evaluation data, by name.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// The model that training started from, if there was one.
    #[serde(default)]
    pub base_model: Option<String>,
    /// The licence of the weights, if it is known.
    #[serde(default)]
    pub licence: Option<String>,
    /// The fingerprint of the training data, if it is known.
    #[serde(default)]
    pub data_fingerprint: Option<String>,
    /// The settings of the training run, as the trainer wrote them.
    #[serde(default)]
    pub settings: Value,
    /// The size and sum of every other file of the bundle, by name; filled in by
    /// [`BundleWriter::finish`](crate::BundleWriter).
    pub files: BTreeMap<String, FileSum>,
}

/// The size and sum that a file of a bundle must have.
///
/// ```
/// let json = r#"{"sha256": "e3b0c442", "bytes": 0}"#;
/// let sum: cs_model::FileSum = serde_json::from_str(json)?;
/// assert_eq!(sum.bytes, 0);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// The SHA-256 of the file's content, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The size of the file in bytes.
    pub bytes: u64,
}

fn iob2() -> String {
    "IOB2".to_owned()
}

fn pre_tokenizer() -> WordRule {
    WordRule::PreTokenizer
}

impl Manifest {
    /// Makes a manifest without files, metrics and origin.
    pub fn new(tasks: Tasks, max_length: usize) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            tasks,
            scheme: iob2(),
            words: WordRule::default(),
            max_length,
            calibration: Calibration::default(),
            metrics: BTreeMap::new(),
            base_model: None,
            licence: None,
            data_fingerprint: None,
            settings: Value::Null,
            files: BTreeMap::new(),
        }
    }

    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        /// The version alone, because a newer format may differ in everything else.
        #[derive(Deserialize)]
        struct Versioned {
            format_version: u64,
        }
        let Versioned {
            format_version: found,
        } = file::parse_json(bytes, path)?;
        if !(1..=u64::from(FORMAT_VERSION)).contains(&found) {
            let path = path.to_owned();
            return Err(Error::Version {
                path,
                found,
                supported: FORMAT_VERSION,
            });
        }
        /// The labels alone, so that what is wrong with them is not reported as an error of JSON.
        #[derive(Deserialize)]
        struct Labelled {
            tasks: TaskLabels,
        }
        let Labelled { tasks } = file::parse_json(bytes, path)?;
        tasks.validate().map_err(|error| error.in_file(path))?;
        file::parse_json(bytes, path)
    }

    /// Checks every value, and the longest input against the encoder's positions.
    pub(crate) fn validate(&self, config: &EncoderConfig) -> Result<()> {
        self.tasks.validate()?;
        self.calibration.validate()?;
        if self.scheme != "IOB2" {
            return Err(Error::field(
                "scheme",
                format!("{:?}", self.scheme),
                "\"IOB2\"",
            ));
        }
        validate_length(self.max_length, config)?;
        self.files
            .keys()
            .try_for_each(|name| validate_file_name(name))
    }
}

/// Checks a longest input against the encoder's positions.
pub(crate) fn validate_length(max_length: usize, config: &EncoderConfig) -> Result<()> {
    let most = config.max_positions().unwrap_or(MOST_TOKENS);
    if (3..=most).contains(&max_length) {
        return Ok(());
    }
    Err(Error::field(
        "max_length",
        max_length,
        format!("3 to {most}"),
    ))
}

/// The longest input, in tokens, that is accepted for an encoder that sets no limit itself.
const MOST_TOKENS: usize = 1 << 20;

/// Checks that a file's name is no path: a bundle's files lie beside its `bundle.json`.
pub(crate) fn validate_file_name(name: &str) -> Result<()> {
    let plain = !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(|c: char| matches!(c, '/' | '\\' | ':') || c.is_control());
    if plain && name != MANIFEST {
        return Ok(());
    }
    Err(Error::field(
        "files",
        format!("{name:?}"),
        "plain names of files beside bundle.json",
    ))
}
