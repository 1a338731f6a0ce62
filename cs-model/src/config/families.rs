//! The families that there are. This is the only file that tells them apart.

use std::path::Path;

use serde_json::{Map, Value};

use super::architecture::Architecture;
use super::bert::BertConfig;
use super::bilstm::BiLstmConfig;
use super::family::Family;
use crate::error::{Error, Result};
use crate::file;

/// The families that are transformers, as errors list them.
pub(super) const TRANSFORMERS: &str = "bert";

/// What this crate knows of a `config.json`, by family.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Bert(BertConfig),
    BiLstm(BiLstmConfig),
}

impl Known {
    /// Reads the keys that the family named by `model_type` knows.
    pub(super) fn from_json(
        model_type: Option<&Value>,
        bytes: &[u8],
        origin: &Path,
    ) -> Result<Self> {
        Ok(match model_type.and_then(Value::as_str) {
            Some("bert") => Self::Bert(file::parse_json(bytes, origin)?),
            Some("bilstm") => Self::BiLstm(file::parse_json(bytes, origin)?),
            _ => {
                let found = model_type.map_or("missing".into(), Value::to_string);
                let error = Error::field("model_type", found, "\"bert\" or \"bilstm\"");
                return Err(error.in_file(origin));
            }
        })
    }

    /// Gives the keys that the family knows, and its name.
    pub(super) fn to_json(&self) -> Result<Map<String, Value>> {
        let value = self.family().to_json();
        let value = value.map_err(|source| Error::json(Path::new("config.json"), b"", source))?;
        let mut fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("model_type".into(), self.family().model_type().into());
        Ok(fields)
    }

    /// What the encoder is built as.
    pub(super) fn architecture(&self) -> Architecture<'_> {
        match self {
            Self::Bert(config) => Architecture::Transformer(config.stack()),
            Self::BiLstm(config) => Architecture::BiLstm(config),
        }
    }

    pub(super) fn family(&self) -> &dyn Family {
        match self {
            Self::Bert(config) => config,
            Self::BiLstm(config) => config,
        }
    }

    pub(super) fn family_mut(&mut self) -> &mut dyn Family {
        match self {
            Self::Bert(config) => config,
            Self::BiLstm(config) => config,
        }
    }
}
