//! WordPiece and Unigram beside those of the crate `tokenizers`, and the files it panics on.

use std::path::Path;

use cs_data::text::{ceil, floor};
use cs_data::{Encoding, Tokenizer, WordRule};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

/// Bytes of a text that are looked at for each token at most.
const MOST_BYTES_A_TOKEN: usize = 64;

const TEXTS: [&str; 14] = [
    "",
    " ",
    "Where is my order 12345?",
    "查询订单12345的状态",
    "  double  spaces\tand\u{a0}others\u{3000}",
    "naïve café e\u{301}e\u{302} Ångström ﬁne",
    "👍🏽 👨\u{200d}👩\u{200d}👧 🇩🇪",
    "a\0b\u{1}c\u{200b}d\u{feff}e",
    "한국어 ᄒ\u{1161} カタカナ ｶﾀｶﾅ １２３",
    "[CLS] [SEP] <unk> [UNK] <0x41> ▁▁",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ababab abab aaaa bbbb abc",
    "𠀀𠀁 \u{10ffff} \u{e000}",
    "don't-stop...now!!!",
];

fn special(id: u32, content: &str) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true})
}

/// A file as XLM-R's, but for the normaliser.
fn unigram(words: &[(String, f64)], bytes: bool) -> Value {
    let mut vocab: Vec<(String, f64)> = ["<s>", "<pad>", "</s>", "<unk>"]
        .map(|word| (word.to_owned(), 0.0))
        .into();
    vocab.extend_from_slice(words);
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0, "<s>"), special(1, "<pad>"), special(2, "</s>"), special(3, "<unk>")],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}]},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": bytes},
    })
}

fn word_piece(words: &[String], most_chars: usize, prefix: &str) -> Value {
    let texts = ["order orders ordering 订单 订 单 状态"; 3];
    let trained = Tokenizer::train(texts.into_iter(), 60).unwrap();
    let mut file: Value = serde_json::from_slice(&trained.to_json().unwrap()).unwrap();
    let vocab = file["model"]["vocab"].as_object_mut().unwrap();
    for word in words {
        let next = vocab.len();
        vocab.entry(word.clone()).or_insert(next.into());
    }
    file["model"]["max_input_chars_per_word"] = most_chars.into();
    file["model"]["continuing_subword_prefix"] = prefix.into();
    file
}

fn open(file: &Value) -> Tokenizer {
    Tokenizer::from_json(file.to_string().as_bytes(), Path::new("t.json")).unwrap()
}

/// Ids, offsets, words and all else are the crate's.
fn check(file: &Value, texts: &[&str]) {
    let ours = open(file).with_words(WordRule::PreTokenizer);
    let mut library = tokenizers::Tokenizer::from_bytes(file.to_string()).unwrap();
    library.set_encode_special_tokens(true);
    for text in texts {
        let expected = library.encode(*text, true).unwrap();
        check_encoding(text, &ours.encode(text, usize::MAX).unwrap(), &expected);
    }
    let written = String::from_utf8(ours.to_json().unwrap()).unwrap();
    assert_eq!(written, library.to_string(true).unwrap());
    let most = library.get_vocab(true).into_values().max();
    assert_eq!(ours.vocab_size(), most.map_or(0, |id| id as usize + 1));
    for id in 0..ours.vocab_size() as u32 + 2 {
        let token = library.id_to_token(id);
        assert_eq!(ours.token(id), token);
        assert_eq!(
            token.as_deref().map(|token| ours.id(token)),
            token.as_deref().map(|token| library.token_to_id(token))
        );
    }
}

