//! What the serving examples say, on a small model: answers line by line, figures of every head,
//! vectors.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use cs_model::{Bundle, Tasks};
use serde_json::{Value, json};

use crate::support::{Folder, program, tasks};

const ROWS: &str = concat!(
    r#"{"text": "where is my order 12345", "intent": "order", "sentiment": 0.5, "spans": [{"start": 18, "end": 23, "label": "id"}]}"#,
    "\n",
    r#"{"text": "refund me", "intent": "refund", "sentiment": 0.1}"#,
    "\n",
);

/// What a run left.
struct Run {
    status: Option<i32>,
    /// The lines of standard output.
    out: Vec<Value>,
    err: String,
}

/// Runs an example with `--json`, as a user does.
fn run(name: &str, arguments: &[&str], input: &[u8]) -> Run {
    let mut child = program(name)
        .args(arguments)
        .arg("--json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    Run {
        status: output.status.code(),
        out: out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn every_line_has_its_answer_or_its_error() {
    let folder = Folder::new();
    let model = folder.model(&tasks());
    let lines = b"refund me\n{broken\n\n{\"text\": \"where is my order\"}\n{\"text\": 7}\nnul \0\n\xff\nrefund";
    let file = folder.write("lines.txt", lines);
    let from_file = run("predict", &["--model", &model, "--input", &file], b"");
    let piped = run("predict", &["--model", &model], lines);
    for (found, name) in [(&from_file, file.as_str()), (&piped, "<stdin>")] {
        assert_eq!(found.status, Some(2), "{}", found.err);
        assert_eq!(found.out.len(), 8);
        for (i, text) in [
            (0, "refund me"),
            (1, "{broken"),
            (3, "where is my order"),
            (7, "refund"),
        ] {
            let answer = &found.out[i];
            assert_eq!(answer["text"], text);
            assert_eq!(answer["intent"], answer["intents"][0], "{answer}");
            assert_eq!(answer["truncated"], false);
        }
        let blank = &found.out[2];
        assert_eq!(
            (&blank["text"], &blank["intent"]),
            (&json!(""), &Value::Null)
        );
        assert_eq!(
            (&blank["entities"], &blank["sentiment"]),
            (&json!([]), &Value::Null)
        );
        let errors: Vec<&str> = found.err.lines().collect();
        assert_eq!(errors.len(), 3, "{}", found.err);
        for (i, place) in [(4, "5:1"), (5, "6:5"), (6, "7:1")] {
            assert_eq!(found.out[i]["line"], i + 1);
            let message = found.out[i]["error"].as_str().unwrap();
            assert!(
                message.starts_with(&format!("{name}:{place}: ")),
                "{message}"
            );
            assert!(errors.contains(&format!("error: {message}").as_str()));
        }
    }
    assert_eq!(from_file.out[0], piped.out[0]);
    let empty = folder.write("empty.txt", b"");
    let refused = run("predict", &["--model", &model, "--input", &empty], b"");
    assert_eq!((refused.status, refused.out.len()), (Some(2), 0));
}

#[test]
fn texts_that_are_cut_are_counted() {
    let folder = Folder::new();
    let model = folder.model(&tasks());
    let input = format!("refund me\n{}", "order ".repeat(30));
    let arguments = ["--model", &model, "--max-length", "24"];
    let longer = run("predict", &arguments, input.as_bytes());
    let cut = |run: &Run| -> Vec<Value> {
        run.out
            .iter()
            .map(|line| line["truncated"].clone())
            .collect()
    };
    assert_eq!(
        (longer.status, cut(&longer)),
        (Some(0), vec![json!(false), json!(true)])
    );
    assert!(
        longer.err.contains("warning: 1 text") && longer.err.contains("24 tokens"),
        "{}",
        longer.err
    );
    let arguments = ["--model", &model, "--max-length", "400"];
    assert_eq!(cut(&run("predict", &arguments, input.as_bytes()))[1], false);
    let refused = run("predict", &["--model", &model, "--max-length", "2"], b"x");
    assert!(
        refused
            .err
            .starts_with("error: max_length is 2, expected 3 to "),
        "{}",
        refused.err
    );

    let rows = ROWS.replace("refund me", &"refund me ".repeat(9));
    let data = folder.write("rows.jsonl", rows.as_bytes());
    let figures = run(
        "evaluate",
        &["--model", &model, "--data", &data, "--bootstrap", "0"],
        b"",
    );
    assert_eq!(figures.out[0]["truncated"], 2, "{}", figures.err);
    assert!(figures.out[0]["sentiment_accuracy"].is_number());
    let arguments = ["--model", &model, "--data", &data, "--max-length", "400"];
    assert_eq!(run("evaluate", &arguments, b"").out[0]["truncated"], 0);
    let out = folder.path("int8");
    let arguments = [
        "--model",
        &model,
        "--data",
        &data,
        "--out",
        &out,
        "--max-drop",
        "1",
        "--max-length",
        "400",
    ];
    let quantised = run("quantize", &arguments, b"");
    assert_eq!(quantised.out[0]["truncated"], 0, "{}", quantised.err);
    assert_eq!(Bundle::open(out.as_ref()).unwrap().max_length(), 400);
}

#[test]
fn the_gate_judges_every_head_or_refuses() {
    let folder = Folder::new();
    let model = folder.model(&tasks());
    let out = folder.path("int8");
    let gate = |data: &str| {
        run(
            "quantize",
            &[
                "--model",
                &model,
                "--out",
                &out,
                "--data",
                data,
                "--max-drop",
                "1",
            ],
            b"",
        )
    };
    let none = |what: &str| {
        format!("none of 1 rows has {what}, expected labels for each head of the model")
    };
    let intent = none("an intent that the model knows");
    for (rows, reason) in [
        (r#"{"text": "refund me"}"#, &intent),
        (r#"{"text": "refund me", "intent": "unheard"}"#, &intent),
        (
            r#"{"text": "refund me", "intent": "refund"}"#,
            &none("a span whose label the model knows"),
        ),
        (
            r#"{"text": "refund me", "intent": "refund", "spans": [{"start": 0, "end": 6, "label": "id"}]}"#,
            &none("a sentiment"),
        ),
    ] {
        let data = folder.write("rows.jsonl", rows.as_bytes());
        let refused = gate(&data);
        assert_eq!((refused.status, refused.out.len()), (Some(2), 0), "{rows}");
        assert!(
            refused.err.starts_with(&format!("error: {data}: {reason}")),
            "{}",
            refused.err
        );
        assert!(!Path::new(&out).exists());
    }
    let data = folder.write("rows.jsonl", ROWS.as_bytes());
    let accepted = gate(&data);
    assert_eq!(accepted.status, Some(0), "{}", accepted.err);
    let verdict = &accepted.out[0];
    assert_eq!(verdict["accepted"], true);
    let heads: Vec<&String> = verdict["heads"].as_object().unwrap().keys().collect();
    assert_eq!(heads, ["intent", "sentiment", "slots"]);
    assert!(verdict["metric_before"].is_number() && verdict["metric_after"].is_number());
}

#[test]
fn what_is_not_judged_is_not_accepted() {
    let folder = Folder::new();
    let model = folder.model(&tasks());
    let out = folder.path("int8");
    let plain = run("quantize", &["--model", &model, "--out", &out], b"");
    assert_eq!(plain.status, Some(0), "{}", plain.err);
    assert_eq!(
        (&plain.out[0]["accepted"], &plain.out[0]["metric_after"]),
        (&Value::Null, &Value::Null)
    );
    assert!(plain.err.contains("not judged") && Bundle::open(out.as_ref()).is_ok());
    for [flag, value] in [
        ["--max-drop", "0.1"],
        ["--min-speedup", "2"],
        ["--auto", ""],
    ] {
        let mut arguments = vec!["--model", &model, "--out", &out, "--overwrite", flag];
        arguments.extend(Some(value).filter(|value| !value.is_empty()));
        let refused = run("quantize", &arguments, b"");
        assert_eq!(refused.status, Some(2));
        assert!(
            refused.err.starts_with(&format!("error: {flag}: ")),
            "{}",
            refused.err
        );
    }
    let own = run(
        "quantize",
        &["--model", &model, "--out", &model, "--overwrite"],
        b"",
    );
    assert!(
        own.status == Some(2) && own.err.contains("own folder"),
        "{}",
        own.err
    );

    let data = folder.write("rows.jsonl", b"{\"text\": \"refund me\"}\n");
    let scored = run("evaluate", &["--model", &model, "--data", &data], b"");
    assert_eq!((scored.status, scored.out.len()), (Some(2), 0));
    assert!(
        scored
            .err
            .contains("none of 1 rows has a label of intent, slots, sentiment"),
        "{}",
        scored.err
    );
}

#[test]
fn vectors_are_of_the_text_with_its_prefix() {
    let folder = Folder::new();
    let model = folder.model(&Tasks::default());
    let embed = |more: &[&str], input: &str| {
        let arguments = [&["--model", model.as_str()], more].concat();
        run("embed", &arguments, input.as_bytes())
    };
    let plain = embed(&[], "order\nwhere is my order\n");
    assert_eq!(plain.status, Some(0), "{}", plain.err);
    let keys: Vec<&String> = plain.out[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["embedding", "text", "truncated"]);
    let prefixed = embed(&["--prefix", "where is my "], "order");
    assert_eq!(prefixed.out[0]["embedding"], plain.out[1]["embedding"]);
    assert_eq!(prefixed.out[0]["text"], "order");
    let unknown = embed(&["--prompt", "query"], "order");
    assert!(
        unknown.status == Some(2) && unknown.err.contains("--prompt: \"query\""),
        "{}",
        unknown.err
    );

    let prompts = json!({"prompts": {"query": "where is my "}, "default_prompt_name": "query"});
    folder.write(
        "model/config_sentence_transformers.json",
        prompts.to_string().as_bytes(),
    );
    let out = folder.path("int8");
    let written = run("quantize", &["--model", &model, "--out", &out], b"");
    assert_eq!(written.status, Some(0), "{}", written.err);
    assert_eq!(
        Bundle::open(out.as_ref())
            .unwrap()
            .prompts()
            .unwrap()
            .get("query"),
        Some("where is my ")
    );
    let expected = &plain.out[1]["embedding"];
    assert_eq!(
        &embed(&["--prompt", "query"], "order").out[0]["embedding"],
        expected
    );
    assert_eq!(&embed(&[], "order").out[0]["embedding"], expected);
    assert_eq!(
        embed(&["--prefix", ""], "order").out[0]["embedding"],
        plain.out[0]["embedding"]
    );
    let wrong = embed(&["--prompt", "passage"], "order");
    assert!(wrong.err.contains("expected one of query"), "{}", wrong.err);

    // Its vectors are what a model without heads is judged by.
    let data = folder.write("rows.jsonl", ROWS.as_bytes());
    let judged = run(
        "quantize",
        &[
            "--model",
            &model,
            "--out",
            &out,
            "--data",
            &data,
            "--max-drop",
            "0.1",
            "--overwrite",
        ],
        b"",
    );
    let figures = &judged.out[0]["heads"]["embedding"];
    assert_eq!(figures["before"], 1.0, "{}", judged.err);
    assert!(figures["after"].as_f64().unwrap() > 0.95);
}

#[test]
fn a_model_that_is_not_there_is_named() {
    for name in ["predict", "embed"] {
        let refused = run(name, &["--model", "no/such/model"], b"x");
        assert_eq!(refused.status, Some(2));
        let expected = "error: no/such/model: no such folder, expected a model's folder\n";
        assert_eq!(refused.err, expected);
    }
}
