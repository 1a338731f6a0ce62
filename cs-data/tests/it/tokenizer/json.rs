//! Tokenizer files: what they say that does not count, and what is refused.

use cs_data::*;
use serde_json::Value;

use super::tokenizer_of;
use crate::common::TEXTS;

#[test]
fn stored_padding_and_truncation_are_switched_off() {
    let json = Tokenizer::train(TEXTS.into_iter(), 160)
        .unwrap()
        .to_json()
        .unwrap();
    let mut file: Value = serde_json::from_slice(&json).unwrap();
    file["truncation"] = serde_json::json!({"direction": "Right", "max_length": 3,
        "strategy": "LongestFirst", "stride": 0});
    file["padding"] = serde_json::json!({"strategy": {"Fixed": 128}, "direction": "Right",
        "pad_to_multiple_of": null, "pad_id": 4, "pad_type_id": 0, "pad_token": "[MASK]"});
    let bytes = file.to_string();
    let tokenizer = Tokenizer::from_json(bytes.as_bytes(), "t.json".as_ref()).unwrap();
    assert_eq!(tokenizer.encode("查询订单", 512).unwrap().ids.len(), 6);
    assert_eq!(tokenizer.pad_id(), 4);
}

#[test]
fn broken_tokenizer_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains(": no tokenizer, expected tokenizer.json, ") && error.ends_with("vocab.txt"),
        "{error}"
    );
    let whole = String::from_utf8(
        Tokenizer::train(TEXTS.into_iter(), 160)
            .unwrap()
            .to_json()
            .unwrap(),
    )
    .unwrap();
    let replaced = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replacen(from, to, 1)
    };
    let broken = [
        (
            String::new(),
            ":1:1: EOF while parsing a value, expected a JSON object",
        ),
        ("{}".into(), ":1:2: missing field `model`"),
        ("[]".into(), ":1:"),
        ("null".into(), ":1:"),
        (
            replaced("\"1.0\"", "\"9.0\""),
            ": version \"9.0\", expected version \"1.0\"",
        ),
        (replaced("\"[MASK]\": 4", "\"[MASK]\": -4"), ":"),
        (
            replaced("\"id\": \"[CLS]\"", "\"id\": \"[CLX]\""),
            ": a template with {\"SpecialToken\"",
        ),
        (
            replaced("\"id\": \"A\"", "\"id\": \"B\""),
            ": a template with {\"Sequence\"",
        ),
        (
            replaced("\"ids\": [\n          2", "\"ids\": [\n          999"),
            ": a special token with the id 999, expected ids below",
        ),
    ];
    for (json, message) in broken {
        let error = Tokenizer::from_json(json.as_bytes(), "dir/t.json".as_ref()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("dir/t.json{message}")),
            "{error}"
        );
    }
    for cut in (0..whole.len())
        .step_by(97)
        .filter(|&cut| whole.is_char_boundary(cut))
    {
        let torn = Tokenizer::from_json(&whole.as_bytes()[..cut], "dir/t.json".as_ref());
        assert!(matches!(torn, Err(Error::Text { .. })), "{torn:?}");
    }
    let good = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";
    assert_eq!(tokenizer_of(good, "").unwrap().vocab_size(), 6);
    let renamed = r#"{"unk_token": {"content": "a"}}"#;
    assert_eq!(
        tokenizer_of(good, renamed)
            .unwrap()
            .encode("b", 8)
            .unwrap()
            .ids,
        [2, 5, 3]
    );
    let broken = [
        ("", "", "without [UNK], expected"),
        ("[PAD]\n[UNK]\n[CLS]\n", "", "without [SEP], expected"),
        (good, "[]", "tokenizer_config.json:1:"),
        (good, "{\"do_lower_case\": tru", "tokenizer_config.json:1:"),
    ];
    for (vocab, config, message) in broken {
        let error = tokenizer_of(vocab, config).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let path = folder.path().join("vocab.txt");
    std::fs::write(&path, b"[PAD]\nab\xffc").unwrap();
    let error = Tokenizer::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("vocab.txt:2:3: the byte 0xff, expected UTF-8"),
        "{error}"
    );
}
