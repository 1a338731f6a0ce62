//! Spans onto the words of texts in both languages.

use cs_data::*;

use crate::common::TEXTS;

/// The tags of words, as text.
fn words_tags(set: &TagSet, aligned: &TagIds) -> Vec<String> {
    let ids = aligned.ids.iter().flatten();
    ids.map(|&id| set.tags()[id as usize].clone()).collect()
}

#[test]
fn spans_of_chinese_and_english_texts_align() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let text = "查询订单12345的状态, e\u{301}clair orders";
    let encoding = tokenizer.encode(text, 64).unwrap();
    let span = |piece: &str, label: &str| {
        let start = text.find(piece).unwrap();
        Span::new(start, start + piece.len(), label)
    };
    let spans = [
        span("订单", "what"),
        span("12345", "order_id"),
        span("e\u{301}clair", "item"),
    ];
    let set = TagSet::of_labels(["what", "order_id", "item"], Scheme::Iob2).unwrap();
    let aligned = set.align(&encoding, &spans);
    assert_eq!(aligned.misaligned, [0usize; 0]);
    assert_eq!(
        words_tags(&set, &aligned).join(" "),
        "O O B-what I-what B-order_id O O O O B-item O"
    );
    let first: Vec<usize> = encoding.word_list().iter().map(|word| word.first).collect();
    let scored = aligned.ids.iter().enumerate();
    let scored: Vec<usize> = scored.filter_map(|(at, id)| id.map(|_| at)).collect();
    assert_eq!(first, scored);
}

#[test]
fn spans_that_cannot_be_tagged_are_listed() {
    let tokenizer = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let set = TagSet::of_labels(["x"], Scheme::Iob2).unwrap();
    let text = "查询 order refund";
    let encoding = tokenizer.encode(text, 64).unwrap();
    let x = |start, end| Span::new(start, end, "x");
    // White space at the edges is nobody's; half a word is not.
    let aligned = set.align(&encoding, &[x(0, 7), x(7, 9), x(12, 13), x(13, 19)]);
    assert_eq!(aligned.misaligned, [1, 2]);
    assert_eq!(words_tags(&set, &aligned).join(" "), "B-x I-x O B-x");

    let cut = tokenizer.encode(text, 4).unwrap();
    let spans = [x(0, 3), x(3, 12), x(13, 19), x(90, 99)];
    assert_eq!(set.align(&cut, &spans).misaligned, [1, 2, 3]);
    let nothing = tokenizer.encode(text, 2).unwrap();
    assert_eq!(set.align(&nothing, &[x(0, 3)]).misaligned, [0]);
}
