//! Tokenizers as RoBERTa, XLM-R, ALBERT and DistilBERT ship them: what they make of texts beside
//! Hugging Face (`reference/families.py`), and that spans keep their place.

use std::path::Path;
use std::sync::LazyLock;

use cs_data::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{reference, seeded};

const FAMILIES: [&str; 6] = [
    "roberta",
    "roberta_prefix_space",
    "roberta_untrimmed",
    "xlm_roberta",
    "albert",
    "distilbert",
];

fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(reference(name)).unwrap()).unwrap()
}

fn tokenizer(name: &str) -> Tokenizer {
    let file = match name.starts_with("roberta") {
        true => "roberta",
        false => name,
    };
    let mut file = json(&format!("families/{file}.json"));
    match name {
        "roberta_prefix_space" => {
            file["pre_tokenizer"]["add_prefix_space"] = true.into();
            file["post_processor"]["add_prefix_space"] = true.into();
        }
        "roberta_untrimmed" => file["post_processor"]["trim_offsets"] = false.into(),
        _ => {}
    }
    Tokenizer::from_json(file.to_string().as_bytes(), Path::new("tokenizer.json")).unwrap()
}

/// A token as Hugging Face gives it: its characters, and the pre-tokenizer's word.
fn token(text: &str, token: &Value) -> (Option<u32>, std::ops::Range<usize>) {
    let Some(numbers) = token.as_array() else {
        return (None, 0..0);
    };
    let number = |i: usize| numbers[i].as_u64().unwrap() as usize;
    let byte = |chars: usize| {
        let mut bytes = text.char_indices().map(|(byte, _)| byte);
        bytes.nth(chars).unwrap_or(text.len())
    };
    (Some(number(2) as u32), byte(number(0))..byte(number(1)))
}

#[test]
fn tokens_are_those_of_hugging_face() {
    let expected = json("families.json");
    let texts = expected["texts"].as_array().unwrap();
    for name in FAMILIES {
        let tokenizer = tokenizer(name).with_words(WordRule::PreTokenizer);
        for (text, expected) in texts.iter().zip(expected[name].as_array().unwrap()) {
            let text = text.as_str().unwrap();
            let found = tokenizer.encode(text, 128).unwrap();
            let ids = expected["ids"].as_array().unwrap();
            let ids: Vec<u32> = ids.iter().map(|id| id.as_u64().unwrap() as u32).collect();
            assert_eq!(found.ids, ids, "{name} {text:?}");
            if found.is_blank() {
                continue;
            }
            let tokens = expected["tokens"].as_array().unwrap();
            for (i, expected) in tokens.iter().enumerate() {
                let (word, range) = token(text, expected);
                let place = format!("{name} {text:?} {i}");
                assert_eq!(found.words[i], word, "{place}");
                if tokenizer.token(found.ids[i]).as_deref() == Some("Ġ") {
                    continue; // of a space that no text has, Hugging Face takes one off the end
                }
                let own = found.offsets[i].clone();
                assert_eq!(own.start, range.start, "{place}");
                // Or more: combining marks that were stripped.
                let rest = text[range.end..own.end].trim_start_matches('\u{301}');
                assert_eq!(rest, "", "{place}");
            }
        }
    }
}

/// Each text with some of its words.
#[test]
fn spans_of_words_keep_their_place() {
    let texts: [(&str, &[&str]); 9] = [
        ("查询订单12345的状态", &["12345"]),
        (
            "where is my ORDER 12345?",
            &["where", "is", "my", "ORDER", "12345", "?"],
        ),
        (
            "我的 order A1024 在哪，想退款refund",
            &["order", "A1024", "，", "refund"],
        ),
        (
            "  two  spaces\tand a tab ",
            &["two", "spaces", "and", "a", "tab"],
        ),
        (
            "order-12345_a, ok",
            &["order", "-", "12345", "_", "a", ",", "ok"],
        ),
        (
            "cafe\u{301} naïve Ångström",
            &["cafe\u{301}", "naïve", "Ångström"],
        ),
        (
            "한국어 orders 주문 Москва",
            &["한국어", "orders", "주문", "Москва"],
        ),
        ("支付宝", &["支付宝"]),
        ("refund\n\n订单", &["refund", "订单"]),
    ];
    let set = TagSet::of_labels(["w"], Scheme::Iob2).unwrap();
    for name in FAMILIES {
        let tokenizer = tokenizer(name);
        for (text, words) in texts {
            let mut from = 0;
            let spans = words.iter().map(|word| {
                let start = from + text[from..].find(word).unwrap();
                from = start + word.len();
                Span::new(start, from, "w")
            });
            let spans: Vec<Span> = spans.collect();
            let encoding = tokenizer.encode(text, 128).unwrap();
            if encoding.is_blank() {
                continue;
            }
            let aligned = set.align(&encoding, &spans);
            assert_eq!(
                aligned.misaligned, [0usize; 0],
                "{name} {text:?} {encoding:?}"
            );
            let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
            assert_eq!(set.spans_of(&encoding, &ids), spans, "{name} {text:?}");
        }
    }
}

