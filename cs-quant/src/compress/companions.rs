//! The files beside a checkpoint that other libraries read, some of which have token ids in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use cs_model::Bundle;
use serde_json::{Map, Value};

use super::kept_tokens::KeptTokens;
use crate::error::{Error, Result};

/// The names of the files that every writer of a model writes anew.
const MODEL: [&str; 4] = [
    "config.json",
    "tokenizer.json",
    Bundle::WEIGHTS,
    Bundle::INT8_WEIGHTS,
];
/// The files of a tokenizer that `transformers` reads, in which token ids are numbered anew.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const ADDED_TOKENS: &str = "added_tokens.json";
/// The other files that `transformers` and `sentence-transformers` read.
const COPIED: [&str; 4] = [
    "special_tokens_map.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
];
/// The files in the folders that `modules.json` names: pooling, and a layer after it.
const MODULE_FILES: [&str; 2] = ["config.json", "model.safetensors"];

/// The files beside a model's own.
#[derive(Debug, Default)]
pub(crate) struct Companions {
    files: BTreeMap<String, Vec<u8>>,
    pub(crate) left_out: Vec<String>,
}

impl Companions {
    /// Reads the files that belong to the model: those that `bundle.json` lists or, without one,
    /// those with a known name.
    pub(crate) fn read(bundle: &Bundle) -> Result<Self> {
        let mut found = Self::default();
        if let Some(manifest) = bundle.manifest() {
            for name in manifest.files.keys().filter(|name| !is_model(name)) {
                found.files.insert(name.clone(), bundle.read(name)?);
            }
            return Ok(found);
        }
        let dir = bundle.dir();
        for entry in std::fs::read_dir(dir).map_err(Error::io(dir))? {
            let name = entry.map_err(Error::io(dir))?.file_name();
            let name = name.to_string_lossy().into_owned();
            let known = [TOKENIZER_CONFIG, ADDED_TOKENS];
            if known.contains(&&*name) || COPIED.contains(&&*name) {
                found.files.insert(name.clone(), bundle.read(&name)?);
            } else if !is_model(&name) && !is_shard(&name) {
                found.left_out.push(name);
            }
        }
        found.read_modules(dir)?;
        found.left_out.sort_unstable();
        Ok(found)
    }

    fn read_modules(&mut self, dir: &Path) -> Result<()> {
        let modules = self.json("modules.json").unwrap_or_default();
        let paths = modules.as_array().into_iter().flatten();
        for folder in paths.filter_map(|module| module["path"].as_str()) {
            if !is_name(folder) {
                continue;
            }
            for file in MODULE_FILES {
                let path = dir.join(folder).join(file);
                if path.is_file() {
                    let content = std::fs::read(&path).map_err(Error::io(&path))?;
                    self.files.insert(format!("{folder}/{file}"), content);
                    self.left_out.retain(|name| name != folder);
                }
            }
        }
        Ok(())
    }

    /// Gives the ids that the files name.
    pub(crate) fn ids(&self) -> BTreeSet<u32> {
        let decoder = self.json(TOKENIZER_CONFIG).unwrap_or_default();
        let decoder = decoder["added_tokens_decoder"].as_object();
        let keys = decoder.into_iter().flat_map(Map::keys);
        let added = self.json(ADDED_TOKENS).unwrap_or_default();
        let added = added.as_object().into_iter().flat_map(Map::values);
        keys.filter_map(|id| id.parse().ok())
            .chain(added.filter_map(number))
            .collect()
    }

    /// Gives the files' names and contents, with the ids that there are after trimming.
    pub(crate) fn files(&self, rows: &KeptTokens) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut files = self.files.clone();
        if let Some(mut config) = self.json(TOKENIZER_CONFIG)
            && let Some(decoder) = config["added_tokens_decoder"].as_object_mut()
        {
            let tokens = std::mem::take(decoder).into_iter();
            decoder.extend(tokens.filter_map(|(id, token)| {
                let id = rows.id(id.parse().ok()?)?;
                Some((id.to_string(), token))
            }));
            files.insert(TOKENIZER_CONFIG.into(), pretty(&config));
        }
        if let Some(mut added) = self.json(ADDED_TOKENS)
            && let Some(tokens) = added.as_object_mut()
        {
            for id in tokens.values_mut() {
                if let Some(new) = number(id).and_then(|id| rows.id(id)) {
                    *id = new.into();
                }
            }
            files.insert(ADDED_TOKENS.into(), pretty(&added));
        }
        Ok(files)
    }

    /// Reads a JSON file; one that is not there or does not parse names no ids.
    fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(self.files.get(name)?).ok()
    }
}

/// Calls `f` with each id that a configuration has under a name like `eos_token_id`, and replaces
/// the id by what `f` returns.
pub(crate) fn each_token_id(config: &mut Value, f: &mut dyn FnMut(u32) -> Option<u32>) {
    let Some(fields) = config.as_object_mut() else {
        return;
    };
    for (_, value) in fields
        .iter_mut()
        .filter(|(key, _)| key.ends_with("token_id"))
    {
        let ids = match value {
            Value::Array(ids) => &mut ids[..],
            id => std::slice::from_mut(id),
        };
        for id in ids {
            if let Some(new) = number(id).and_then(&mut *f) {
                *id = new.into();
            }
        }
    }
}

fn number(id: &Value) -> Option<u32> {
    u32::try_from(id.as_u64()?).ok()
}

fn is_model(name: &str) -> bool {
    MODEL.contains(&name)
}

/// Whether a file is a part of weights in several files, or their list.
fn is_shard(name: &str) -> bool {
    name.starts_with("model") && name.contains(".safetensors")
}

/// Whether a path is the name of a folder beside the file that names it.
fn is_name(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    )
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}
