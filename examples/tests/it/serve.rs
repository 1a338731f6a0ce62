//! `serve` as a process: it starts or says why not, answers, and ends in order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Folder, program, tasks};

/// A service that runs. It ends with the test, however that ends.
struct Service {
    child: Child,
    address: SocketAddr,
    stderr: BufReader<ChildStderr>,
}

impl Service {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program("serve")
            .env_clear()
            .args(arguments)
            .args(["--addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut reason = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut reason)
                .unwrap();
            panic!("{error}: {line}{reason}")
        });
        let address = line["listening"].as_str().unwrap().strip_prefix("http://");
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            address: address.unwrap().parse().unwrap(),
            child,
            stderr,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// Sends a request; status and body of the answer.
    fn ask(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        let length = body.len();
        let head =
            format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .unwrap();
        answer(&mut stream)
    }

    /// Begins a request of which the service has read the head, and waits for the body.
    fn begin(&self, body: &str) -> TcpStream {
        let mut stream = self.connect();
        let head = format!(
            "POST /v1/understand HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut told = [0; 25];
        stream.read_exact(&mut told).unwrap();
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    fn stderr_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }

    fn status(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Of one that has ended this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.parse().unwrap(), body.to_owned())
}

const UNDERSTAND: &str = "POST /v1/understand HTTP/1.1\r\ncontent-type: application/json";

#[test]
fn it_answers_within_its_limits_and_ends_at_a_signal() {
    let folder = Folder::new();
    let light = folder.model(&tasks());
    let mut service = Service::start(&["--light", &light, "--max-batch", "2"]);
    let (status, body) = service.ask(UNDERSTAND, r#"{"text": "refund me"}"#);
    let turn: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &turn["text"]),
        (200, &json!("refund me")),
        "{body}"
    );
    assert_eq!(turn["intent"], turn["intents"][0]);
    let (status, body) = service.ask(UNDERSTAND, r#"{"texts": ["a", "b", "c"]}"#);
    assert_eq!(status, 413, "{body}");
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/"] {
        assert_eq!(
            service.ask(&format!("GET {path} HTTP/1.1"), "").0,
            200,
            "{path}"
        );
    }
    let (status, _) = service.ask(
        "POST /v1/models HTTP/1.1\r\ncontent-type: application/json",
        r#"{"light": "model"}"#,
    );
    assert_eq!(status, 403);
    service.signal("-INT");
    assert_eq!(service.status(), Some(0));
}

