//! Files of flows: what is refused, and where.

use std::fmt::Write;

use cs_serve::dialogue::{Flows, FlowsError};

/// A file with one flow, whose slot is `order`.
fn flow(steps: &str) -> String {
    format!(
        "version: 1\nflows:\n  f:\n    starts: {{ intent: i }}\n    slots: {{ order: {{ ask: '?' }}, mute: {{}} }}\n    steps:\n{steps}"
    )
}

fn problems(text: &str) -> Vec<String> {
    let problems = Flows::parse(text).expect_err("a file that is refused");
    problems.iter().map(ToString::to_string).collect()
}

fn is_refused(text: &str, place: &str, expected: &str) {
    let found = problems(text);
    let is_it = |problem: &String| problem.starts_with(place) && problem.contains(expected);
    assert!(
        found.iter().any(is_it),
        "{text}\nexpected {place} {expected}, found {found:#?}"
    );
}

#[test]
fn steps_name_what_there_is() {
    for (steps, place, expected) in [
        (
            "      - collect: [nothing]\n",
            "7:18",
            "no slot \"nothing\"",
        ),
        ("      - collect: []\n", "7:18", "nothing to collect"),
        (
            "      - collect: [mute]\n",
            "7:18",
            "\"mute\", which has no `ask`",
        ),
        (
            "      - collect: [order, order]\n",
            "7:26",
            "\"order\" again",
        ),
        ("      - call: nowhere\n", "7:15", "no flow \"nowhere\""),
        ("      - goto: nowhere\n", "7:15", "no step \"nowhere\""),
        (
            "      - say: '{{nothing}}'\n",
            "7:14",
            "the place \"nothing\"",
        ),
        ("      - say: '{{order'\n", "7:14", "no template"),
        ("      - say: { fr: oui }\n", "7:16", "the key \"fr\""),
        ("      - say: {}\n", "7:14", "no text"),
        ("      - say: [a]\n", "7:14", "no text"),
        ("      - wait: 5\n", "7:9", "the key \"wait\""),
        ("      - { say: a, end: true }\n", "7:19", "end beside say"),
        (
            "      - { say: a, saves: { order: x } }\n",
            "7:19",
            "saves at a step of say",
        ),
        (
            "      - { confirm: a, failed: { end: true } }\n",
            "7:23",
            "failed at a step of confirm",
        ),
        (
            "      - { action: a, denied: { end: true } }\n",
            "7:22",
            "denied at a step of action",
        ),
        ("      - action: ../a\n", "7:17", "the action \"../a\""),
        (
            "      - { action: a, saves: { other: x } }\n",
            "7:31",
            "no slot \"other\"",
        ),
        (
            "      - { say: a, reads: true }\n",
            "7:19",
            "reads at a step of say",
        ),
        (
            "      - { action: a, failed: { goto: x } }\n",
            "7:38",
            "no step \"x\"",
        ),
        (
            "      - { action: a, failed: { end: true, handover: x } }\n",
            "7:43",
            "a second way",
        ),
        (
            "      - { action: a, failed: { clear: [x] } }\n",
            "7:39",
            "no slot \"x\"",
        ),
        ("      - end: false\n", "7:14", "expected end: true"),
        (
            "      - { say: a, when: { order: [x, y] } }\n",
            "7:34",
            "a list or an object, expected one value",
        ),
        (
            "      - { say: a, when: { other: x } }\n",
            "7:27",
            "no slot \"other\"",
        ),
        (
            "      - { id: x, say: a }\n      - { id: x, say: b }\n",
            "8:15",
            "the id \"x\" again",
        ),
        ("      []\n", "7:7", "0 steps"),
    ] {
        is_refused(&flow(steps), place, expected);
    }
}

#[test]
fn steps_are_reached_and_loops_end() {
    for (steps, place, expected) in [
        (
            "      - end: true\n      - say: a\n",
            "8:9",
            "never reached",
        ),
        (
            "      - handover: x\n      - say: a\n",
            "8:9",
            "never reached",
        ),
        (
            "      - { id: a, say: a }\n      - goto: a\n",
            "7:9",
            "a loop without exit",
        ),
        (
            "      - { id: a, collect: [order] }\n      - goto: a\n",
            "7:9",
            "a loop without exit",
        ),
        (
            "      - { id: a, action: x }\n      - { goto: a, when: { order: x } }\n      - say: a\n",
            "7:9",
            "may ask the customer nothing",
        ),
        // What has a value is not asked for again.
        (
            "      - { id: a, collect: [order] }\n      - { action: x, failed: { goto: a } }\n",
            "7:9",
            "may ask the customer nothing",
        ),
        (
            "      - { id: a, collect: [order] }\n      - { id: b, action: x, failed: { clear: [order], goto: b } }\n",
            "8:9",
            "may ask the customer nothing",
        ),
        // A step may be passed over.
        (
            "      - { id: a, say: a }\n      - { collect: [order], when: { order: x } }\n      - { action: x, failed: { clear: [order], goto: a } }\n",
            "7:9",
            "may ask the customer nothing",
        ),
        (
            "      - { id: a, confirm: a, when: { order: x } }\n      - { action: x, failed: { goto: a } }\n",
            "7:9",
            "may ask the customer nothing",
        ),
    ] {
        is_refused(&flow(steps), place, expected);
    }
    for asks in [
        "      - { id: a, confirm: a, denied: { goto: a } }\n      - say: a\n",
        "      - { id: a, collect: [order] }\n      - { action: x, failed: { clear: [order], goto: a } }\n",
        "      - { id: a, confirm: a }\n      - { action: x, failed: { goto: a } }\n",
        "      - { id: a, collect: [order] }\n      - { confirm: b, when: { order: x }, denied: { goto: a } }\n",
    ] {
        let read = Flows::parse(&flow(asks));
        assert!(read.is_ok(), "{asks}: {read:?}");
    }
    let circle = "version: 1\nflows:\n  a: { starts: { intent: i }, steps: [{ call: b }] }\n  b: { steps: [{ call: a }] }\n";
    is_refused(circle, "3:3", "its calls go round");
    is_refused(circle, "4:3", "its calls go round");
    let alone = "version: 1\nflows:\n  a: { steps: [{ say: a }] }\n";
    is_refused(alone, "3:3", "is never run");
}

