//! `play` as a process: conversations that go as expected and not, and what is none.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Folder, program, tasks};

/// Whatever the model takes a text for starts the flow.
const FLOWS: &str = "
version: 1
flows:
  status:
    starts: { intents: [order, refund] }
    slots: { number: { ask: { zh: 单号是多少？, en: Which number is it? }, pattern: '[0-9]{4,}' }, status: {} }
    steps:
      - collect: [number]
      - action: find_order
        saves: { status: status }
      - say: { zh: '{{number}}：{{status}}', en: '{{number}}: {{status}}' }
";
const ACTIONS: &str =
    r#"{"action": "find_order", "slots": {"number": "12345"}, "values": {"status": "sent"}}"#;
const CONVERSATIONS: &str = "
- name: as expected
  turns:
    - { say: where is my order, expect: { source: template, contains: Which number, slots: { number: ~ } } }
    - { say: '12345', expect: { slots: { number: 12345 }, contains: [12345, sent] } }
- name: otherwise
  turns:
    - { say: refund me, expect: { contains: number } }
    - { say: '12345', expect: { contains: lost } }
    - { say: never said }
";

/// A service's folder: settings, a model that was never trained, flows and actions.
fn service(settings: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.model(&tasks());
    folder.write("flows.yml", FLOWS.as_bytes());
    folder.write("actions.jsonl", ACTIONS.as_bytes());
    let settings = folder.write("serve.toml", settings.as_bytes());
    (folder, settings)
}

const SETTINGS: &str =
    "light = \"model\"\nflows = \"flows.yml\"\nscripted_actions = \"actions.jsonl\"\n";

fn play(settings: &str, conversations: &str) -> Output {
    let arguments = [
        "--config",
        settings,
        "--conversations",
        conversations,
        "--json",
    ];
    program("play").args(arguments).output().unwrap()
}

#[test]
fn what_goes_otherwise_is_told_turn_by_turn() {
    // Keys, rates and stores are for those who ask over the network.
    let (folder, settings) = service(&format!(
        "{SETTINGS}rate = 0.001\nstate = \"no/folder/state\"\n"
    ));
    let all = folder.write("all.yml", CONVERSATIONS.as_bytes());
    let output = play(&settings, &all);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let played: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(played["passed"], 1);
    let failed = played["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["conversation"], &failed[0]["turn"]),
        (&json!("otherwise"), &json!(2))
    );
    assert_eq!(failed[0]["expected"], json!({"contains": ["lost"]}));
    assert_eq!(failed[0]["found"]["text"], "12345: sent");

    let good = CONVERSATIONS.split("- name: otherwise").next().unwrap();
    let output = play(&settings, &folder.write("good.yml", good.as_bytes()));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"{\"passed\":1,\"failed\":[]}\n");
}

#[test]
fn nothing_is_done_for_what_is_played() {
    let (folder, _) = service(SETTINGS);
    let settings = folder.write(
        "real.toml",
        b"light = \"model\"\nflows = \"flows.yml\"\nactions = \"http://127.0.0.1:1/\"\n",
    );
    let good = CONVERSATIONS.split("- name: otherwise").next().unwrap();
    let good = folder.write("good.yml", good.as_bytes());
    let output = play(&settings, &good);
    assert_eq!(output.status.code(), Some(2));
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.contains("by --scripted-actions"), "{line}");
    let output = program("play")
        .args(["--config", &settings, "--conversations", &good, "--json"])
        .args(["--scripted-actions", &folder.path("actions.jsonl")])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"{\"passed\":1,\"failed\":[]}\n");
}

#[test]
fn what_is_no_conversation_or_no_service_is_refused() {
    let (folder, settings) = service(SETTINGS);
    let mute = folder.write("mute.toml", b"light = \"model\"\n");
    let idle = folder.write("idle.toml", b"light = \"model\"\nflows = \"flows.yml\"\n");
    let wrong = folder.write(
        "wrong.toml",
        format!("{SETTINGS}actions = \"http://127.0.0.1:1/\"\n").as_bytes(),
    );
    let lonely = folder.write(
        "lonely.toml",
        b"light = \"model\"\nstate = \"state.redb\"\nembedder = \"model\"\n",
    );
    folder.write(
        "replies.jsonl",
        br#"{"id": "a", "kind": "template", "intent": "refund", "text": "{{nubmer}}: {{number}}"}"#,
    );
    let misspelled = format!("{SETTINGS}replies = \"replies.jsonl\"\n");
    let misspelled = folder.write("misspelled.toml", misspelled.as_bytes());
    let good = folder.write("good.yml", CONVERSATIONS.as_bytes());
    let none = folder.write("none.yml", b"- name: a\n  turns: []\n");
    for (settings, conversations, expected) in [
        (
            &settings,
            &none,
            "none.yml:2:10: no turn, expected one at least",
        ),
        (&settings, &folder.path("nowhere.yml"), "nowhere.yml: "),
        (
            &mute,
            &good,
            "mute.toml: a service that holds no conversations",
        ),
        (
            &misspelled,
            &good,
            "replies.jsonl:1:1: \"nubmer\" never has a value, expected one of ",
        ),
        (
            &idle,
            &good,
            "--flows: they ask for find_order: say by --actions or --scripted-actions",
        ),
        (
            &wrong,
            &good,
            "--actions, --scripted-actions: expected one of them",
        ),
        (
            &lonely,
            &good,
            "lonely.toml: a service that holds no conversations",
        ),
    ] {
        let output = play(settings, conversations);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(
            line.contains(expected) && output.stdout.is_empty(),
            "{line}"
        );
    }
}
