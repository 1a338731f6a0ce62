//! A small service that sometimes answers wrongly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::*;

/// Answers as `answer` says, given the path and the body; each connection on its own thread.
fn serve(answer: fn(&str, &Value) -> (u16, Value)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || converse(stream.unwrap(), answer));
        }
    });
    url
}

fn converse(stream: TcpStream, answer: fn(&str, &Value) -> (u16, Value)) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        let path = head.split(' ').nth(1).unwrap();
        let (status, answer) = answer(path, &serde_json::from_slice(&body).unwrap());
        let answer = answer.to_string();
        let length = answer.len();
        let head = format!("HTTP/1.1 {status} Any\r\ncontent-length: {length}\r\n\r\n");
        let whole = [head.as_bytes(), answer.as_bytes()].concat();
        if stream.get_mut().write_all(&whole).is_err() {
            return;
        }
    }
}

fn measure(url: &str, texts: &str, flags: &[&str]) -> Result<Value> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("texts.txt");
    std::fs::write(&file, texts)?;
    let file = file.to_str().ok_or("no path")?;
    let given = ["load", "--url", url, "--texts", file];
    Run::new(Arguments::try_parse_from(given.iter().chain(flags))?)?.measure()
}

const TEXTS: &str = "own\ntorn\nstrange\nlate\nrefused\n";

fn wrongly(_: &str, body: &Value) -> (u16, Value) {
    match body["text"].as_str().unwrap() {
        "own" => (200, json!({"text": "own", "model": "a"})),
        "torn" => (200, json!({"text": "another", "model": "a"})),
        "strange" => (200, json!({"text": "strange", "model": "b"})),
        "late" => (504, json!({})),
        _ => (429, json!({})),
    }
}

#[test]
fn answers_are_known_by_what_they_say() {
    let url = serve(wrongly);
    let address = url["http://".len()..].parse().unwrap();
    let mut connection = Connection::new("service", address, Some("key"));
    let mut ask =
        |answers: &mut Answers, text, checked| answers.ask(&mut connection, text, checked).unwrap();
    let (mut checked, mut any) = (Answers::default(), Answers::default());
    let statuses: Vec<u16> = TEXTS
        .lines()
        .map(|text| ask(&mut checked, text, true))
        .collect();
    assert_eq!(statuses, [200, 200, 200, 504, 429]);
    assert_eq!((checked.torn, checked.strange(&[])), (1, 1));
    assert_eq!(checked.strange(&["b".to_owned()]), 0);
    ask(&mut any, "torn", false);
    assert_eq!((any.torn, any.strange(&[])), (0, 0));
}

#[test]
fn each_question_that_was_due_is_told_of() {
    let flags = ["--connections", "2", "--rate", "200", "--seconds", "0.5"];
    let report = measure(&serve(wrongly), TEXTS, &flags).unwrap();
    let count = |status: &str| report["statuses"][status].as_u64().unwrap_or(0);
    let answered = count("200") + count("429") + count("504");
    // On a busy machine, some are not asked in time.
    assert_eq!(answered + report["unasked"].as_u64().unwrap(), 100);
    assert_eq!(report["late"], count("504"));
    assert!(report["torn"].as_u64() <= Some(count("200")));
    assert!(report["refusal_ms"]["p50"].as_f64() <= report["refusal_ms"]["max"].as_f64());
}

#[test]
fn models_that_are_put_in_are_known() {
    let url = serve(|path, body| match path {
        "/v1/models" if body["light"] == "gone" => (404, json!({})),
        "/v1/models" => (200, json!({"model": "m", "version": body["light"]})),
        _ => (200, json!({"text": body["text"], "model": "b"})),
    });
    let swap = [
        "--connections",
        "2",
        "--swap",
        "light=b,gone",
        "--swap-every-ms",
        "20",
    ];
    let report = measure(&url, "x\n", &[&["--seconds", "2"][..], &swap[..]].concat()).unwrap();
    assert_eq!(report["torn"], 0);
    assert!(report["swaps"]["done"].as_u64() > Some(1));
    assert!(report["swaps"]["failed"].as_u64() > Some(1));
    assert_eq!(report["swaps"]["versions"], json!(["b"]));
}

#[test]
fn what_cannot_work_is_refused() {
    let refused = |flags: &[&str]| measure("http://127.0.0.1:1", "x\n", flags).unwrap_err();
    assert!(
        refused(&["--rate", "0"])
            .to_string()
            .starts_with("--rate 0, expected")
    );
    assert!(
        refused(&["--swap", "light"])
            .to_string()
            .contains("SLOT=NAME")
    );
    assert!(
        refused(&["--swap-every-ms", "9"])
            .to_string()
            .contains("--swap")
    );
    let error = measure("ftp://x", "x\n", &[]).unwrap_err();
    assert_eq!(error.to_string(), "--url ftp://x, expected http://…");
    let error = measure("http://x", "", &[]).unwrap_err();
    assert!(error.to_string().ends_with("no text, expected one a line"));
}

#[test]
fn percentiles_are_values_that_occurred() {
    let times = (1..=200).rev().map(|ms| ms * 1000).collect();
    let expected = json!({"p50": 100.0, "p99": 198.0, "max": 200.0});
    assert_eq!(report::spread(times), expected);
    assert_eq!(report::spread(Vec::new())["p99"], Value::Null);
}