#[test]
fn values_are_what_they_should_be() {
    let slot = |slot: &str| {
        format!(
            "version: 1\nflows:\n  f:\n    starts: {{ intent: i }}\n    slots: {{ order: {slot} }}\n    steps: [{{ say: a }}]\n"
        )
    };
    for (value, expected) in [
        ("{ pattern: '[' }", "no regular expression"),
        ("{ pattern: '(?=a)' }", "no regular expression"),
        ("{ pattern: 'a*' }", "matches nothing"),
        ("{ pattern: '(a{1000}){1000}' }", "no regular expression"),
        ("{ pattern: 'a', choices: [b] }", "beside another one of"),
        ("{ choices: [] }", "0 choices"),
        ("{ choices: [a, a] }", "\"a\" again"),
        (
            "{ choices: { a: { zh: [x] }, b: { zh: [x] } } }",
            "\"x\" again",
        ),
        ("{ required: maybe }", "no truth value"),
        ("{ retries: -1 }", "no number from 0"),
        ("{ retries: 99 }", "no number from 0"),
        ("{ prompt: a }", "the key \"prompt\""),
        ("7", "no object"),
    ] {
        is_refused(&slot(value), "5:", expected);
    }
    let file = |rest: &str| {
        format!("{rest}\nflows: {{ f: {{ starts: {{ intent: i }}, steps: [{{ say: a }}] }} }}\n")
    };
    for (rest, expected) in [
        ("", "no version"),
        ("version: 2", "another version"),
        ("version: '1'", "another version"),
        ("version: 1\nflow: {}", "the key \"flow\""),
        (
            "version: 1\nhandover: { sentiment_below: 2 }",
            "no number from 0 to 1",
        ),
        (
            "version: 1\nhandover: { intents: [i] }",
            "which a person answers",
        ),
        ("version: 1\ntexts: { hello: a }", "the key \"hello\""),
        (
            "version: 1\ntexts: { handover: '{{name}}' }",
            "the place \"name\"",
        ),
        ("version: 1\nversion: 1", "the key \"version\" again"),
        ("version: &a 1\nhandover: *a", "an alias"),
        ("version: 1\n- a", "expected"),
    ] {
        is_refused(&file(rest), "", expected);
    }
    is_refused("", "1:1", "an empty file");
    is_refused("[]", "1:1", "no object");
    is_refused("version: 1", "1:1", "no flows");
    let twice = "version: 1\nflows:\n  a: { starts: { intent: i }, steps: [{ say: a }] }\n  b: { starts: { intents: [i] }, steps: [{ say: a }] }\n";
    is_refused(twice, "4:28", "\"i\" again");
}

#[test]
fn all_that_is_wrong_is_told() {
    let found = problems(
        "version: 2\nflows:\n  f:\n    slots: { a: { ask: '{{x}}' }, 1b: {} }\n    steps:\n      - say: '{{c}}'\n      - call: g\n",
    );
    let places: Vec<&str> = found
        .iter()
        .map(|problem| problem.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(places, ["1:10", "4:24", "4:35", "6:14", "7:15"]);
}

#[test]
fn more_slots_than_fit_are_refused() {
    let mut slots = String::new();
    for number in 0..10_000 {
        write!(slots, "s{number}: {{}}, ").unwrap();
    }
    let file = format!(
        "version: 1\nflows: {{ f: {{ starts: {{ intent: i }}, slots: {{ {slots} }}, steps: [{{ say: a }}] }} }}\n"
    );
    is_refused(&file, "2:", "10000 slots, expected at most 100");
    let deep = format!(
        "version: 1\nflows: {}1{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(Flows::parse(&deep).is_err());
}

#[test]
fn a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flows.yml");
    let missing = Flows::open(&path).unwrap_err();
    assert!(matches!(missing, FlowsError::Io { .. }));
    std::fs::write(&path, "version: 1\nflows:\n  f: 7\n").unwrap();
    let told = Flows::open(&path).unwrap_err().to_string();
    assert!(
        told.starts_with(&format!("{}:3:6: no object", path.display())),
        "{told}"
    );
    std::fs::write(&path, b"version: \xff").unwrap();
    let told = Flows::open(&path).unwrap_err().to_string();
    assert!(
        told.ends_with(":1:10: bytes that are no UTF-8, expected text"),
        "{told}"
    );
}
