//! Files of replies.

use cs_serve::reply::{Language, Replies, ReplyError, Values};

use super::{replies, values};

const GOOD: &str = r#"{"id": "a", "kind": "template", "intent": "thanks", "text": "不客气。"}"#;

fn refusal(lines: &str) -> String {
    let refused = Replies::parse(lines.as_bytes(), "r.jsonl".as_ref());
    refused.unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let long = "x".repeat(70_000);
    let long = format!(r#"{{"id": "b", "kind": "faq", "question": "q", "text": "{long}"}}"#);
    for (line, expected) in [
        (
            r#"{"id": "b", "kind": "joke"}"#,
            "r.jsonl:2:26: unknown variant `joke`",
        ),
        (
            r#"{"id": "退货", "kind": "faq", "colour": 1}"#,
            "r.jsonl:2:36: unknown field `colour`",
        ),
        (
            r#"{"id": "b", "kind": "faq", "text": "a"}"#,
            "r.jsonl:2:1: question: missing",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": " ", "text": "a"}"#,
            "question: an empty text",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": "q"}"#,
            "r.jsonl:2:1: text: missing",
        ),
        (
            r#"{"id": "b", "kind": "template", "text": "a"}"#,
            "intent: missing",
        ),
        (
            r#"{"id": "b", "kind": "knowledge", "intent": "i"}"#,
            "ask: missing",
        ),
        (
            r#"{"id": "b", "kind": "template", "intent": "i", "question": "q", "text": "a"}"#,
            "question: without effect",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": "q", "lang": "en", "text": {"zh": "a"}}"#,
            "lang: without effect",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": "q", "text": {"fr": "a"}}"#,
            "unknown variant `fr`",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": "q", "text": "{{a"}"#,
            "r.jsonl:2:1: text: line 1:",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": "q", "text": " "}"#,
            "text: an empty text",
        ),
        (
            r#"{"id": "b", "kind": "template", "intent": "i", "text": "a", "when": {"s": "1", "s": "2"}}"#,
            r#"when: "s" twice"#,
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": [], "text": "a"}"#,
            "r.jsonl:2:1: question: an empty list, expected at least one",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": ["q", " "], "text": "a"}"#,
            "r.jsonl:2:1: question 2: an empty text, expected a question",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": ["q", "q"], "text": "a"}"#,
            r#"r.jsonl:2:1: question 2: "q" twice, expected each once"#,
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": 7, "text": "a"}"#,
            "r.jsonl:2:40: invalid type: integer `7`, expected a question, or a list of questions",
        ),
        (
            r#"{"id": "b", "kind": "faq", "question": "q", "text": "{{ 'x' * 1000000000 }}"}"#,
            "r.jsonl:2:1: text: line 1: '*' in a place or a statement",
        ),
        (
            r#"{"id": "b", "kind": "faq""#,
            "r.jsonl:2:25: EOF while parsing",
        ),
        ("[]", "r.jsonl:2:"),
        (GOOD, r#"r.jsonl:2:1: id: "a" stands in line 1 too"#),
        (&long, "text: 70000 bytes, expected at most 65536"),
    ] {
        let told = refusal(&format!("{GOOD}\n{line}\n"));
        assert!(told.contains(expected), "{line}\n{told}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes[8] = 0xff;
    let refused = Replies::parse(&bytes, "r.jsonl".as_ref()).unwrap_err();
    let expected = "r.jsonl:1:9: bytes that are no UTF-8, expected a file in UTF-8";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn an_intent_asks_the_facts_once() {
    let ask = r#""kind": "knowledge", "intent": "price", "ask": {"attribute": {}}"#;
    let told = refusal(&format!(
        "{{\"id\": \"a\", {ask}}}\n{{\"id\": \"b\", {ask}}}"
    ));
    assert!(
        told.starts_with("r.jsonl:2:1: intent: line 1 says what it asks"),
        "{told}"
    );
}

#[test]
fn conditions_choose() {
    let replies = replies(
        r#"
        {"id": "any", "kind": "template", "intent": "i", "text": "any"}
        {"id": "en", "kind": "template", "intent": "i", "lang": "zh", "text": "zh"}
        {"id": "one", "kind": "template", "intent": "i", "when": {"a": "1"}, "text": "one"}
        {"id": "two", "kind": "template", "intent": "i", "when": {"a": "1", "b": "X"}, "text": "two"}
        "#,
    );
    for (language, slots, expected) in [
        (Language::En, values(&[]), "any"),
        (Language::Zh, values(&[]), "zh"),
        (Language::En, values(&[("a", "2")]), "any"),
        (Language::En, values(&[("a", "1")]), "one"),
        (Language::Zh, values(&[("a", "1"), ("b", " x")]), "two"),
    ] {
        let reply = replies.template("i", language, &slots).unwrap().unwrap();
        assert_eq!(reply.text, expected, "{slots:?}");
    }
    assert_eq!(
        replies.template("j", Language::En, &Values::new()).unwrap(),
        None
    );
}

#[test]
fn what_lacks_a_value_is_passed_over() {
    let replies = replies(
        r#"
        {"id": "with", "kind": "template", "intent": "i", "text": "order {{order_id}}"}
        {"id": "without", "kind": "template", "intent": "i", "text": "which order?"}
        {"id": "only", "kind": "template", "intent": "j", "text": "order {{order_id}}"}
        "#,
    );
    let text = |intent: &str, slots: &Values| replies.template(intent, Language::En, slots);
    assert_eq!(
        text("i", &values(&[("order_id", "7")]))
            .unwrap()
            .unwrap()
            .text,
        "order 7"
    );
    assert_eq!(
        text("i", &Values::new()).unwrap().unwrap().text,
        "which order?"
    );
    let error = text("j", &Values::new()).unwrap_err();
    assert!(
        matches!(&error, ReplyError::Template { id, .. } if id == "only"),
        "{error}"
    );
}

#[test]
fn names_that_never_have_a_value_are_refused() {
    let replies = replies(
        r#"{"id": "a", "kind": "template", "intent": "i", "text": "{{order_id}}", "when": {"level": "1"}}
        {"id": "b", "kind": "knowledge", "intent": "p", "ask": {"attribute": {}}, "text": "{{thing}}: {{value}}"}"#,
    );
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    replies.check_names(&names(&["level", "order_id"])).unwrap();
    let error = replies
        .check_names(&names(&["order_id"]))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("replies.jsonl:1:1: \"level\" never has a value"),
        "{error}"
    );
}

#[test]
fn files_are_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    std::fs::write(&path, format!("\u{feff}{GOOD}\r\n\r\n")).unwrap();
    assert_eq!(Replies::open(&path).unwrap().len(), 1);
    let missing = Replies::open(&folder.path().join("no.jsonl")).unwrap_err();
    assert!(matches!(missing, ReplyError::Io { .. }));
}