#[test]
fn a_space_alone_is_no_word() {
    // Byte-level BPE and SentencePiece put a space before the text, here a token of its own.
    for (name, space) in [
        ("roberta_prefix_space", "Ġ"),
        ("xlm_roberta", "▁"),
        ("albert", "▁"),
    ] {
        let tokenizer = tokenizer(name);
        let encoding = tokenizer.encode("状态 order", 32).unwrap();
        assert_eq!(
            tokenizer.token(encoding.ids[1]).as_deref(),
            Some(space),
            "{name}"
        );
        assert_eq!(
            (encoding.words[1], encoding.offsets[1].clone()),
            (None, 0..0),
            "{name}"
        );
        assert_eq!(
            (encoding.words[2], encoding.offsets[2].start),
            (Some(0), 0),
            "{name}"
        );
    }
}

#[test]
fn what_a_corpus_does_not_need_can_go() {
    let corpus = ["订单 A1024 is late", "refund, please", "退款！"];
    for name in FAMILIES {
        let whole = tokenizer(name);
        let counts = whole.count_tokens(corpus).unwrap();
        let (trimmed, old) = whole.trim(&counts.into_keys().collect()).unwrap();
        assert!(trimmed.vocab_size() < whole.vocab_size(), "{name}");
        for text in corpus {
            let (before, after) = (
                whole.encode(text, 99).unwrap(),
                trimmed.encode(text, 99).unwrap(),
            );
            let ids: Vec<u32> = after.ids.iter().map(|&id| old[id as usize]).collect();
            assert_eq!(
                (before.ids, before.offsets),
                (ids, after.offsets),
                "{name} {text}"
            );
        }
        // What the corpus lacks has a token all the same: bytes, or an unknown one.
        let other = trimmed.encode("Москва", 99).unwrap();
        assert!(other.ids.len() > 2, "{name}");
        if name.starts_with("roberta") {
            assert_eq!(
                other.ids.len(),
                2 + "Москва".len() + usize::from(name.contains("prefix"))
            );
        }
    }
}

/// Each family with its tokenizer.
static ALL: LazyLock<Vec<(&str, Tokenizer)>> =
    LazyLock::new(|| FAMILIES.map(|name| (name, tokenizer(name))).into());

proptest! {
    #![proptest_config(seeded(64))]

    #[test]
    fn every_word_of_any_text_keeps_its_place(
        text in "(\\PC|[ \ta-c1查订单ĠＡ▁e\u{301}\u{1112}\u{1161}])*"
    ) {
        let set = TagSet::of_labels(["w"], Scheme::Iob2).unwrap();
        for (name, tokenizer) in &*ALL {
            let encoding = tokenizer.encode(&text, 256).unwrap();
            let words = encoding.word_list();
            let apart = words.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start);
            prop_assert!(apart, "{name} {words:?}");
            for word in &words {
                let seen = text.get(word.range.clone());
                prop_assert!(seen.is_some_and(|seen| !seen.trim().is_empty()), "{name} {word:?}");
            }
            let spans: Vec<Span> =
                words.iter().map(|w| Span::new(w.range.start, w.range.end, "w")).collect();
            let aligned = set.align(&encoding, &spans);
            prop_assert_eq!(aligned.misaligned, [0usize; 0], "{}", name);
            let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
            prop_assert_eq!(set.spans_of(&encoding, &ids), spans, "{}", name);
        }
    }
}