fn check_encoding(text: &str, found: &Encoding, expected: &tokenizers::Encoding) {
    assert_eq!(found.ids, expected.get_ids(), "{text:?}");
    if found.is_blank() {
        return;
    }
    for (i, &special) in expected.get_special_tokens_mask().iter().enumerate() {
        let word = expected.get_word_ids()[i].filter(|_| special == 0);
        assert_eq!(found.words[i], word, "{text:?}");
        if word.is_some() {
            let (start, end) = expected.get_offsets()[i];
            let range = found.offsets[i].clone();
            assert_eq!(range.start, floor(text, start), "{text:?}");
            // Or more: combining marks that were stripped.
            let marks = &text[ceil(text, end)..range.end];
            assert!(
                marks.chars().all(|c| ('\u{300}'..='\u{36f}').contains(&c)),
                "{text:?} {marks:?}"
            );
        }
    }
}

fn scored(words: &[&str]) -> Vec<(String, f64)> {
    let scores = (0..).map(|i| -f64::from(i % 5) - 1.0);
    words
        .iter()
        .map(|word| (*word).to_owned())
        .zip(scores)
        .collect()
}

#[test]
fn unigram_is_that_of_the_crate() {
    let words = [
        "▁",
        "a",
        "b",
        "ab",
        "aba",
        "▁a",
        "▁ab",
        "bab",
        "查",
        "询",
        "查询",
        "订单",
        "é",
        "e",
        "n",
        "na",
        "👍",
        "🏽",
        "xx",
        "xxxx",
        "▁Where",
        "▁is",
        "o",
        "r",
        "der",
        "▁or",
        "1",
        "12",
        "345",
        "",
        "ab",
        "\u{10ffff}",
        "한",
        "<unk>",
    ];
    let plain = scored(&words);
    check(&unigram(&plain, false), &TEXTS);
    check(&unigram(&plain, true), &TEXTS); // without the tokens of bytes
    let bytes = (0..=255).map(|byte| (format!("<0x{byte:02X}>"), -20.0));
    let with_bytes: Vec<_> = plain.into_iter().chain(bytes).collect();
    check(&unigram(&with_bytes, true), &TEXTS);
    check(&unigram(&[], false), &TEXTS);
}

#[test]
fn word_piece_is_that_of_the_crate() {
    let words = [
        "a",
        "##b",
        "##a",
        "ab",
        "##ab",
        "##ba",
        "x",
        "##x",
        "##xxxx",
        "##",
        "",
        "e",
        "##\u{301}",
        "👍",
    ]
    .map(str::to_owned);
    check(&word_piece(&words, 100, "##"), &TEXTS);
    check(&word_piece(&words, 5, "##"), &TEXTS);
    check(&word_piece(&words, 100, ""), &TEXTS);
    check(&word_piece(&words, 100, "@@"), &TEXTS);
    check(&word_piece(&words, 0, "##"), &TEXTS);
}

