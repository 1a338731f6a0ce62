//! What `tokenizer_config.json` and the files beside it say of a tokenizer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The special tokens that have a role, in the order in which they are added to a vocabulary.
const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// `tokenizer_config.json` with `special_tokens_map.json`, `added_tokens.json` and the family that
/// `config.json` names, each of which may be missing.
pub(crate) struct Settings {
    fields: Map<String, Value>,
    /// The class of `transformers` without `Fast`, or the `model_type`.
    family: String,
    /// The tokens that have ids of their own, in the order of these.
    added: Vec<Value>,
}

impl Settings {
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let mut fields = object(&dir.join("tokenizer_config.json"))?.unwrap_or_default();
        let mut added = decoder(&fields, &dir.join("tokenizer_config.json"))?;
        if added.is_empty() {
            fields.extend(object(&dir.join("special_tokens_map.json"))?.unwrap_or_default());
            added = listed(&dir.join("added_tokens.json"), &fields)?;
        }
        let family = match fields.get("tokenizer_class").and_then(Value::as_str) {
            Some(class) => class.strip_suffix("Fast").unwrap_or(class).to_owned(),
            None => model_type(dir)?.unwrap_or_default(),
        };
        Ok(Self {
            fields,
            family,
            added,
        })
    }

    /// Settings that a file of another kind tells, under the names of `tokenizer_config.json`.
    pub(super) fn of_fields(fields: Map<String, Value>) -> Self {
        Self {
            fields,
            family: String::new(),
            added: Vec::new(),
        }
    }

    /// Whether the family is one of these, by the class of its tokenizer or its `model_type`.
    pub(super) fn is_of(&self, names: &[&str]) -> bool {
        names.contains(&&*self.family)
    }

    pub(crate) fn flag(&self, field: &str) -> Option<bool> {
        self.fields.get(field).and_then(Value::as_bool)
    }

    /// The text of the special token of a role, if the files tell it.
    pub(crate) fn token(&self, role: &str) -> Option<&str> {
        content(self.fields.get(role)?)
    }

    /// The tokens to add to a vocabulary: those with ids, those with a role, which are `defaults`
    /// where the files are silent, and others that are special, as `transformers` orders them.
    pub(super) fn added_tokens(&self, defaults: &[(&str, &str)]) -> Vec<Value> {
        let mut tokens = self.added.clone();
        let default = |role: &str| {
            defaults
                .iter()
                .find(|(of, _)| *of == role)
                .map(|(_, token)| *token)
        };
        let named = ROLES
            .iter()
            .filter_map(|role| match self.fields.get(*role) {
                Some(Value::Null) => None,
                Some(token) => special(token),
                None => default(role).and_then(|token| special(&token.into())),
            });
        let extra = ["extra_special_tokens", "additional_special_tokens"].into_iter();
        let extra = extra
            .filter_map(|field| self.fields.get(field))
            .flat_map(tokens_of);
        let mut places: HashMap<String, usize> = tokens.iter().map(content_of).zip(0..).collect();
        for token in named.chain(extra) {
            match places.entry(content_of(&token)) {
                Entry::Occupied(place) => tokens[*place.get()]["special"] = true.into(),
                Entry::Vacant(place) => {
                    place.insert(tokens.len());
                    tokens.push(token);
                }
            }
        }
        tokens
    }
}

/// The text of a token that is written as a string or as an object.
pub(crate) fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// The text of an [`added`] token.
pub(super) fn content_of(token: &Value) -> String {
    token["content"].as_str().unwrap_or_default().to_owned()
}

/// A token as `tokenizer.json` writes one; its id is counted there.
pub(super) fn added(content: &str, special: bool) -> Value {
    json!({"id": 0, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": !special, "special": special})
}

/// A special token that is written as a string or as an object.
fn special(token: &Value) -> Option<Value> {
    let mut special = added(content(token)?, true);
    for field in ["single_word", "lstrip", "rstrip", "normalized"] {
        if let Some(&Value::Bool(flag)) = token.get(field) {
            special[field] = flag.into();
        }
    }
    Some(special)
}

/// The special tokens of a list, or of an object of roles.
fn tokens_of(list: &Value) -> Vec<Value> {
    match list {
        Value::Array(tokens) => tokens.iter().filter_map(special).collect(),
        Value::Object(roles) => roles.values().filter_map(special).collect(),
        _ => Vec::new(),
    }
}

/// The tokens of `added_tokens_decoder`, ascending.
fn decoder(fields: &Map<String, Value>, origin: &Path) -> Result<Vec<Value>> {
    let Some(decoder) = fields
        .get("added_tokens_decoder")
        .and_then(Value::as_object)
    else {
        return Ok(Vec::new());
    };
    let mut tokens = Vec::new();
    for (id, token) in decoder {
        let wrong = |found| {
            Error::file(
                origin,
                format!("added_tokens_decoder with {found}"),
                "ids with tokens",
            )
        };
        let id: u32 = id.parse().map_err(|_| wrong(format!("the id {id:?}")))?;
        let mut added = special(token).ok_or_else(|| wrong(format!("{token} as token {id}")))?;
        added["special"] = token
            .get("special")
            .and_then(Value::as_bool)
            .unwrap_or(false)
            .into();
        tokens.push((id, added));
    }
    tokens.sort_by_key(|(id, _)| *id);
    Ok(tokens.into_iter().map(|(_, token)| token).collect())
}

/// The tokens of `added_tokens.json`, ascending; those that `fields` name are special.
fn listed(path: &Path, fields: &Map<String, Value>) -> Result<Vec<Value>> {
    let mut tokens = Vec::new();
    for (token, id) in object(path)?.unwrap_or_default() {
        let wrong = || Error::file(path, format!("{id} as the id of {token:?}"), "a number");
        let id = id.as_u64().ok_or_else(wrong)?;
        let is_special = ROLES
            .iter()
            .any(|role| fields.get(*role).and_then(content) == Some(&token));
        tokens.push((id, added(&token, is_special)));
    }
    tokens.sort_by_key(|(id, _)| *id);
    Ok(tokens.into_iter().map(|(_, token)| token).collect())
}

fn model_type(dir: &Path) -> Result<Option<String>> {
    let config = object(&dir.join("config.json"))?;
    let kind = config.and_then(|config| Some(config.get("model_type")?.as_str()?.to_owned()));
    Ok(kind)
}

/// The object in a file of JSON, if there is the file.
pub(crate) fn object(path: &Path) -> Result<Option<Map<String, Value>>> {
    match path.is_file() {
        true => super::parse(path, &super::read(path)?).map(Some),
        false => Ok(None),
    }
}