#[test]
fn a_request_that_was_begun_is_answered_after_the_signal() {
    let folder = Folder::new();
    let light = folder.model(&tasks());
    let mut service = Service::start(&["--light", &light]);
    let body = r#"{"text": "where is my order"}"#;
    let mut begun = service.begin(body);
    service.signal("-TERM");
    assert!(service.stderr_line().contains("once more to quit at once"));
    while TcpStream::connect(service.address).is_ok() {
        std::thread::yield_now();
    }
    begun.write_all(body.as_bytes()).unwrap();
    let (status, body) = answer(&mut begun);
    assert!(
        status == 200 && body.contains("where is my order"),
        "{body}"
    );
    assert_eq!(service.status(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new();
    let light = folder.model(&tasks());
    let mut service = Service::start(&["--light", &light]);
    let _begun = service.begin(r#"{"text": "refund me"}"#);
    service.signal("-TERM");
    service.stderr_line();
    service.signal("-TERM");
    assert_eq!(service.status(), Some(130));
}

#[test]
fn a_key_changes_the_model() {
    let folder = Folder::new();
    let light = folder.model(&tasks());
    let keys = folder.write("keys", b"# shop\nopen-sesame\n");
    let dir = folder.path("");
    let service = Service::start(&["--light", &light, "--api-keys", &keys, "--models-dir", &dir]);
    let change = |key: &str, body: &str| {
        let head = format!(
            "POST /v1/models HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: Bearer {key}"
        );
        service.ask(&head, body).0
    };
    assert_eq!(change("guess", r#"{"light": "model"}"#), 401);
    assert_eq!(change("open-sesame", r#"{"light": "none"}"#), 404);
    assert_eq!(change("open-sesame", r#"{"light": "model"}"#), 200);
}

/// What the files of a folder have in them.
fn written(folder: &str) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

#[test]
fn conversations_are_filtered_and_logged_masked() {
    let folder = Folder::new();
    let light = folder.model(&tasks());
    let flows = "version: 1\nflows:\n  all:\n    starts: { intents: [order, refund] }\n    slots: { number: { ask: { zh: 单号, en: Number }, pattern: '[0-9]{4}' } }\n    \
                 steps: [{ collect: [number] }]\n";
    let flows = folder.write("flows.yml", flows.as_bytes());
    let words = folder.write("words.tsv", b"rascal\n/free .{0,9}money/\t\t\tblock\n");
    let keys = folder.write("keys", format!("{:064x}\n{:064x}\n", 1, 2).as_bytes());
    let log = folder.path("log");
    let arguments = [
        "--light",
        &light,
        "--flows",
        &flows,
        "--words",
        &words,
        "--log-dir",
        &log,
        "--mask-key",
        &keys,
    ];
    let mut service = Service::start(&arguments);
    let say = |text: &str| -> Value {
        let body = json!({"session": "s-1", "text": text, "customer": "c-1"}).to_string();
        let head = "POST /v1/chat HTTP/1.1\r\ncontent-type: application/json";
        let (status, body) = service.ask(head, &body);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    let told = say("you ras-cal, call me: 13800138000");
    assert_eq!(told["filtered"], json!({"input": "mask", "reply": "pass"}));
    let told = say("there is FREE and easy money");
    assert_eq!(told["filtered"], json!({"input": "block", "reply": "pass"}));
    service.signal("-TERM");
    assert_eq!(service.status(), Some(0));
    let log = written(&log);
    assert!(log.contains("you *******, call me: <MOBILE:"), "{log}");
    assert!(log.contains("\"filtered_input\":\"block\""), "{log}");
    for hidden in ["13800138000", "ras-cal", "s-1", "c-1", "easy"] {
        assert!(!log.contains(hidden), "{hidden} is in {log}");
    }
}

#[test]
fn without_its_redis_it_answers_and_tells_so() {
    let folder = Folder::new();
    let model = folder.model(&tasks());
    let redis = "redis://user:sesame@127.0.0.1:1";
    let mut service = Service::start(&["--light", &model, "--full", &model, "--redis", redis]);
    let (status, body) = service.ask(UNDERSTAND, r#"{"text": "refund me"}"#);
    assert_eq!(status, 200, "{body}");
    let (_, metrics) = service.ask("GET /metrics HTTP/1.1", "");
    assert!(
        metrics.lines().any(|line| line == "cs_redis_up 0"),
        "{metrics}"
    );
    let line = service.stderr_line();
    assert!(
        line.contains("Redis fails") && !line.contains("sesame"),
        "{line}"
    );
    service.signal("-INT");
    assert_eq!(service.status(), Some(0));
}

#[test]
fn what_cannot_be_served_is_refused_in_one_line() {
    let folder = Folder::new();
    let light = folder.model(&tasks());
    let torn = Folder::new();
    let torn_light = torn.model(&tasks());
    torn.write("model/model.safetensors", b"{}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let keys = folder.write("keys", b"one\none\n");
    let config = folder.write("serve.toml", b"lihgt = \"model\"\n");
    let cases: [(&[&str], &str); 11] = [
        (&[], "no model: give one by --light or --full"),
        (
            &["--light", &light, "--route", &keys],
            "--route: it chooses",
        ),
        (&["--light", "no/model"], "no/model: no such folder"),
        (&["--light", &torn_light], &torn_light),
        (&["--light", &light, "--addr", &taken], &taken),
        (&["--light", &light, "--api-keys", "no/keys"], "no/keys: "),
        (
            &["--light", &light, "--api-keys", &keys],
            &format!("{keys}:2:1: "),
        ),
        (
            &["--light", &light, "--candidate", &light],
            "--candidate: no conversations to give it",
        ),
        (&["--light", &light, "--flows", "no/f.yml"], "no/f.yml: "),
        (&["--light", &light, "--kb", "no/f.ttl"], "no/f.ttl: "),
        (
            &["--config", &config],
            &format!("{config}:1:1: no setting \"lihgt\", expected \"light\""),
        ),
    ];
    for (arguments, problem) in cases {
        let output = program("serve")
            .env_clear()
            .args(arguments)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{error}"
        );
        assert!(
            error.starts_with(&format!("error: {problem}")),
            "{error}\n{problem}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