/// Where BERT's tokenizer takes common text apart without the crate, and at the edges of that.
#[test]
fn every_common_character_is_cut_as_the_crate_does() {
    let ranges = [
        0x00..0x300,
        0x2000..0x2070,
        0x2ff0..0x3042,
        0x3400..0x3420,
        0x4da0..0x4e20,
        0x9f90..0xa010,
        0xfe00..0x10000,
    ];
    let chars: Vec<char> = ranges
        .into_iter()
        .flatten()
        .filter_map(char::from_u32)
        .collect();
    let texts: Vec<String> = chars
        .iter()
        .map(|c| format!("a{c}b {c} {c}{c}单"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let words: Vec<String> = chars.iter().map(char::to_string).collect();
    let mut file = word_piece(&words, 100, "##");
    check(&file, &texts);
    file["normalizer"]["lowercase"] = false.into();
    check(&file, &texts);
    file["normalizer"]["handle_chinese_chars"] = false.into();
    check(&file, &texts);
    file["normalizer"]["clean_text"] = false.into();
    check(&file, &texts);
    file["post_processor"] = Value::Null;
    check(&file, &texts);
    file["added_tokens"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 5, "content": "单",
        "single_word": false, "lstrip": true, "rstrip": false, "normalized": false,
        "special": false}));
    check(&file, &texts);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default()
    })]

    #[test]
    fn any_unigram_is_that_of_the_crate(
        words in prop::collection::vec(("[ab▁查é😀<]{1,4}", 0..4u8), 0..30),
        texts in prop::collection::vec("[ab 查é😀c<\u{301}]{0,24}", 4),
        bytes: bool,
    ) {
        let words: Vec<_> = words.into_iter().map(|(word, cost)| (word, -f64::from(cost))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        check(&unigram(&words, bytes), &texts);
    }

    #[test]
    fn any_word_piece_is_that_of_the_crate(
        words in prop::collection::vec("(##)?[ab查é😀，]{1,3}", 0..40),
        texts in prop::collection::vec("[ab 查é😀c\u{301}]{0,24}|[abAc 查，.Ａ]{0,24}", 4),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        check(&word_piece(&words, 12, "##"), &texts);
    }

    #[test]
    fn a_long_text_is_cut_where_all_of_it_would_be(
        text in "([ab查é订单 ]{0,12}|order ing|  |\u{301})*",
        max_length in 2..12usize,
    ) {
        let ours = open(&word_piece(&[], 100, "##"));
        let whole = ours.encode(&text, usize::MAX).unwrap();
        let found = ours.encode(&text, max_length).unwrap();
        if text.len() <= max_length * MOST_BYTES_A_TOKEN {
            let kept = whole.ids.len().min(max_length) - 1;
            prop_assert_eq!(&found.ids[..kept], &whole.ids[..kept]);
            // Of unknown tokens alone there are no words.
            if !found.is_blank() {
                prop_assert_eq!(&found.offsets[..kept], &whole.offsets[..kept]);
                prop_assert_eq!(&found.words[..kept], &whole.words[..kept]);
            }
            prop_assert_eq!(found.truncated, whole.ids.len() > max_length);
            prop_assert_eq!(found.ids.len(), kept + 1);
        }
    }
}

#[test]
fn of_a_long_text_a_beginning_is_looked_at() {
    let ours = open(&word_piece(&[], 100, "##"));
    let blank = " ".repeat(9 * MOST_BYTES_A_TOKEN) + "order";
    let encoding = ours.encode(&blank, 8).unwrap();
    assert_eq!((encoding.ids.len(), encoding.truncated), (2, true));
    let encoding = ours.encode(&"order ".repeat(1 << 20), 8).unwrap();
    assert_eq!((encoding.ids.len(), encoding.truncated), (8, true));
    assert_eq!(encoding.offsets[6], 30..35);
    let encoding = ours.encode(&blank, 100).unwrap();
    assert_eq!((encoding.ids.len(), encoding.truncated), (3, false));
}

fn in_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = chunk
            .iter()
            .zip([16, 8, 0])
            .fold(0u32, |bits, (&b, by)| bits | u32::from(b) << by);
        let digit = |i: usize| match i <= chunk.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]),
            false => '=',
        };
        [digit(0), digit(1), digit(2), digit(3)]
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// A table of characters with these units and texts.
fn charsmap(units: &[u32], texts: &[u8]) -> String {
    let mut bytes = (units.len() as u32 * 4).to_le_bytes().to_vec();
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(texts);
    in_base64(&bytes)
}

