//! The vocabulary of a `tokenizer.json`, and the ids all over the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::error::{Error, Result};
use crate::file::position;
use crate::tokenizer::json::{any_part, is_of};

/// A `tokenizer.json` and the ids of its model's tokens.
pub(super) struct Vocabulary {
    file: Value,
    ids: BTreeMap<String, u32>,
}

impl Vocabulary {
    /// Refuses a model whose vocabulary cannot be told.
    pub(super) fn parse(json: &[u8], origin: &Path) -> Result<Self> {
        let file: Value = serde_json::from_slice(json)
            .map_err(|fault| position::json_error(origin, json, &fault))?;
        match ids(&file) {
            Some(ids) => Ok(Self { file, ids }),
            None => {
                let kind = file.pointer("/model/type").cloned().unwrap_or_default();
                Err(Error::file(
                    origin,
                    format!("a model of type {kind}"),
                    "\"WordPiece\", \"Unigram\", \"BPE\" or \"WordLevel\"",
                ))
            }
        }
    }

    /// What stays whatever the texts are.
    pub(super) fn required(&self) -> BTreeSet<u32> {
        let mut ids = added(&self.file);
        let model = &self.file["model"];
        let unknown = model["unk_token"].as_str();
        ids.extend(unknown.and_then(|token| self.ids.get(token)));
        ids.extend(number(&model["unk_id"]));
        ids.extend(lowest(model));
        if model["byte_fallback"] == true {
            let bytes = (0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>"));
            ids.extend(bytes.filter_map(|byte| self.ids.get(&byte)));
        }
        if any_part(&self.file["pre_tokenizer"], &|part| {
            is_of(part, "ByteLevel")
        }) {
            let bytes = ByteLevel::alphabet().into_iter().map(String::from);
            ids.extend(bytes.filter_map(|byte| self.ids.get(&byte)));
        }
        ids.into_iter().collect()
    }

    /// Adds what tokens of BPE are merged of.
    pub(super) fn add_parts(&self, stay: &mut BTreeSet<u32>) {
        let mut parts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for merge in merges(&self.file) {
            if let Some(Merge { left, right, whole }) = self.merge(merge) {
                parts.entry(whole).or_default().extend([left, right]);
            }
        }
        let mut waiting: Vec<u32> = stay.iter().copied().collect();
        while let Some(id) = waiting.pop() {
            let parts = parts.get(&id).into_iter().flatten();
            waiting.extend(parts.filter(|&&part| stay.insert(part)));
        }
    }

    /// Leaves the tokens in `new`, an old id's new one.
    pub(super) fn renumber(&mut self, new: &BTreeMap<u32, u32>) {
        let kept = |merge: &Value| {
            let merge = self.merge(merge);
            merge.is_some_and(|merge| new.contains_key(&merge.whole))
        };
        let left: Vec<Value> = merges(&self.file)
            .filter(|merge| kept(merge))
            .cloned()
            .collect();
        let model = &mut self.file["model"];
        if let Some(merges) = model.get_mut("merges") {
            *merges = left.into();
        }
        match model.get_mut("vocab") {
            Some(Value::Array(pieces)) => {
                let mut id = 0..;
                pieces.retain(|_| id.next().is_some_and(|id| new.contains_key(&id)));
            }
            Some(Value::Object(tokens)) => {
                let ids = tokens.iter().filter_map(|(token, id)| {
                    Some((token.clone(), Value::from(*new.get(&number(id)?)?)))
                });
                *tokens = ids.collect();
            }
            _ => {}
        }
        renumber(&mut self.file, new);
    }

    pub(super) fn into_json(self) -> Vec<u8> {
        self.file.to_string().into_bytes()
    }

    fn merge(&self, merge: &Value) -> Option<Merge> {
        let (left, right) = (merge[0].as_str()?, merge[1].as_str()?);
        let prefix = self.file.pointer("/model/continuing_subword_prefix");
        let prefix = prefix.and_then(Value::as_str).unwrap_or("");
        let whole = format!("{left}{}", right.strip_prefix(prefix).unwrap_or(right));
        Some(Merge {
            left: *self.ids.get(left)?,
            right: *self.ids.get(right)?,
            whole: *self.ids.get(&whole)?,
        })
    }
}

/// Ids of two tokens of BPE and of what they become.
struct Merge {
    left: u32,
    right: u32,
    whole: u32,
}

/// The ids of a model's tokens.
fn ids(file: &Value) -> Option<BTreeMap<String, u32>> {
    let model = file.get("model")?;
    match model.get("type")?.as_str()? {
        "WordPiece" | "BPE" | "WordLevel" => {
            let tokens = model.get("vocab")?.as_object()?.iter();
            tokens
                .map(|(token, id)| Some((token.clone(), number(id)?)))
                .collect()
        }
        "Unigram" => {
            let pieces = model.get("vocab")?.as_array()?.iter().zip(0..);
            pieces
                .map(|(piece, id)| Some((piece.get(0)?.as_str()?.to_owned(), id)))
                .collect()
        }
        _ => None,
    }
}

fn merges(file: &Value) -> impl Iterator<Item = &Value> {
    let merges = file.pointer("/model/merges").and_then(Value::as_array);
    merges.into_iter().flatten()
}

/// The piece of Unigram with the lowest score, by which unknown characters are scored.
fn lowest(model: &Value) -> Option<u32> {
    let pieces = model.get("vocab")?.as_array()?.iter().zip(0..);
    let scores = pieces.filter_map(|(piece, id)| Some((piece.get(1)?.as_f64()?, id)));
    let lowest = scores.min_by(|(a, _), (b, _)| a.total_cmp(b));
    lowest.map(|(_, id)| id)
}

/// Ids of the added tokens and of those that the post-processor puts in.
fn added(file: &Value) -> Vec<u32> {
    let tokens = file.get("added_tokens").and_then(Value::as_array);
    let ids = tokens
        .into_iter()
        .flatten()
        .filter_map(|token| token.get("id"));
    let mut found: Vec<u32> = ids.filter_map(number).collect();
    if let Some(processor) = file.get("post_processor") {
        each_id(&mut processor.clone(), &mut |id| {
            found.extend(number(id));
        });
    }
    found
}

fn number(id: &Value) -> Option<u32> {
    u32::try_from(id.as_u64()?).ok()
}

/// Changes the ids outside the vocabulary.
fn renumber(file: &mut Value, new: &BTreeMap<u32, u32>) {
    let mut change = |id: &mut Value| {
        if let Some(&new) = number(id).and_then(|id| new.get(&id)) {
            *id = new.into();
        }
    };
    if let Some(unknown) = file.pointer_mut("/model/unk_id") {
        change(unknown);
    }
    let tokens = file.get_mut("added_tokens").and_then(Value::as_array_mut);
    tokens
        .into_iter()
        .flatten()
        .filter_map(|token| token.get_mut("id"))
        .for_each(&mut change);
    if let Some(processor) = file.get_mut("post_processor") {
        each_id(processor, &mut change);
    }
}

/// Calls `f` with every token id of a post-processor: the `ids` of a template's special tokens, and
/// the pairs `["[SEP]", 102]` of BERT's own.
fn each_id(processor: &mut Value, f: &mut dyn FnMut(&mut Value)) {
    match processor {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::Array(ids) if key == "ids" => ids.iter_mut().for_each(&mut *f),
                    _ => each_id(value, f),
                }
            }
        }
        Value::Array(items) => match &mut items[..] {
            [Value::String(_), id @ Value::Number(_)] => f(id),
            items => items.iter_mut().for_each(|item| each_id(item, f)),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(file: &Value, new: &[(u32, u32)]) -> Value {
        let json = file.to_string().into_bytes();
        let mut vocabulary = Vocabulary::parse(&json, "tokenizer.json".as_ref()).unwrap();
        vocabulary.renumber(&new.iter().copied().collect());
        vocabulary.file
    }

    #[test]
    fn ids_are_renumbered_wherever_they_stand() {
        let file = serde_json::json!({
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 1, "a": 5, "##b": 7, "[SEP]": 9}},
            "added_tokens": [{"id": 9, "content": "[SEP]"}, {"id": 12, "content": "[NEW]"}],
            "post_processor": {"type": "Sequence", "processors": [
                {"type": "BertProcessing", "sep": ["[SEP]", 9], "cls": ["[NEW]", 12]},
                {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                    "special_tokens": {"[SEP]": {"id": "[SEP]", "ids": [9], "tokens": ["[SEP]"]}}},
            ]},
        });
        assert_eq!(added(&file), [9, 12, 12, 9, 9]);
        let file = trimmed(&file, &[(1, 0), (7, 1), (9, 2), (12, 3)]);
        assert_eq!(
            file["model"]["vocab"],
            serde_json::json!({"[UNK]": 0, "##b": 1, "[SEP]": 2})
        );
        assert_eq!(file["added_tokens"][1]["id"], 3);
        assert_eq!(file["post_processor"]["processors"][0]["sep"][1], 2);
        assert_eq!(
            file["post_processor"]["processors"][1]["special_tokens"]["[SEP]"]["ids"][0],
            2
        );
        assert_eq!(
            file["post_processor"]["processors"][1]["single"][0]["SpecialToken"]["type_id"],
            0
        );
    }

    #[test]
    fn pieces_of_unigram_are_numbered_by_their_places() {
        let file = serde_json::json!({
            "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": true,
                "vocab": [["a", -1.0], ["b", -9.0], ["<unk>", 0.0], ["<0x0A>", -2.0], ["c", -9.0]]},
            "added_tokens": [{"id": 5, "content": "<mask>"}],
        });
        let json = file.to_string().into_bytes();
        let vocabulary = Vocabulary::parse(&json, "tokenizer.json".as_ref()).unwrap();
        let required: Vec<u32> = vocabulary.required().into_iter().collect();
        assert_eq!(
            required,
            [1, 2, 3, 5],
            "the lowest score, <unk>, a byte, <mask>"
        );
        let file = trimmed(&file, &[(1, 0), (2, 1), (3, 2), (5, 3)]);
        let vocab = serde_json::json!([["b", -9.0], ["<unk>", 0.0], ["<0x0A>", -2.0]]);
        assert_eq!(file["model"]["vocab"], vocab);
        assert_eq!(
            (&file["model"]["unk_id"], &file["added_tokens"][0]["id"]),
            (&1.into(), &3.into())
        );
    }
}
