//! Texts as tokens: cut, in batches, long ones, and where tokens begin and end.

use cs_data::*;
use proptest::prelude::*;

use crate::common::{TEXTS, seeded};

#[test]
fn truncation_keeps_both_ends() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let whole = tokenizer.encode("查询订单", 6).unwrap();
    assert!(!whole.truncated);
    let cut = tokenizer.encode("查询订单", 4).unwrap();
    assert_eq!(cut.ids, [&whole.ids[..3], &[3]].concat());
    assert_eq!(cut.offsets, [0..0, 0..3, 3..6, 0..0]);
    assert!(cut.truncated);
    assert_eq!(tokenizer.encode("查询订单", 2).unwrap().ids, [2, 3]);
    let error = tokenizer.encode("查", 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "max_length is 1, expected at least 2 (the special tokens)"
    );
    assert_eq!(tokenizer.encode("", 2).unwrap().ids, [2, 3]);
}

#[test]
fn a_batch_equals_its_parts() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    for repeats in [1, 20] {
        let texts: Vec<&str> = TEXTS
            .into_iter()
            .cycle()
            .take(TEXTS.len() * repeats)
            .collect();
        let batch = tokenizer.encode_batch(&texts, 9).unwrap();
        for (text, encoding) in texts.iter().zip(&batch) {
            assert_eq!(&tokenizer.encode(text, 9).unwrap(), encoding);
        }
    }
}

#[test]
fn a_megabyte_takes_linear_time() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    for piece in ["x", "查", "order ", "e\u{301}", "😀"] {
        let text = piece.repeat((1 << 20) / piece.len());
        assert!(tokenizer.encode(&text, 128).unwrap().ids.len() <= 128);
    }
}

proptest! {
    #![proptest_config(seeded(64))]

    #[test]
    fn offsets_of_any_text_are_on_characters(text in "(\\PC|[ \ta-c查e\u{301}\u{1112}\u{1161}])*") {
        let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
        let encoding = tokenizer.encode(&text, 64).unwrap();
        for range in &encoding.offsets {
            prop_assert!(text.get(range.clone()).is_some(), "{:?}", range);
        }
        let words = encoding.word_list();
        prop_assert!(words.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        prop_assert!(words.iter().all(|word| !word.range.is_empty()));
        // Every word is a span that can be tagged and read back.
        let spans: Vec<Span> =
            words.iter().map(|w| Span::new(w.range.start, w.range.end, "w")).collect();
        let set = TagSet::of_labels(["w"], Scheme::Iob2).unwrap();
        let aligned = set.align(&encoding, &spans);
        prop_assert_eq!(aligned.misaligned, [0usize; 0]);
        let ids: Vec<u32> = aligned.ids.iter().map(|id| id.unwrap_or(0)).collect();
        prop_assert_eq!(set.spans_of(&encoding, &ids), spans);
    }
}
