//! Rasa's YAML: its documented examples, round trips, each broken file beside its valid twin.

use cs_data::text::floor;
use cs_data::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{place_of, plain, read_as, saved, seeded};

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<Utterance>> {
    read_as("nlu.yml", bytes, &plain())
}

fn failure(bytes: impl AsRef<[u8]>) -> String {
    place_of("nlu.yml", read(bytes))
}

fn save(rows: &[Utterance]) -> Result<(String, Losses)> {
    saved(rows, Format::Rasa)
}

/// Every form that Rasa documents.
const FILE: &str = r#"version: "3.1"
# a comment
nlu:
- intent: book_flight
  metadata:
    sentiment: neutral
  examples: |
    - hello [there

    - from [Denver]{"entity": "city", "role": "departure"} to [LA]{"entity": "city", "role": "destination", "group": "1", "value": "Los Angeles"}
    -   in [Paris](city)  
- synonym: savings
  examples: |
    - pink pig
- intent: faq/account
  examples:
  - text: |
      my [savings account](source:savings) [now]
    metadata:
      sentiment: 0.5
  - text: "退款\t[订单](item)"
- lookup: currencies
  examples: |
    - Yen
- regex: zip
  examples: |
    - \d{5}
"#;

#[test]
fn a_list_of_entities_is_one_span_and_the_rest_beside_it() {
    let file = "nlu:\n- intent: buy\n  examples: |\n    - send the [pixel nine][{\"entity\": \"product\", \"role\": \"wanted\"}, {\"entity\": \"model\"}] today\n    - a [b][c] [d]\n";
    let rows = read(file).unwrap();
    assert_eq!(rows[0].text, "send the pixel nine today");
    assert_eq!(rows[0].spans, [Span::new(9, 19, "product")]);
    assert_eq!(
        rows[0].extra["entity_attributes"],
        json!([{"role": "wanted", "entities": [{"entity": "model"}]}])
    );
    assert_eq!(rows[1].text, "a [b][c] [d]");
    let (written, lost) = save(&rows).unwrap();
    assert!(lost.is_empty());
    assert_eq!(read(&written).unwrap(), rows, "{written}");

    let at = |list: &str| {
        failure(format!(
            "nlu:\n- intent: a\n  examples: |\n    - x [b]{list}\n"
        ))
    };
    let list = "a list of JSON objects with \"entity\"";
    assert!(at("[{\"entity\": \"a\"}").ends_with(list), "{}", at("[{"));
    assert!(
        at("[{\"entity\": \"a\"}, {\"role\": \"r\"}]").ends_with("a JSON object with \"entity\"")
    );
}

#[test]
fn every_documented_form_is_read() {
    let rows = read(FILE).unwrap();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "hello [there",
            "from Denver to LA",
            "in Paris",
            "my savings account [now]",
            "退款\t订单"
        ]
    );
    let intents: Vec<&str> = rows
        .iter()
        .map(|row| row.intent.as_deref().unwrap())
        .collect();
    assert_eq!(
        intents,
        [
            "book_flight",
            "book_flight",
            "book_flight",
            "faq/account",
            "faq/account"
        ]
    );
    assert_eq!(
        rows[1].spans,
        [Span::new(5, 11, "city"), Span::new(15, 17, "city")]
    );
    assert_eq!(
        Value::Object(rows[1].extra.clone()),
        json!({
            "intent_metadata": {"sentiment": "neutral"},
            "entity_attributes": [
                {"role": "departure"},
                {"role": "destination", "group": "1", "value": "Los Angeles"},
            ],
        })
    );
    assert_eq!(rows[2].spans, [Span::new(3, 8, "city")]);
    assert_eq!(
        Value::Object(rows[3].extra.clone()),
        json!({
            "metadata": {"sentiment": 0.5},
            "entity_attributes": [{"value": "savings"}],
            "rasa_sections": [{"synonym": "savings", "examples": "- pink pig\n"}],
        })
    );
    assert_eq!(
        rows[4].extra["rasa_sections"],
        json!([
            {"lookup": "currencies", "examples": "- Yen\n"},
            {"regex": "zip", "examples": "- \\d{5}\n"},
        ])
    );
}

