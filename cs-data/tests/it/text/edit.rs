//! Edits move spans along, or are refused.

use std::ops::Range;

use cs_data::*;
use proptest::prelude::*;

use crate::common::{row, rows_and_choices, seeded, values};

#[test]
fn edits_refuse_what_they_cannot_keep() {
    let row = row("1", &["查询", "AB12", "的状态"]); // 0..6, 6..10, 10..19
    let apply = |edits: &[(Range<usize>, &str)]| {
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(range, text)| Edit::new(range.clone(), *text))
            .collect();
        row.edited(&edits).map(|row| row.text)
    };
    let cuts = |edit: Range<usize>| Err(EditError::CutsSpan { edit, span: 6..10 });
    assert_eq!(apply(&[(6..10, "X"), (0..6, "看")]).unwrap(), "看X的状态");
    assert_eq!(apply(&[(3..7, "x")]), cuts(3..7));
    assert_eq!(apply(&[(9..13, "x")]), cuts(9..13));
    assert_eq!(apply(&[(3..13, "x")]), cuts(3..13));
    assert_eq!(
        apply(&[(6..10, "")]),
        Err(EditError::EmptiesSpan { span: 6..10 })
    );
    assert_eq!(
        apply(&[(6..8, ""), (8..10, "")]),
        Err(EditError::EmptiesSpan { span: 6..10 })
    );
    assert_eq!(
        apply(&[(1..3, "")]),
        Err(EditError::InsideCharacter { edit: 1..3 })
    );
    assert_eq!(
        apply(&[(0..20, "")]),
        Err(EditError::OutOfBounds {
            edit: 0..20,
            len: 19
        })
    );
    assert_eq!(
        apply(&[(0..6, ""), (3..6, "")]),
        Err(EditError::Overlap { edit: 3..6 })
    );
    assert_eq!(
        apply(&[(0..6, ""), (3..3, "x")]),
        Err(EditError::Overlap { edit: 3..3 })
    );
    assert_eq!(apply(&[(0..0, "\0")]), Err(EditError::Nul { edit: 0..0 }));
    let long = "x".repeat(MAX_TEXT_BYTES);
    assert_eq!(
        apply(&[(0..0, &long)]),
        Err(EditError::TooLong {
            len: MAX_TEXT_BYTES + 19
        })
    );
    // At a span's edge an insertion stays outside, within it goes in.
    let edges = [
        Edit::new(6..6, "<"),
        Edit::new(8..8, "-"),
        Edit::new(10..10, ">"),
    ];
    let edited = row.edited(&edges).unwrap();
    assert_eq!(edited.text, "查询<AB-12>的状态");
    assert_eq!(values(&edited), [("e0", "AB-12")]);
}

proptest! {
    #![proptest_config(seeded(400))]

    /// Random edits outside of the spans, and random replacements of whole spans, over several
    /// rounds: each span's text is what it was, or what it was replaced by.
    #[test]
    fn composed_edits_keep_every_span((pieces, rounds) in rows_and_choices()) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let mut row = row("1", &pieces);
        let mut expected: Vec<String> = values(&row).iter().map(|(_, value)| value.to_string()).collect();
        for (round, choices) in rounds.iter().enumerate() {
            let mut edits = Vec::new();
            for (at, span) in row.spans.iter().enumerate() {
                if choices[at] % 3 == 0 {
                    expected[at] = format!("值{round}{at}");
                    edits.push(Edit::new(span.range(), expected[at].as_str()));
                }
            }
            for ((at, char), choice) in row.text.char_indices().zip(choices) {
                let inside = row.spans.iter().any(|span| span.range().contains(&at));
                let edge = row.spans.iter().any(|span| span.start == at);
                match choice % 5 {
                    0 if !inside || edge => edits.push(Edit::new(at..at, "嗯")),
                    1 if !inside => edits.push(Edit::new(at..at + char.len_utf8(), "")),
                    2 if !inside => edits.push(Edit::new(at..at + char.len_utf8(), "xy")),
                    _ => {}
                }
            }
            edits.reverse(); // in any order
            row = row.edited(&edits).unwrap();
            row.validate().unwrap();
            let found: Vec<String> = values(&row).iter().map(|(_, value)| value.to_string()).collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn edits_never_panic((pieces, rounds) in rows_and_choices()) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let row = row("1", &pieces);
        let edits: Vec<Edit> = rounds.iter().map(|choices| {
            let (start, end) = (choices[0] % 40, choices[1] % 40);
            Edit::new(usize::from(start)..usize::from(end), "é")
        }).collect();
        if let Ok(edited) = row.edited(&edits) {
            edited.validate().unwrap();
        }
    }
}
