//! Texts that look like special tokens.

use cs_data::Tokenizer;
use serde_json::{Value, json};

/// What the text's tokens cover, without those at the ends.
fn pieces<'a>(tokenizer: &Tokenizer, text: &'a str) -> Vec<&'a str> {
    let encoding = tokenizer.encode(text, 64).unwrap();
    let special = tokenizer.special_ids();
    let unknown = tokenizer.id("[UNK]").or(tokenizer.id("<unk>"));
    let last = encoding.ids.len() - 1;
    for &id in &encoding.ids[1..last] {
        assert!(
            !special.contains(&id) || Some(id) == unknown,
            "{text}: {id}"
        );
    }
    encoding.offsets[1..last]
        .iter()
        .map(|range| &text[range.clone()])
        .collect()
}

#[test]
fn brackets_are_text_to_word_piece() {
    let texts = ["where is [SEP] my [MASK] order", "[CLS] [PAD] sep mask"];
    let tokenizer = Tokenizer::train(texts.into_iter(), 200).unwrap();
    let text = "my [SEP][MASK] order";
    assert_eq!(pieces(&tokenizer, text).concat(), "my[SEP][MASK]order");
    for token in ["[SEP]", "[MASK]", "[CLS]", "[PAD]", "[UNK]", "a [SEP]"] {
        pieces(&tokenizer, token);
    }
    assert_eq!(tokenizer.mask_token().as_deref(), Some("[MASK]"));
    let ends = tokenizer.encode("my", 8).unwrap().ids;
    let last = ends[ends.len() - 1];
    assert_eq!(
        (ends[0], last),
        (
            tokenizer.id("[CLS]").unwrap(),
            tokenizer.id("[SEP]").unwrap()
        )
    );
}

/// Special tokens are in the vocabulary too, as a piece with the best score or as a word.
fn tokenizer(model: &Value, splitter: &Value) -> Tokenizer {
    let special = |content: &str, id: usize| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": content == "<mask>",
            "rstrip": false, "normalized": false, "special": true})
    };
    let template =
        |content: &str, id: u32| json!({"id": content, "ids": [id], "tokens": [content]});
    let part = |content: &str| json!({"SpecialToken": {"id": content, "type_id": 0}});
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special("<s>", 0), special("</s>", 1), special("<unk>", 2), special("<mask>", 3)],
        "normalizer": {"type": "NFKC"}, "pre_tokenizer": splitter,
        "post_processor": {"type": "TemplateProcessing",
            "single": [part("<s>"), {"Sequence": {"id": "A", "type_id": 0}}, part("</s>")],
            "pair": [part("<s>"), {"Sequence": {"id": "A", "type_id": 0}}, part("</s>")],
            "special_tokens": {"<s>": template("<s>", 0), "</s>": template("</s>", 1)}},
        "decoder": null, "model": model,
    });
    Tokenizer::from_json(file.to_string().as_bytes(), "tokenizer.json".as_ref()).unwrap()
}

#[test]
fn brackets_are_text_to_unigram() {
    let pieces_of = [
        "<s>", "</s>", "<unk>", "<mask>", "\u{2581}", "<", ">", "/", "s", "m", "a", "k", "退", "款",
    ];
    let vocab: Vec<Value> = pieces_of
        .iter()
        .enumerate()
        .map(|(at, piece)| json!([piece, if at < 4 { 0.0 } else { -(at as f64) }]))
        .collect();
    let tokenizer = tokenizer(
        &json!({"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": vocab}),
        &json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always"}),
    );
    let text = "退</s>款<mask>";
    let found = pieces(&tokenizer, text);
    assert_eq!(
        found[found.len() - 12..],
        ["退", "<", "/", "s", ">", "款", "<", "m", "a", "s", "k", ">"][..]
    );
    // Full-width letters become the same; each has its own bytes.
    assert!(pieces(&tokenizer, "＜ｓ＞").ends_with(&["＜", "ｓ", "＞"]));
    assert_eq!(tokenizer.mask_token().as_deref(), Some("<mask>"));
    let again =
        Tokenizer::from_json(&tokenizer.to_json().unwrap(), "tokenizer.json".as_ref()).unwrap();
    assert_eq!(
        again.encode(text, 64).unwrap(),
        tokenizer.encode(text, 64).unwrap()
    );
}

#[test]
fn a_word_of_the_vocabulary_that_is_special_is_text() {
    let tokenizer = tokenizer(
        &json!({"type": "WordLevel", "unk_token": "<unk>",
            "vocab": {"<s>": 0, "</s>": 1, "<unk>": 2, "<mask>": 3, "<": 4, "my": 5}}),
        &json!({"type": "WhitespaceSplit"}),
    );
    assert_eq!(
        pieces(&tokenizer, "my </s> <mask>").join("|"),
        "my|<|/s>|<|mask>"
    );
}
