//! Inline markup: the grammar by example, round trips, each broken line beside its valid twin.

use cs_data::text::floor;
use cs_data::*;
use proptest::prelude::*;
use serde_json::json;

use crate::common::{place_of, plain, read_as, saved, seeded};

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<Utterance>> {
    read_as("rows.markup", bytes, &plain())
}

fn failure(bytes: impl AsRef<[u8]>) -> String {
    place_of("rows.markup", read(bytes))
}

fn save(rows: &[Utterance]) -> Result<(String, Losses)> {
    saved(rows, Format::Markup)
}

/// Speaker, text, and each span as its text and label.
fn parsed(line: &str) -> (Option<String>, String, Vec<(String, String)>) {
    let row = read(line).unwrap().remove(0);
    let spans = row
        .spans
        .iter()
        .map(|s| (row.text[s.range()].to_owned(), s.label.clone()));
    let speaker = row
        .extra
        .get("speaker")
        .map(|name| name.as_str().unwrap().to_owned());
    (speaker, row.text.clone(), spans.collect())
}

#[test]
fn the_grammar_by_example() {
    type Case<'a> = (&'a str, Option<&'a str>, &'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 15] = [
        (
            "[用户] 查询[订单]12345[状态]",
            Some("用户"),
            "查询订单12345状态",
            &[("12345", "订单"), ("状态", "状态")],
        ),
        (
            "查询[12345](order_id)",
            None,
            "查询12345",
            &[("12345", "order_id")],
        ),
        (
            "to [New York](city) today",
            None,
            "to New York today",
            &[("New York", "city")],
        ),
        ("[用户](x) 你好", None, "用户 你好", &[("用户", "x")]),
        ("[用户]你好", None, "用户你好", &[("你好", "用户")]),
        ("[用户]", None, "用户", &[("用户", "用户")]),
        (
            "[客服] [状态] 好",
            Some("客服"),
            "状态 好",
            &[("状态", "状态")],
        ),
        (
            "[单号]A-1_b查询",
            None,
            "单号A-1_b查询",
            &[("A-1_b", "单号")],
        ),
        (
            "[城市]北京，天气",
            None,
            "城市北京，天气",
            &[("北京", "城市")],
        ),
        ("[城市]北京12", None, "城市北京12", &[("北京", "城市")]),
        ("[城市]，北京", None, "城市，北京", &[("城市", "城市")]),
        ("[x]é", None, "xé", &[("x", "x")]),
        ("a \\[b] \\c \\\\[d]", None, "a [b] \\c \\[d]", &[]),
        (
            "[a\\[b](x) [c\\](y)",
            None,
            "a[b c\\",
            &[("a[b", "x"), ("c\\", "y")],
        ),
        ("[도시]서울", None, "도시서울", &[("서울", "도시")]),
    ];
    for (line, speaker, text, spans) in cases {
        let (found_speaker, found_text, found_spans) = parsed(line);
        assert_eq!(
            (found_speaker.as_deref(), found_text.as_str()),
            (speaker, text),
            "{line}"
        );
        let found: Vec<(&str, &str)> = found_spans
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(found, spans, "{line}");
    }
}

#[test]
fn lines_of_the_design_are_written_as_they_were() {
    let file =
        "[用户] 查询[订单]12345[状态]\nto [New York](city)\n  \\[x] [a b](c)\n[状态](状态) 好\n";
    let rows = read(file).unwrap();
    let (text, lost) = save(&rows).unwrap();
    assert_eq!(text, file);
    assert!(lost.is_empty());
}

#[test]
fn what_has_no_place_is_reported() {
    let mut row = Utterance::new("a", "查询 a]b")
        .with_intent("x")
        .with_sentiment(0.5);
    row.spans = vec![Span::new(0, 6, "ok"), Span::new(7, 10, "no")];
    row.dialogue = Some(Turn {
        dialogue_id: "d".into(),
        turn: 0,
        speaker: Some("用户".into()),
    });
    row.extra.insert("k".into(), json!(1));
    let (text, lost) = save(&[row]).unwrap();
    assert_eq!(text, "[用户] [查询](ok) a]b\n");
    assert_eq!(
        lost.to_string(),
        "dialogue_id in 1 row, extra in 1 row, id in 1 row, intent in 1 row, sentiment in 1 row, spans in 1 row"
    );
    for text in ["", "a\nb", "a\r"] {
        let error = save(&[Utterance::new("7", text)]).unwrap_err();
        assert!(
            matches!(&error, Error::Unwritable { id, .. } if id == "7"),
            "{error}"
        );
    }
}

