//! What a sentence-transformers folder states beside its encoder: pooling, longest input, prompts.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::file;
use crate::heads::Pooling;

const MODULES: &str = "modules.json";
pub(crate) const LIMITS: &str = "sentence_bert_config.json";
const POOLING: &str = "1_Pooling/config.json";

/// What a plain folder states about sentences.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sentence {
    pub(crate) pooling: Pooling,
    /// The longest input in tokens, special ones included.
    pub(crate) max_length: Option<usize>,
    /// Whether texts are to be lower-cased.
    pub(crate) lower_case: bool,
}

impl Sentence {
    /// Reads `sentence_bert_config.json` and `1_Pooling/config.json`, whichever are there, for an
    /// encoder of width `hidden`. A pooling this crate does not have is left to [`check_pooling`]:
    /// training heads on the encoder does not need it.
    ///
    /// # Errors
    /// A file does not parse, or states a length that cannot be.
    pub(crate) fn open(dir: &Path, hidden: usize) -> Result<Self> {
        let limits: Limits = read(&dir.join(LIMITS))?.unwrap_or_default();
        if let Some(length) = limits.max_seq_length.filter(|&length| length < 3) {
            let error = Error::field("max_seq_length", length, "at least 3");
            return Err(error.in_file(&dir.join(LIMITS)));
        }
        Ok(Self {
            pooling: open_pooling(dir, hidden).unwrap_or_default(),
            max_length: limits.max_seq_length,
            lower_case: limits.do_lower_case,
        })
    }
}

/// Refuses a folder whose vectors are made in a way this crate does not have.
///
/// # Errors
/// A file does not parse, or names a module or a pooling that this crate does not have.
pub(crate) fn check_pooling(dir: &Path, hidden: usize) -> Result<()> {
    check_modules(dir)?;
    open_pooling(dir, hidden).map(drop)
}

fn open_pooling(dir: &Path, hidden: usize) -> Result<Pooling> {
    let path = dir.join(POOLING);
    match read::<Map<String, Value>>(&path)? {
        Some(config) => pooling(&config, hidden).map_err(|error| error.in_file(&path)),
        None => Ok(Pooling::default()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

#[derive(Debug, Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Refuses modules that would change the vectors. (Bringing them to length 1 is the reader's
/// choice.)
fn check_modules(dir: &Path) -> Result<()> {
    const KNOWN: [(&str, &str); 3] = [
        ("Transformer", ""),
        ("Pooling", "1_Pooling"),
        ("Normalize", "2_Normalize"),
    ];
    let path = dir.join(MODULES);
    let modules: Vec<Module> = read(&path)?.unwrap_or_default();
    for (i, module) in modules.iter().enumerate() {
        let kind = module.kind.rsplit('.').next().unwrap_or_default();
        let known = KNOWN.iter().find(|(known, _)| *known == kind);
        let Some((_, place)) = known else {
            let expected = "sentence_transformers.models.Transformer, Pooling or Normalize";
            let error = Error::field(
                format!("[{i}].type"),
                format!("{:?}", module.kind),
                expected,
            );
            return Err(error.in_file(&path));
        };
        if kind != "Normalize" && module.path != *place {
            let found = format!("{:?}", module.path);
            let error = Error::field(format!("[{i}].path"), found, format!("{place:?}"));
            return Err(error.in_file(&path));
        }
    }
    Ok(())
}

/// Gives the one pooling that a `1_Pooling/config.json` switches on.
fn pooling(config: &Map<String, Value>, hidden: usize) -> Result<Pooling> {
    const EXPECTED: &str = "one of mean, cls and max";
    if config.get("include_prompt") == Some(&Value::Bool(false)) {
        return Err(Error::field("include_prompt", false, "true"));
    }
    if let Some(width) = config.get("word_embedding_dimension")
        && width.as_u64() != Some(hidden as u64)
    {
        let expected = format!("{hidden}, the encoder's width");
        return Err(Error::field("word_embedding_dimension", width, expected));
    }
    let on = |(key, value): (&String, &Value)| {
        let mode = key.strip_prefix("pooling_mode_")?;
        let mode = mode.strip_suffix("_tokens").or(mode.strip_suffix("_token"));
        (value == &Value::Bool(true))
            .then(|| mode.unwrap_or(&key["pooling_mode_".len()..]).to_owned())
    };
    let mut modes: Vec<String> = config.iter().filter_map(on).collect();
    match config.get("pooling_mode") {
        Some(Value::String(mode)) => modes.push(mode.clone()),
        Some(Value::Array(all)) => modes.extend(all.iter().map(|mode| match mode {
            Value::String(mode) => mode.clone(),
            other => other.to_string(),
        })),
        Some(other) => return Err(Error::field("pooling_mode", other, EXPECTED)),
        None => {}
    }
    modes.dedup();
    match modes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mean"] => Ok(Pooling::Mean),
        ["cls"] => Ok(Pooling::Cls),
        ["max"] => Ok(Pooling::Max),
        [] => Err(Error::field("pooling_mode", "missing", EXPECTED)),
        _ => Err(Error::field("pooling_mode", modes.join(" and "), EXPECTED)),
    }
}

/// The texts that a model expects in front of an input, by name.
///
/// ```
/// let prompts = cs_model::Prompts {
///     prompts: [("query".to_owned(), "query: ".to_owned())].into(),
///     default_prompt_name: None,
/// };
/// assert_eq!(prompts.get("query"), Some("query: "));
/// assert_eq!(prompts.default_prompt(), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Prompts {
    /// The prompts by name.
    #[serde(deserialize_with = "or_default")]
    pub prompts: BTreeMap<String, String>,
    /// The name of the prompt that is taken where none is asked for.
    pub default_prompt_name: Option<String>,
}

impl Prompts {
    /// Gives the prompt of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.prompts.get(name).map(String::as_str)
    }

    /// Gives the prompt that is taken where none is asked for.
    pub fn default_prompt(&self) -> Option<&str> {
        self.get(self.default_prompt_name.as_deref()?)
    }

    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let read: Self = file::parse_json(bytes, path)?;
        match &read.default_prompt_name {
            Some(name) if read.get(name).is_none() => {
                let known: Vec<&str> = read.prompts.keys().map(String::as_str).collect();
                let expected = format!("one of prompts: {}", known.join(", "));
                let error = Error::field("default_prompt_name", format!("{name:?}"), expected);
                Err(error.in_file(path))
            }
            _ => Ok(read),
        }
    }
}

/// Reads `null` as the default.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads the content of a JSON file; `None` if there is no such file.
fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match path.exists() {
        true => file::parse_json(&file::read(path)?, path).map(Some),
        false => Ok(None),
    }
}