#[test]
fn what_was_read_comes_back() {
    let rows = read(FILE).unwrap();
    let (text, lost) = save(&rows).unwrap();
    assert_eq!(lost.to_string(), "extra in 3 rows"); // the intent's metadata
    let mut back = read(&text).unwrap();
    for (old, new) in rows.iter().zip(&mut back) {
        if let Some(metadata) = old.extra.get("intent_metadata") {
            new.extra.insert("intent_metadata".into(), metadata.clone());
        }
    }
    assert_eq!(back, rows, "{text}");
}

#[test]
fn rows_that_rasa_cannot_hold() {
    for (row, found) in [
        (Utterance::new("7", "hi"), "no intent"),
        (
            Utterance::new("7", " hi").with_intent("a"),
            "the text \" hi\"",
        ),
        (Utterance::new("7", "").with_intent("a"), "the text \"\""),
        (
            Utterance::new("7", "[a](b)").with_intent("a"),
            "the text \"[a](b)\"",
        ),
    ] {
        let error = save(&[row]).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("row with the id \"7\": {found}")),
            "{error}"
        );
    }
    let row = Utterance::new("0", "a]b")
        .with_intent("x")
        .with_spans(vec![Span::new(0, 3, "y")]);
    assert_eq!(save(&[row]).unwrap().1.to_string(), "spans in 1 row");
}

#[test]
fn broken_files_beside_their_valid_twins() {
    let block = |line: &str| format!("nlu:\n- intent: a\n  examples: |\n    - ok\n    {line}\n");
    let cases: [(String, String, &str); 13] = [
        (
            block("- [b](c)"),
            block("- x [b](c"),
            "5:12: \"(c\", expected a closing parenthesis",
        ),
        (
            block("- [b](c)"),
            block("- 订 [b](c d)"),
            "5:12: \"(c d)\", expected an entity, one word",
        ),
        (
            block("- [b]{\"entity\": \"c\"}"),
            block("- [b]{\"entity\": \"c\""),
            "5:10: ",
        ),
        (
            block("- [b]{\"entity\": \"c\"}"),
            block("- [b]{\"role\": \"c\"}"),
            "5:10: \"{\\\"role\\\": \\\"c\\\"}\", expected a JSON object with \"entity\"",
        ),
        (
            block("- [b]{\"entity\": \"c\"}"),
            block("- [b]{\"entity\": \"c\", \"x\": []}"),
            "5:10: ",
        ),
        (
            block("- b"),
            block("b"),
            "5:5: \"b\", expected - in front of an example",
        ),
        (block("- b"), block("-"), "5:"),
        (
            block("- b"),
            format!("{}  examples: |\n    - c\n", block("- b")),
            "6:3: the key \"examples\" again, expected it once",
        ),
        (
            block("- b"),
            format!("{}- intent: b\n", block("- b")),
            "6:3: an intent without examples",
        ),
        (block("- b"), "nlu: 5\n".into(), "1:6: no list under nlu"),
        (block("- b"), "- 5\n".into(), "1:1: no object"),
        (block("- b"), "nlu: [a, b\n".into(), "2:1: "),
        (
            block("- b"),
            format!("{}- intent: b\n  examples:\n  - text: [1]\n", block("- b")),
            "8:",
        ),
    ];
    for (valid, broken, message) in cases {
        read(&valid).unwrap_or_else(|error| panic!("{valid:?}: {error}"));
        let found = failure(&broken);
        assert!(found.starts_with(message), "{broken:?}: {found}");
    }
    for (bytes, message) in [
        (&b"nlu: \xff"[..], "1:6: the byte 0xff"),
        (b"nlu: \0", "1:6: a NUL byte"),
    ] {
        let found = failure(bytes);
        assert!(found.starts_with(message), "{found}");
    }
    for bytes in ["", "\n", "nlu: []\n", "version: \"3.1\"\n"] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(
            error.contains("no rows, expected at least one row"),
            "{error}"
        );
    }
    assert!(
        failure(block(&format!("- {}", "a".repeat(1 << 20))))
            .starts_with("5:7: text of 1048576 bytes")
    );
}

