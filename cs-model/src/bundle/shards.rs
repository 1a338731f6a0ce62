//! `model.safetensors.index.json`: which of several files each tensor of a model is in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::manifest::validate_file_name;
use crate::error::{Error, Result};
use crate::file;

/// The file in which Hugging Face lists weights that lie in several files.
pub(super) const SHARDS: &str = "model.safetensors.index.json";

/// The largest number of files of a model, far more than any has: each file is kept open.
const MOST_SHARDS: usize = 512;

/// The content of the list of files, as Hugging Face writes it.
#[derive(Debug, Deserialize)]
pub(crate) struct ShardList {
    /// The name of the file that each tensor is in.
    pub(crate) weight_map: BTreeMap<String, String>,
}

impl ShardList {
    /// Reads the list of files.
    ///
    /// # Errors
    /// The JSON is no such list, a file does not lie beside the list, or it names no file or too
    /// many.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let list: Self = file::parse_json(&file::read(path)?, path)?;
        for (tensor, name) in &list.weight_map {
            if validate_file_name(name).is_err() {
                let field = format!("weight_map.{tensor}");
                let expected = "the plain name of a file beside this one";
                return Err(Error::field(field, format!("{name:?}"), expected).in_file(path));
            }
        }
        let count = list.files().len();
        if (1..=MOST_SHARDS).contains(&count) {
            return Ok(list);
        }
        let expected = format!("1 to {MOST_SHARDS} files");
        Err(Error::field("weight_map", format!("{count} files"), expected).in_file(path))
    }

    /// Gives the names of the files, each once.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }
}
