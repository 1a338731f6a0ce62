//! A tokenizer with fewer words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::place;
use crate::tokenizer::Tokenizer;

impl Tokenizer {
    /// The same WordPiece tokenizer with the tokens `kept` alone, numbered anew without gaps in their
    /// old order, and the old id of each new one. Special and other added tokens, and the unknown
    /// token, always stay.
    ///
    /// A text whose tokens are all kept is cut as before: of a word's beginnings in the vocabulary the
    /// longest counts, and no longer one comes in. Other texts are cut into what is left.
    ///
    /// ```
    /// use std::collections::BTreeSet;
    /// let tokenizer = cs_data::Tokenizer::train(["my order is late", "where is it"].into_iter(), 60)?;
    /// let ids = |text| tokenizer.encode(text, 16).map(|encoding| encoding.ids);
    /// let kept: BTreeSet<u32> = ids("order is late")?.into_iter().collect();
    /// let (trimmed, old) = tokenizer.trim(&kept)?;
    /// assert!(trimmed.vocab_size() < tokenizer.vocab_size());
    /// let again = trimmed.encode("late order", 16)?.ids;
    /// let again: Vec<u32> = again.into_iter().map(|id| old[id as usize]).collect();
    /// assert_eq!(again, ids("late order")?);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A model other than WordPiece.
    pub fn trim(&self, kept: &BTreeSet<u32>) -> Result<(Self, Vec<u32>)> {
        let origin = Path::new("tokenizer.json");
        let json = self.to_json()?;
        let mut file: Value = serde_json::from_slice(&json)
            .map_err(|fault| place::json_error(origin, &json, &fault))?;
        let Some(words) = word_piece(&file) else {
            let kind = file.pointer("/model/type").cloned().unwrap_or_default();
            return Err(Error::File {
                path: origin.into(),
                found: format!("a model of type {kind}"),
                expected: "\"WordPiece\"".into(),
            });
        };
        let mut stay: BTreeSet<u32> = words
            .values()
            .filter(|id| kept.contains(id))
            .copied()
            .collect();
        stay.extend(added(&file));
        let unknown = file.pointer("/model/unk_token").and_then(Value::as_str);
        stay.extend(unknown.and_then(|token| words.get(token)));
        let old: Vec<u32> = stay.into_iter().collect();
        let new: BTreeMap<u32, u32> = old.iter().copied().zip(0..).collect();
        renumber(&mut file, &words, &new);
        let trimmed = Self::from_json(file.to_string().as_bytes(), origin)?;
        Ok((trimmed, old))
    }
}

/// The vocabulary of a WordPiece model.
fn word_piece(file: &Value) -> Option<BTreeMap<String, u32>> {
    let model = file.get("model")?;
    if model.get("type")? != "WordPiece" {
        return None;
    }
    let words = model.get("vocab")?.as_object()?.iter();
    words
        .map(|(word, id)| Some((word.clone(), u32::try_from(id.as_u64()?).ok()?)))
        .collect()
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

fn renumber(file: &mut Value, words: &BTreeMap<String, u32>, new: &BTreeMap<u32, u32>) {
    let vocabulary = words
        .iter()
        .filter_map(|(word, id)| Some((word.clone(), Value::from(*new.get(id)?))));
    file["model"]["vocab"] = Value::Object(vocabulary.collect());
    let mut change = |id: &mut Value| {
        if let Some(&new) = number(id).and_then(|id| new.get(&id)) {
            *id = new.into();
        }
    };
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

    #[test]
    fn ids_are_renumbered_wherever_they_stand() {
        let mut file = serde_json::json!({
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 1, "a": 5, "##b": 7, "[SEP]": 9}},
            "added_tokens": [{"id": 9, "content": "[SEP]"}, {"id": 12, "content": "[NEW]"}],
            "post_processor": {"type": "Sequence", "processors": [
                {"type": "BertProcessing", "sep": ["[SEP]", 9], "cls": ["[NEW]", 12]},
                {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                    "special_tokens": {"[SEP]": {"id": "[SEP]", "ids": [9], "tokens": ["[SEP]"]}}},
            ]},
        });
        let words = word_piece(&file).unwrap();
        assert_eq!(added(&file), [9, 12, 12, 9, 9]);
        let new = BTreeMap::from([(1, 0), (7, 1), (9, 2), (12, 3)]);
        renumber(&mut file, &words, &new);
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
}