#[test]
fn bombs_are_refused_where_they_begin() {
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..30 {
        bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
    }
    assert_eq!(failure(bomb), "2:10: an alias, expected the value itself");
    let found = failure("- ".repeat(100));
    assert_eq!(
        found,
        "1:129: a value inside 64 others, expected at most 64"
    );
    let found = failure(format!("nlu: {}", "[".repeat(100_000)));
    assert!(
        found.ends_with("recursion limit exceeded, expected YAML"),
        "{found}"
    );
}

fn rows() -> impl Strategy<Value = Vec<Utterance>> {
    let text = "[a\\[\\](){}:#\"订é-][ab\\[\\](){}:#\"'订单 \té|]{0,8}[a\\](){}:#\"é]";
    let intent = "(a|b|yes|退款|a: b|#x|faq/a|\"q\")";
    let row = (text, any::<(u8, u8)>(), intent, any::<(bool, bool)>());
    let row = row.prop_map(|(text, (a, b), intent, (has_role, has_metadata))| {
        let edge = |byte: u8| floor(&text, usize::from(byte) % (text.len() + 1));
        let (start, end) = (edge(a).min(edge(b)), edge(a).max(edge(b)));
        let mut row = Utterance::new("", text.clone()).with_intent(intent);
        if start < end {
            row.spans.push(Span::new(start, end, "city"));
            if has_role {
                row.extra
                    .insert("entity_attributes".into(), json!([{"role": "to"}]));
            }
        }
        if has_metadata {
            row.extra
                .insert("metadata".into(), json!({"a": [1, null, "x"]}));
        }
        row
    });
    proptest::collection::vec(row, 1..5).prop_map(|mut rows| {
        rows.iter_mut()
            .enumerate()
            .for_each(|(at, row)| row.id = at.to_string());
        // Beside a row with entities, one without has none.
        let labelled = rows.iter().any(|row| !row.spans.is_empty());
        rows.iter_mut()
            .for_each(|row| row.entity_free = labelled && row.spans.is_empty());
        rows
    })
}

proptest! {
    #![proptest_config(seeded(500))]

    #[test]
    fn rows_without_losses_come_back_as_they_were(rows in rows()) {
        if let Ok((text, lost)) = save(&rows) {
            let back = read(&text).unwrap();
            if lost.is_empty() {
                prop_assert_eq!(back, rows, "{}", text);
            } else {
                let texts = |rows: &[Utterance]| rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
                prop_assert_eq!(texts(&back), texts(&rows));
            }
        }
    }

    #[test]
    fn any_text_is_rows_or_an_error(text in "[a-c:\\-#&*!|>'\"%@`{}\\[\\], \n\t订]{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn any_change_of_a_file_is_rows_or_an_error(at in 0..FILE.len(), byte in any::<u8>()) {
        let mut bytes = FILE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = read(&bytes);
        let _ = read(&bytes[..at]);
    }
}

#[test]
fn a_second_document_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.yml");
    let one = "nlu:\n- intent: g\n  examples: |\n    - a\n";
    std::fs::write(&path, format!("---\n{one}...\n")).unwrap();
    let read = || Dataset::open(&path, &ReadOptions::default());
    assert_eq!(read().unwrap().len(), 1);
    std::fs::write(&path, format!("{one}---\n{one}")).unwrap();
    let error = read().unwrap_err().to_string();
    assert!(
        error.ends_with("two.yml:5:1: a second document, expected one document a file"),
        "{error}"
    );
}
