//! Rows made of pieces of text, every second of which is an entity, and edits of them.

use cs_data::*;
use proptest::prelude::*;

/// A row of pieces, every second of which is an entity.
pub(crate) fn row(id: &str, pieces: &[&str]) -> Utterance {
    let mut text = String::new();
    let mut spans = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at % 2 == 1 {
            spans.push(Span::new(
                text.len(),
                text.len() + piece.len(),
                format!("e{}", at / 2),
            ));
        }
        text.push_str(piece);
    }
    Utterance::new(id, text).with_spans(spans)
}

/// The label and the text of each span.
pub(crate) fn values(row: &Utterance) -> Vec<(&str, &str)> {
    row.spans
        .iter()
        .map(|span| (span.label.as_str(), &row.text[span.range()]))
        .collect()
}

/// A row of random pieces, and for each round of edits one number a character.
pub(crate) fn rows_and_choices() -> impl Strategy<Value = (Vec<String>, Vec<Vec<u8>>)> {
    let piece = "[a-z查单吗 😀é]{1,5}";
    (
        prop::collection::vec(piece, 1..6),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 40), 1..5),
    )
}
