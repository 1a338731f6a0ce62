//! A `config.json` as a whole: what its family knows, and what else it says.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::family::{Facts, Family};
use crate::error::{Error, Result};
use crate::file;

/// The families of which a `config.json` may be.
pub(super) trait Known: Serialize + Sized {
    /// The names of the families, as errors list them.
    const NAMES: &str;
    /// Reads the keys that the family of this name knows; `None` if there is no such family.
    fn read(model_type: &str, bytes: &[u8], origin: &Path) -> Result<Option<Self>>;
    /// The part that the family knows.
    fn family(&self) -> &dyn Family;
    /// Lists name and shape of every tensor, in order of use.
    fn tensors(&self) -> Vec<(String, Vec<usize>)>;
}

/// What a family knows of a `config.json`, and the keys that this crate does not use.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfigFile<K> {
    pub(super) known: K,
    pub(super) extra: Map<String, Value>,
}

impl<K: Known> ConfigFile<K> {
    pub(super) fn new(known: K) -> Self {
        let extra = Map::new();
        Self { known, extra }
    }

    pub(super) fn facts(&self) -> Facts {
        self.known.family().facts()
    }

    /// Reads and validates a `config.json`; `origin` is the name that errors give it.
    pub(super) fn from_json(bytes: &[u8], origin: &Path) -> Result<Self> {
        let mut extra: Map<String, Value> = file::parse_json(bytes, origin)?;
        let model_type = extra.get("model_type");
        let known = match model_type.and_then(Value::as_str) {
            Some(name) => K::read(name, bytes, origin)?,
            None => None,
        };
        let known = known.ok_or_else(|| {
            let found = model_type.map_or("missing".into(), Value::to_string);
            Error::field("model_type", found, K::NAMES).in_file(origin)
        })?;
        for key in fields(&known)?.keys() {
            extra.remove(key);
        }
        let config = Self { known, extra };
        config.validate().map_err(|error| error.in_file(origin))?;
        Ok(config)
    }

    /// Writes the `config.json`, with the keys that this crate does not use.
    pub(super) fn to_json(&self) -> Result<Vec<u8>> {
        let mut all = self.extra.clone();
        all.extend(fields(&self.known)?);
        let mut json = serde_json::to_vec_pretty(&all).map_err(unwritable)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Checks sizes and rates, and that the tensors can be held.
    pub(super) fn validate(&self) -> Result<()> {
        self.known.family().validate(&self.extra)?;
        let mut shapes = self.known.tensors().into_iter().map(|(_, shape)| shape);
        let numbers = shapes.try_fold(0usize, |sum, shape| {
            let count = shape
                .iter()
                .try_fold(1usize, |count, &size| count.checked_mul(size));
            sum.checked_add(count?)
                .filter(|&sum| sum <= MOST_PARAMETERS)
        });
        let expected = "at most 16 billion parameters";
        match numbers {
            Some(_) => Ok(()),
            None => Err(Error::field("the sizes' product", "too large", expected)),
        }
    }
}

/// Gives the keys that the family knows, and its name.
fn fields(known: &impl Known) -> Result<Map<String, Value>> {
    let mut fields = match serde_json::to_value(known).map_err(unwritable)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert(
        "model_type".into(),
        known.family().facts().model_type.into(),
    );
    Ok(fields)
}

fn unwritable(source: serde_json::Error) -> Error {
    Error::json(Path::new("config.json"), b"", source)
}

/// The largest number of parameters: 64 GiB of f32, or what a narrow machine can address. A file
/// that claims more is damaged.
const MOST_PARAMETERS: usize = if usize::BITS >= 64 {
    16 << 30
} else {
    usize::MAX / 8
};