#[test]
fn files_that_the_crate_panics_on_are_refused() {
    let good = unigram(&scored(&["a"]), false);
    let with = |key: &str, value: Value| {
        let mut file = good.clone();
        file[key] = value;
        file.to_string()
    };
    let table = |map: Value| {
        with(
            "normalizer",
            json!({"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": map}]}),
        )
    };
    let mut empty_units = vec![0u32; 256];
    let valid = table(charsmap(&empty_units, b"a\0").into());
    assert!(Tokenizer::from_json(valid.as_bytes(), Path::new("t.json")).is_ok());
    empty_units[0] = 1 << 10 << 8;
    let mut value_at_root = vec![0u32; 256];
    value_at_root[0] = 1 << 31;
    let bpe = |prefix: &str, merge: &str| {
        with(
            "model",
            json!({"type": "BPE", "merges": [merge],
        "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 3}, "continuing_subword_prefix": prefix}),
        )
    };
    assert!(Tokenizer::from_json(bpe("", "a b").as_bytes(), Path::new("t.json")).is_ok());
    let whole = good.to_string();
    let decoder =
        |text: &str| whole.replace("\"decoder\":{", &format!("\"decoder\":{{\"x\":{text},"));
    let broken = [
        (decoder("\"\\ud800\""), ":1:"),
        (decoder("1e999"), ":1:"),
        (
            table("*".into()),
            ": a precompiled_charsmap that leads nowhere",
        ),
        (table(Value::Null), ": a precompiled_charsmap"),
        (table("".into()), ": a precompiled_charsmap"),
        (table(charsmap(&[], b"").into()), ": a precompiled_charsmap"),
        (
            table(charsmap(&[0; 255], b"").into()),
            ": a precompiled_charsmap",
        ),
        (
            table(charsmap(&empty_units, b"").into()),
            ": a precompiled_charsmap",
        ),
        (
            table(charsmap(&value_at_root, b"").into()),
            ": a precompiled_charsmap",
        ),
        (
            with("pre_tokenizer", json!({"length": 0})),
            ": pieces of length 0, expected",
        ),
        (
            table(charsmap(&[0; 256], b"\xff").into()),
            ": a precompiled_charsmap",
        ),
        (table("AAAAQA==".into()), ": a precompiled_charsmap"),
        (
            with(
                "decoder",
                json!({"type": "Sequence", "decoders": [
                {"type": "Strip", "content": " ", "start": 0, "stop": 1}]}),
            ),
            ": a decoder that strips characters of the end, expected Strip with stop 0",
        ),
        (
            with("pre_tokenizer", json!({"type": "FixedLength", "length": 0})),
            ": pieces of length 0, expected",
        ),
        (bpe("abc", "a b"), ": the merge \"a b\", expected"),
        (bpe("", "ab ab"), ": the merge"),
        (
            with("model", json!({"type": "Unigram", "vocab": {}})),
            ": a Unigram model",
        ),
        (
            with("model", json!({"type": "WordPiece", "vocab": {}})),
            ": a WordPiece model",
        ),
        (
            whole.replace("\"unk_id\":3", "\"unk_id\":9"),
            ": a Unigram model whose unk_id",
        ),
        (with("model", Value::Null), ":1:"),
    ];
    for (file, message) in broken {
        let error = Tokenizer::from_json(file.as_bytes(), Path::new("t.json")).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("t.json{message}")),
            "{error}"
        );
    }
}

#[test]
fn no_decoder_fails_on_few_tokens() {
    let good = unigram(&scored(&["a", "▁", "<0x41>", "<0xé>"]), false);
    for decoder in [
        json!({"type": "BPEDecoder", "suffix": "</w>"}),
        json!({"type": "ByteFallback"}),
        json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
        json!({"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": true}),
        json!({"type": "Fuse"}),
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}),
        json!({"type": "Replace", "pattern": {"Regex": "(a|▁)*"}, "content": ""}),
        json!({"type": "Strip", "content": "a", "start": 9, "stop": 0}),
        json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        Value::Null,
    ] {
        let mut file = good.clone();
        file["decoder"] = decoder;
        let tokenizer =
            Tokenizer::from_json(file.to_string().as_bytes(), Path::new("t.json")).unwrap();
        for first in 0..7 {
            for ids in [&[][..], &[first], &[first, 0], &[99, first, u32::MAX]] {
                tokenizer.decode(ids, false).unwrap();
                tokenizer.decode(ids, true).unwrap();
            }
        }
    }
}