#[test]
fn broken_lines_beside_their_valid_twins() {
    let cases: [(&str, &[u8], &str); 10] = [
        (
            "好\n查[询]",
            "好\n查[询".as_bytes(),
            "2:2: \"[询\", expected a closing bracket",
        ),
        (
            "查\\[询",
            "查[询[".as_bytes(),
            "1:4: \"[\", expected \\[ inside brackets",
        ),
        ("[a]", b"[]", "1:1: \"[]\", expected a word in the brackets"),
        (
            "b [a]",
            b"b [a c]",
            "1:4: \"a c]\", expected a label, one word",
        ),
        (
            "[a b](c)",
            b"[a b](c",
            "1:6: \"(c\", expected a closing parenthesis",
        ),
        (
            "[a b](c)",
            b"[a b]()",
            "1:7: \")\", expected a label, one word",
        ),
        (
            "[a b](c)",
            b"[a b](c d)",
            "1:7: \"c d)\", expected a label, one word",
        ),
        ("[a] b", b"[] b", "1:1: "),
        ("ab", b"a\xffb", "1:2: the byte 0xff, expected UTF-8"),
        ("ab", b"a\0b", "1:2: a NUL byte, expected text"),
    ];
    for (valid, broken, message) in cases {
        read(valid).unwrap_or_else(|error| panic!("{valid:?}: {error}"));
        let found = failure(broken);
        assert!(found.starts_with(message), "{valid:?}: {found}");
    }
    let empty = read("\n\n").unwrap_err().to_string();
    assert!(
        empty.ends_with("no rows, expected at least one row"),
        "{empty}"
    );
    let long = failure("[a]b ".repeat(1 << 18));
    assert!(long.starts_with("1:1: text of 786432 bytes"), "{long}");
    assert!(failure("[".repeat(1 << 20)).starts_with("1:2: "));
}

fn rows() -> impl Strategy<Value = Vec<Utterance>> {
    let text = "[ab\\[\\]()\\\\订单，é \t\u{feff}\\-1]{1,12}";
    let label = "(a|b|订单|单|x\\)|订\\[|\\\\|1)";
    let row = (
        text,
        any::<(u8, u8, u8)>(),
        label,
        label,
        proptest::option::of("[a用 (]{1,3}"),
    );
    let row = row.prop_map(|(text, (a, b, c), first, second, speaker)| {
        let edge = |byte: u8| floor(&text, usize::from(byte) % (text.len() + 1));
        let mut edges = [edge(a), edge(b), edge(c)];
        edges.sort_unstable();
        let spans = [(edges[0], edges[1], first), (edges[1], edges[2], second)];
        let spans = spans.into_iter().filter(|(start, end, _)| start < end);
        let spans = spans
            .map(|(start, end, label)| Span::new(start, end, label))
            .collect();
        let mut row = Utterance::new("", text.clone()).with_spans(spans);
        row.extra
            .extend(speaker.map(|name| ("speaker".into(), name.into())));
        row
    });
    proptest::collection::vec(row, 1..4).prop_map(|mut rows| {
        rows.iter_mut()
            .enumerate()
            .for_each(|(at, row)| row.id = at.to_string());
        rows
    })
}

proptest! {
    #![proptest_config(seeded(300))]

    #[test]
    fn rows_come_back_as_they_were_but_for_what_is_reported(rows in rows()) {
        let (text, lost) = save(&rows).unwrap();
        let back = read(&text).unwrap();
        prop_assert_eq!(back.len(), rows.len());
        let mut short = 0;
        for (old, new) in rows.iter().zip(&back) {
            prop_assert_eq!((&old.text, &old.extra), (&new.text, &new.extra), "{}", text);
            prop_assert!(new.spans.iter().all(|span| old.spans.contains(span)), "{}", text);
            short += usize::from(new.spans.len() < old.spans.len());
        }
        prop_assert_eq!(lost.rows("spans"), short);
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_change_of_a_file_is_rows_or_an_error(rows in rows(), at in any::<usize>(), byte in any::<u8>()) {
        let mut bytes = save(&rows).unwrap().0.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read(&bytes);
    }
}
