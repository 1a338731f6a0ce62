//! A `tokenizer.json` to be written.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The parts of a `tokenizer.json`, of which those that are `null` do nothing.
#[derive(Default)]
pub(super) struct Document {
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) post_processor: Value,
    pub(super) decoder: Value,
    pub(super) model: Value,
    pub(super) added_tokens: Vec<Value>,
    /// The id of the token that fills up batches.
    pub(super) padding: Option<u32>,
}

impl Document {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let padding = self.padding.map(|id| {
            json!({"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": id, "pad_type_id": 0, "pad_token": ""})
        });
        let file = json!({
            "version": "1.0", "truncation": null, "padding": padding, "added_tokens": self.added_tokens,
            "normalizer": self.normalizer, "pre_tokenizer": self.pre_tokenizer,
            "post_processor": self.post_processor, "decoder": self.decoder, "model": self.model,
        });
        file.to_string().into_bytes()
    }
}

/// A special token that stands before or after every text.
pub(super) struct Edge<'a> {
    token: &'a str,
    id: u32,
}

impl<'a> Edge<'a> {
    /// A token of a vocabulary that `id` asks; `origin` is its file.
    pub(super) fn new(
        token: &'a str,
        id: impl Fn(&str) -> Option<u32>,
        origin: &Path,
    ) -> Result<Self> {
        let missing = || {
            Error::file(
                origin,
                format!("a vocabulary without {token}"),
                "this special token",
            )
        };
        let id = id(token).ok_or_else(missing)?;
        Ok(Self { token, id })
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// `["</s>", 2]`, as the processors of some families have it.
    pub(super) fn pair(&self) -> Value {
        json!([self.token, self.id])
    }
}

/// A processor that puts special tokens around a text.
pub(super) fn template(head: &[Edge<'_>], tail: &[Edge<'_>]) -> Value {
    let piece = |edge: &Edge<'_>| json!({"SpecialToken": {"id": edge.token, "type_id": 0}});
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    let mut single: Vec<Value> = head.iter().map(piece).collect();
    single.push(text);
    single.extend(tail.iter().map(piece));
    let mut pair = single.clone();
    pair.push(json!({"Sequence": {"id": "B", "type_id": 0}}));
    pair.extend(tail.iter().map(piece));
    let edges = head.iter().chain(tail);
    let special: serde_json::Map<String, Value> = edges
        .map(|edge| {
            (
                edge.token.to_owned(),
                json!({"id": edge.token, "ids": [edge.id], "tokens": [edge.token]}),
            )
        })
        .collect();
    json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special})
}
