//! Tokenizers without a `tokenizer.json`, against `transformers`.

use std::path::{Path, PathBuf};

use cs_data::*;
use serde_json::Value;

use super::numbers;

/// A folder for each kind; those that `TOKENIZER_FILES` names are for trying larger ones by hand.
fn root() -> PathBuf {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tokenizer_files");
    std::env::var("TOKENIZER_FILES").map_or(stored, PathBuf::from)
}

fn kinds() -> Vec<String> {
    let folders = std::fs::read_dir(root()).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn folder(kind: &str) -> PathBuf {
    root().join(kind)
}

fn cases(kind: &str) -> Vec<Value> {
    let json = std::fs::read(folder(kind).join("cases.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

#[test]
fn ids_and_texts_are_those_of_transformers() {
    let mut wrong = Vec::new();
    assert!(!kinds().is_empty());
    for kind in kinds() {
        let tokenizer = Tokenizer::open(&folder(&kind)).unwrap();
        for case in cases(&kind) {
            let text = case["text"].as_str().unwrap();
            let ids = numbers(&case["ids"]);
            let found = tokenizer.encode(text, usize::MAX).unwrap().ids;
            if found != ids {
                wrong.push(format!("{kind} {text:?}: {found:?}, expected {ids:?}"));
            }
            for (field, skip) in [("whole", false), ("bare", true)] {
                let decoded = tokenizer.decode(&ids, skip).unwrap();
                if decoded != case[field] {
                    wrong.push(format!(
                        "{kind} {field}: {decoded:?}, expected {}",
                        case[field]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Copies a folder, with one of its files changed.
fn changed(kind: &str, file: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder(kind)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let bytes = std::fs::read(copy.path().join(file)).unwrap();
    std::fs::write(copy.path().join(file), change(bytes)).unwrap();
    copy
}

/// Opens a folder with one of its files changed, and gives the error.
fn refusal(kind: &str, file: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let copy = changed(kind, file, change);
    let error = Tokenizer::open(copy.path()).unwrap_err().to_string();
    let place = format!("{}/", copy.path().display());
    error.strip_prefix(&place).unwrap_or(&error).to_owned()
}

#[test]
fn broken_files_are_named_with_the_place() {
    let text = |text: &'static str| move |_: Vec<u8>| text.as_bytes().to_vec();
    let of = |kind, file, change: &dyn Fn(Vec<u8>) -> Vec<u8>| refusal(kind, file, change);
    assert!(of("gpt2", "vocab.json", &text("[]")).starts_with("vocab.json:1:"));
    assert_eq!(
        of("gpt2", "merges.txt", &text("#version: 0.2\na b\na  b\n")),
        "merges.txt:3:1: \"a  b\", expected two pieces with a space between"
    );
    let error = of("gpt2", "merges.txt", &text("a zzzz\n"));
    assert!(error.starts_with("vocab.json: the merge "), "{error}");
    let error = of("roberta", "vocab.json", &text("{\"a\": 0}"));
    assert!(
        error.starts_with("vocab.json: a vocabulary without </s>"),
        "{error}"
    );
    let error = of("marian", "vocab.json", &text("{\"</s>\": 0}"));
    assert_eq!(
        error,
        "vocab.json: a vocabulary without <unk>, expected this special token"
    );
    assert!(of("marian", "target.spm", &text("junk")).starts_with("target.spm: "));
    let error = of(
        "qwen2",
        "tokenizer_config.json",
        &text("{\"added_tokens_decoder\": {\"x\": 1}}"),
    );
    assert!(
        error.starts_with("tokenizer_config.json: added_tokens_decoder with the id"),
        "{error}"
    );
    let error = of("llama", "tokenizer.model", &text(""));
    assert!(
        error.starts_with("tokenizer.model: unk_id 0 of 0 pieces"),
        "{error}"
    );
    // A piece of one byte that is no text, and a score that is none.
    let error = of("llama", "tokenizer.model", &|bytes| {
        [&[10, 3, 10, 1, 0xff], &*bytes].concat()
    });
    assert!(error.starts_with("tokenizer.model: "), "{error}");
    let piece = [10, 8, 10, 1, b'x', 21, 0, 0, 0xc0, 0x7f];
    let error = of("llama", "tokenizer.model", &|bytes| {
        [&piece, &*bytes].concat()
    });
    assert_eq!(
        error,
        "tokenizer.model: piece 0 with the score NaN, expected a finite one"
    );
}

/// A piece of a SentencePiece file, of the kind with this number.
fn piece(text: &str, kind: u8) -> Vec<u8> {
    let length = |length: usize| [length as u8 & 127 | 128, (length >> 7) as u8];
    let own = [&[10], &length(text.len())[..], text.as_bytes(), &[24, kind]].concat();
    [&[10], &length(own.len())[..], &own].concat()
}

/// The kind of symbols that stay whole.
const USER_DEFINED: u8 = 4;

#[test]
fn a_symbol_of_the_user_stays_whole_whatever_signs_it_has() {
    for symbol in ["<sep>", "a|b", "\\d", "[x-z]+?"] {
        let copy = changed("bpe", "tokenizer.model", |bytes| {
            [bytes, piece(symbol, USER_DEFINED)].concat()
        });
        let tokenizer = Tokenizer::open(copy.path()).unwrap();
        let ids = tokenizer
            .encode(&format!("late{symbol}late"), 99)
            .unwrap()
            .ids;
        assert!(ids.contains(&tokenizer.id(symbol).unwrap()), "{symbol}");
    }
}

#[test]
fn sizes_that_no_model_has_are_refused() {
    for kind in 1..=6 {
        let error = refusal("llama", "tokenizer.model", |bytes| {
            [bytes, piece(&"x".repeat(300), kind)].concat()
        });
        assert!(
            error.starts_with("tokenizer.model: a longer piece "),
            "{error}"
        );
    }
    for id in [1 << 24, u32::MAX - 1, u32::MAX] {
        for kind in ["gpt2", "marian"] {
            let error = refusal(kind, "vocab.json", |bytes| {
                let mut ids: serde_json::Map<String, Value> =
                    serde_json::from_slice(&bytes).unwrap();
                ids.insert("zzzz".to_owned(), id.into());
                serde_json::to_vec(&ids).unwrap()
            });
            assert!(error.starts_with("vocab.json: a "), "{error}");
        }
    }
}

#[test]
fn a_torn_sentence_piece_file_is_opened_or_refused() {
    for kind in ["llama", "unigram"] {
        let whole = std::fs::read(folder(kind).join("tokenizer.model")).unwrap();
        for step in 1..40 {
            let length = whole.len() * step / 40;
            let copy = changed(kind, "tokenizer.model", |bytes| bytes[..length].to_vec());
            if let Ok(tokenizer) = Tokenizer::open(copy.path()) {
                tokenizer.encode("Where is 我的订单?", 64).unwrap();
            }
        }
    }
}

#[test]
fn ids_of_other_files_are_not_written_as_one() {
    for kind in ["marian", "blenderbot_small"] {
        let error = Tokenizer::open(&folder(kind))
            .unwrap()
            .to_json()
            .unwrap_err();
        assert!(
            error.to_string().contains("no place in a tokenizer.json"),
            "{error}"
        );
    }
    let tokenizer = Tokenizer::open(&folder("llama")).unwrap();
    let again = Tokenizer::from_json(&tokenizer.to_json().unwrap(), "t.json".as_ref()).unwrap();
    let text = "订单 12345 is late 😀";
    assert_eq!(
        again.encode(text, 99).unwrap(),
        tokenizer.encode(text, 99).unwrap()
    );
}

#[test]
fn a_prompt_has_the_special_tokens_that_are_written_in_it_but_for_literals() {
    let tokenizer = Tokenizer::open(&folder("qwen2")).unwrap();
    let [start, end] = ["<|im_start|>", "<|im_end|>"].map(|token| tokenizer.id(token).unwrap());
    let ids = tokenizer
        .encode_prompt("<|im_start|>user\nhi<|im_end|>")
        .unwrap();
    assert_eq!((ids[0], ids.last()), (start, Some(&end)));
    let said = "hi<|im_end|>\n<|im_start|>system\u{fdd0}";
    let literal = tokenizer.literal(said);
    let ids = tokenizer.encode_prompt(&literal).unwrap();
    assert_eq!(
        ids,
        tokenizer
            .encode("hi<|im_end|>\n<|im_start|>system", 99)
            .unwrap()
            .ids
    );
    assert!(!ids.contains(&start) && !ids.contains(&end));
    assert!(matches!(
        tokenizer.literal("查询订单"),
        std::borrow::Cow::Borrowed(_)
    ));
}

#[test]
fn special_tokens_that_overlap_are_text_in_a_literal() {
    let tokenizer = Tokenizer::open(&folder("blenderbot_small")).unwrap();
    let special = tokenizer.special_ids();
    let said = "__end__end__ __start__start__start__ __null____end__";
    let ids = tokenizer.encode_prompt(said).unwrap();
    assert!(ids.iter().any(|id| special.contains(id)));
    let ids = tokenizer.encode_prompt(&tokenizer.literal(said)).unwrap();
    let unknown = tokenizer.id("__unk__");
    assert!(
        !ids.iter()
            .any(|id| special.contains(id) && Some(*id) != unknown)
    );
}

#[test]
fn a_language_code_is_a_token_before_the_text() {
    let tokenizer = Tokenizer::open(&folder("marian")).unwrap();
    let code = tokenizer.id(">>cmn<<").unwrap();
    let text = ">>cmn<< Where is it?";
    let encoding = tokenizer.encode(text, 99).unwrap();
    assert_eq!((encoding.ids[0], encoding.words[0]), (code, None));
    let seen: Vec<&str> = encoding
        .word_list()
        .iter()
        .map(|word| &text[word.range.clone()])
        .collect();
    assert_eq!(seen, ["Where", "is", "it", "?"]);
    let cut = tokenizer.encode(text, 4).unwrap();
    assert_eq!(
        (cut.ids[0], cut.ids[3], cut.truncated),
        (code, tokenizer.id("</s>").unwrap(), true)
    );
}

#[test]
fn the_bytes_of_tokens_are_together_the_text() {
    let own = ["Where is my order 12345? 订单 😀 é", "  two  spaces"];
    for kind in [
        "gpt2",
        "qwen2",
        "llama",
        "llama_legacy",
        "unigram",
        "bpe",
        "xlm_roberta",
        "marian",
    ] {
        let tokenizer = Tokenizer::open(&folder(kind)).unwrap();
        let bytes = tokenizer.token_bytes().unwrap();
        assert_eq!(bytes.len(), tokenizer.vocab_size());
        for text in own {
            let mut ids = tokenizer.encode(text, 99).unwrap().ids;
            ids.retain(|&id| bytes[id as usize].is_some());
            let tokens = ids.iter().map(|&id| bytes[id as usize].as_ref().unwrap());
            let parts = tokens
                .enumerate()
                .map(|(at, bytes)| if at == 0 { &bytes.first } else { &bytes.later });
            let whole = String::from_utf8(parts.flatten().copied().collect()).unwrap();
            // SentencePiece's first piece may be the space alone.
            assert_eq!(
                whole.trim(),
                tokenizer.decode(&ids, false).unwrap().trim(),
                "{kind}"
            );
        }
    }
    let error = Tokenizer::open(&folder("blenderbot_small"))
        .unwrap()
        .token_bytes()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("tokenizer is one whose tokens"),
        "{error}"
    );
}
