//! Tokenizers with fewer words against whole ones.

use std::collections::BTreeSet;

use cs_data::{SplitMix, Tokenizer};
use serde_json::{Value, json};

/// A tokenizer of this model, with `<unk>` and words between spaces.
fn tokenizer(model: &Value) -> Tokenizer {
    let unknown = json!({"id": 0, "content": "<unk>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true});
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [unknown],
        "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null,
        "decoder": null, "model": model,
    });
    Tokenizer::from_json(file.to_string().as_bytes(), "tokenizer.json".as_ref()).unwrap()
}

fn tokens(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let ids = tokenizer.encode(text, usize::MAX).unwrap().ids;
    ids.into_iter()
        .filter_map(|id| tokenizer.token(id))
        .collect()
}

/// All texts of `corpus` are cut by a tokenizer trimmed to it as by the whole one.
fn assert_same(whole: &Tokenizer, corpus: &[String]) -> Tokenizer {
    let counts = whole
        .count_tokens(corpus.iter().map(String::as_str))
        .unwrap();
    let kept: BTreeSet<u32> = counts.into_keys().collect();
    let (trimmed, old) = whole.trim(&kept).unwrap();
    assert_eq!(trimmed.vocab_size(), old.len());
    assert!(old.is_sorted());
    for text in corpus {
        let (before, after) = (
            whole.encode(text, 99).unwrap(),
            trimmed.encode(text, 99).unwrap(),
        );
        let ids: Vec<u32> = after.ids.iter().map(|&id| old[id as usize]).collect();
        assert_eq!(before.ids, ids, "{text}");
        assert_eq!(before.offsets, after.offsets, "{text}");
    }
    trimmed
}

/// Words of `a` to `e` and now and then of `x`, which no tokenizer here knows.
fn words(seed: u64) -> Vec<String> {
    let mut random = SplitMix::new(seed);
    let mut word = || -> String {
        let length = 1 + random.next() % 7;
        (0..length)
            .map(|_| ['a', 'b', 'c', 'd', 'e', 'x'][(random.next() % 31 / 6) as usize])
            .collect()
    };
    (0..4).map(|_| [word(), word(), word()].join(" ")).collect()
}

/// Pieces of up to three letters, most of them.
fn pieces(seed: u64) -> Vec<String> {
    let mut random = SplitMix::new(seed ^ 99);
    let letters = ["", "a", "b", "c", "d", "e"];
    let all = letters.iter().flat_map(|a| {
        letters
            .iter()
            .flat_map(move |b| letters.map(|c| format!("{a}{b}{c}")))
    });
    let all: BTreeSet<String> = all.filter(|piece| !piece.is_empty()).collect();
    all.into_iter().filter(|_| random.below(3) > 0).collect()
}

#[test]
fn a_corpus_is_cut_as_before_by_unigram() {
    for seed in 0..200 {
        let mut random = SplitMix::new(seed);
        let score = |piece: &String| -((random.next() % 40) as f64) / 4.0 - piece.len() as f64;
        let pieces = pieces(seed);
        let scores: Vec<f64> = pieces.iter().map(score).collect();
        let mut vocab = vec![json!(["<unk>", 0.0])];
        vocab.extend(
            pieces
                .iter()
                .zip(scores)
                .map(|(piece, score)| json!([piece, score])),
        );
        let whole = tokenizer(&json!({"type": "Unigram", "unk_id": 0, "vocab": vocab}));
        assert_same(&whole, &words(seed));
    }
}

#[test]
fn a_corpus_is_cut_as_before_by_word_piece() {
    for seed in 0..200 {
        let mut vocab = serde_json::Map::from_iter([("<unk>".to_owned(), json!(0))]);
        for (at, piece) in pieces(seed).into_iter().enumerate() {
            let piece = if at % 2 == 0 {
                piece
            } else {
                format!("##{piece}")
            };
            vocab.insert(piece, json!(at + 1));
        }
        let whole = tokenizer(
            &json!({"type": "WordPiece", "unk_token": "<unk>", "vocab": vocab,
            "continuing_subword_prefix": "##", "max_input_chars_per_word": 6}),
        );
        assert_same(&whole, &words(seed));
    }
}

#[test]
fn a_corpus_is_cut_as_before_by_byte_pairs() {
    for seed in 0..200 {
        let mut random = SplitMix::new(seed);
        let mut tokens: Vec<String> = ["<unk>", "a", "b", "c", "d"].map(String::from).to_vec();
        let mut merges = Vec::new();
        for _ in 0..30 {
            let mut any =
                || tokens[1 + (random.next() % (tokens.len() as u64 - 1)) as usize].clone();
            let (left, right) = (any(), any());
            let whole = format!("{left}{right}");
            let merge = json!([left, right]);
            if !merges.contains(&merge) && whole.len() < 6 {
                merges.push(merge);
                if !tokens.contains(&whole) {
                    tokens.push(whole);
                }
            }
        }
        let vocab: serde_json::Map<String, Value> = tokens
            .into_iter()
            .zip(0..)
            .map(|(token, id)| (token, json!(id)))
            .collect();
        let whole = tokenizer(&json!({"type": "BPE", "unk_token": "<unk>", "vocab": vocab,
            "merges": merges, "dropout": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false}));
        assert_same(&whole, &words(seed));
    }
}

#[test]
fn whole_words_can_go_too() {
    let whole = tokenizer(&json!({"type": "WordLevel", "unk_token": "<unk>",
        "vocab": {"<unk>": 0, "my": 1, "your": 2, "order": 3}}));
    let trimmed = assert_same(&whole, &["my order".to_owned(), "no order".to_owned()]);
    assert_eq!(tokens(&trimmed, "your order"), ["<unk>", "order"]);
}

#[test]
fn an_unknown_word_of_the_corpus_stays_unknown() {
    // "abc" begins with "ab", after which nothing goes on; with "a" alone, something would.
    let whole = tokenizer(&json!({"type": "WordPiece", "unk_token": "<unk>",
        "vocab": {"<unk>": 0, "a": 1, "ab": 2, "##bc": 3},
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}));
    assert_eq!(tokens(&whole, "abc abc a"), ["<unk>", "<unk>", "a"]);
    assert_same(
        &whole,
        &["abc a abcbc".to_owned(), "a".to_owned(), "aabc".to_owned()],
    );
    assert_same(&whole, &["abc a".to_owned(), "abbc".to_owned()]);
}
