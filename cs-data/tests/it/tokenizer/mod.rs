//! Tests of tokenizers: files, training, trimming, and texts as tokens.

mod encoding;
mod families;
mod files;
mod ggml;
mod json;
mod model;
mod plain;
mod trim;
mod vocabulary;
mod wordpiece;

use cs_data::*;
use serde_json::Value;

use crate::common::cases;

fn numbers(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_u64().unwrap() as u32)
        .collect()
}

fn tokenizer_of(vocab: &str, config: &str) -> Result<Tokenizer> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vocab.txt"), vocab).unwrap();
    if !config.is_empty() {
        std::fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    }
    Tokenizer::open(folder.path())
}

/// Against encodings by Hugging Face, whose offsets count characters and leave stripped marks to
/// no token.
fn check_encodings(tokenizer: impl Fn(&Value) -> Tokenizer, name: &str) {
    for case in cases(name) {
        let text = case["text"].as_str().unwrap();
        let tokenizer = tokenizer(&case).with_words(WordRule::PreTokenizer);
        let encoding = tokenizer.encode(text, 512).unwrap();
        assert_eq!(encoding.ids, numbers(&case["ids"]), "{text}");
        if encoding.is_blank() {
            continue; // has no words here
        }
        let words: Vec<Option<u32>> = case["words"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_u64().map(|word| word as u32))
            .collect();
        assert_eq!(encoding.words, words, "{text}");
        let offsets = Offsets::new(text);
        for (range, expected) in encoding
            .offsets
            .iter()
            .zip(case["offsets"].as_array().unwrap())
        {
            let bytes = |chars: &[u32]| -> Vec<usize> {
                chars
                    .iter()
                    .map(|&at| offsets.byte(at as usize).unwrap())
                    .collect()
            };
            let expected = bytes(&numbers(expected));
            let rest = text[expected[1]..range.end].trim_start_matches('\u{301}');
            assert_eq!((range.start, rest), (expected[0], ""), "{text}");
        }
    }
}
