//! Conversations over HTTP.

use cs_serve::dialogue::{
    Answers, Chat, ChatConfig, Flows, MemorySessions, NoAnswers, SessionsConfig,
};
use cs_serve::http::{Api, HttpConfig, LastRatings, Slot};
use cs_serve::reply::{Asked, Reply, Sink, Source};
use serde_json::{Value, json};

use super::service::{self, Service, ask, post, with_key};
use crate::engine::models::{plain, start, workers};

/// The model's intents are `plain-0` to `plain-2`, as chance has it; so what counts here is what the texts say.
pub(super) const FLOWS: &str = r#"
version: 1
flows:
  status:
    starts: { intents: [plain-0, plain-1, plain-2] }
    slots:
      number: { ask: { zh: "单号是多少？", en: "Which number is it?" }, pattern: "[0-9]{4,}" }
    steps:
      - collect: [number]
      - say: { zh: "{{number}}在路上。", en: "{{number}} is on its way." }
"#;

pub(super) const NONE: &str = "version: 1\nflows: {}\n";

/// Holds conversations, by these flows and answers.
pub(super) fn holding(flows: &str, answers: impl Answers + 'static, config: HttpConfig) -> Service {
    serving(chat(flows, answers), config)
}

pub(super) fn serving(chat: Chat, config: HttpConfig) -> Service {
    let (engine, handle) = start(&plain(), workers(1));
    let api = Api::new(Slot::Light, handle, config).unwrap();
    let api = api.with_chat(chat, LastRatings::default());
    Service { engine, api }
}

pub(super) fn chat(flows: &str, answers: impl Answers + 'static) -> Chat {
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    let flows = Flows::parse(flows).unwrap();
    let chat = Chat::new(
        flows,
        Box::new(answers),
        Box::new(sessions),
        ChatConfig::default(),
    );
    chat.unwrap()
}

fn service() -> Service {
    holding(FLOWS, NoAnswers, HttpConfig::default())
}

/// Says in pieces what it was asked.
pub(super) fn echo(
    asked: &Asked<'_>,
    sink: &mut Sink<'_>,
) -> Result<Option<Reply>, cs_serve::BackendError> {
    if asked.text.contains("fail") {
        return Err("the text was: secret".into());
    }
    for word in asked.text.split_inclusive(' ') {
        if sink(word).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(Reply {
        text: asked.text.to_owned(),
        source: Source::Generated,
        evidence: Vec::new(),
        checked: None,
    }))
}

fn echoing() -> Service {
    holding(NONE, echo, HttpConfig::default())
}

pub(super) async fn say(service: &Service, body: Value) -> service::Reply {
    service.send(post("/v1/chat", body.to_string())).await
}

#[tokio::test]
async fn a_conversation_goes_on_from_turn_to_turn() {
    let service = service();
    let asked = say(&service, json!({"session": "s1", "text": "where is it"})).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let asked = asked.json();
    assert_eq!(asked["turn"], 1);
    assert_eq!(asked["reply"]["text"], "Which number is it?");
    assert_eq!(asked["reply"]["source"], "template");
    assert_eq!(asked["route"], "light");
    assert_eq!(asked["understanding"]["text"], "where is it");
    assert_eq!(
        asked["state"],
        json!({"flow": "status", "slots": {}, "missing": ["number"]})
    );
    assert_eq!(
        (&asked["checked"], &asked["filtered"]),
        (&Value::Null, &Value::Null)
    );

    let told = say(
        &service,
        json!({"session": "s1", "text": "12345", "turn": 2}),
    )
    .await
    .json();
    assert_eq!(
        (&told["turn"], &told["reply"]["text"]),
        (&json!(2), &json!("12345 is on its way."))
    );
    let other = say(&service, json!({"session": "s2", "text": "12345"}))
        .await
        .json();
    assert_eq!(other["turn"], 1);

    let held = service.get("/v1/chat/s1").await.json();
    assert_eq!(
        (&held["session"], &held["turns"]),
        (&json!("s1"), &json!(2))
    );
    assert_eq!(held["state"]["slots"], json!({"number": "12345"}));
    let events = held["events"].as_array().unwrap();
    assert!(
        events.iter().any(|it| it["customer"]["text"] == "12345"),
        "{held}"
    );
    assert_eq!(
        service.get("/v1/chat/s3").await.problem(),
        (404, "no such session".into())
    );
}

#[tokio::test]
async fn a_turn_that_is_sent_again_is_answered_once() {
    let service = service();
    let first = json!({"session": "s", "text": "where is it", "turn": 1});
    let told = say(&service, first.clone()).await;
    assert_eq!(say(&service, first).await.body, told.body);
    for (turn, text) in [(1, "12345"), (3, "12345")] {
        let refused = say(
            &service,
            json!({"session": "s", "text": text, "turn": turn}),
        )
        .await;
        let (status, detail) = refused.problem();
        assert_eq!(status, 409);
        assert!(
            detail.starts_with(&format!("turn {turn}, expected 2")),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_session_that_takes_too_much_memory_gets_no_further_turn() {
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    let sessions = Box::new(sessions.with_most_bytes(1 << 20));
    let flows = Flows::parse(NONE).unwrap();
    let chat = Chat::new(flows, Box::new(echo), sessions, ChatConfig::default()).unwrap();
    let service = serving(chat, HttpConfig::default());
    let long = json!({"session": "s", "text": "so it goes ".repeat(5_000)});
    assert_eq!(say(&service, long).await.status, 200);
    let refused = say(&service, json!({"session": "s", "text": "hello"})).await;
    let expected = "the session takes 65536 bytes, which is the most; begin another one";
    assert_eq!(refused.problem(), (409, expected.to_owned()));
    let other = say(&service, json!({"session": "t", "text": "hello"})).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn events_tell_what_is_understood_then_the_reply_in_parts_then_all() {
    let service = echoing();
    let mut request = post(
        "/v1/chat",
        json!({"session": "s", "text": "one two\nthree"}).to_string(),
    );
    let kind = "text/event-stream".parse().unwrap();
    request.headers_mut().insert("accept", kind);
    let reply = service.send(request).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, "text/event-stream")
    );
    let events = events(&reply.body);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["understanding", "token", "token", "reply"]);
    assert_eq!(events[0].1["understanding"]["text"], "one two\nthree");
    assert_eq!(
        (&events[1].1, &events[2].1),
        (&json!({"text": "one "}), &json!({"text": "two\nthree"}))
    );
    assert_eq!(events[3].1["reply"]["text"], "one two\nthree");
    assert_eq!(events[3].1["reply"]["source"], "generated");
    assert_eq!(events[3].1["understanding"], events[0].1["understanding"]);
}

pub(super) fn events(body: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let (name, data) = block.split_once('\n').unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        let name = name.strip_prefix("event: ").unwrap().to_owned();
        (name, serde_json::from_str(data).unwrap())
    };
    body.trim_end().split("\n\n").map(event).collect()
}

#[tokio::test]
async fn a_problem_in_a_stream_is_an_event() {
    let service = service();
    let mut request = post(
        "/v1/chat",
        json!({"session": "s", "text": "x", "turn": 9}).to_string(),
    );
    let kind = "text/event-stream".parse().unwrap();
    request.headers_mut().insert("accept", kind);
    let events = events(&service.send(request).await.body);
    assert_eq!(events[1].0, "error");
    assert_eq!(
        (&events[1].1["status"], &events[1].1["title"]),
        (&json!(409), &json!("Conflict"))
    );
}

#[tokio::test]
async fn what_is_no_turn_is_refused() {
    let config = HttpConfig {
        max_text: 20,
        ..HttpConfig::default()
    };
    let service = holding(FLOWS, NoAnswers, config);
    let long = "x".repeat(129);
    for (body, expected) in [
        (json!({"session": "s"}), 400),
        (json!({"session": "s", "text": 7}), 400),
        (json!({"session": "s", "text": "x", "turns": 1}), 400),
        (json!({"session": "s", "text": "x", "turn": -1}), 400),
        (json!({"session": "", "text": "x"}), 400),
        (json!({"session": "会话", "text": "x"}), 400),
        (json!({"session": "a b", "text": "x"}), 400),
        (json!({"session": long, "text": "x"}), 400),
        (json!({"session": "s", "text": "x".repeat(21)}), 413),
        (json!({"session": "s", "text": "x", "turn": 0}), 400),
        (json!({"session": "s", "text": "x", "turn": 1.5}), 400),
        (json!({"session": "s", "text": "x", "turn": null}), 400),
        (json!({"session": "s", "text": "x", "turn": 9.0}), 409),
    ] {
        let (status, detail) = say(&service, body.clone()).await.problem();
        assert_eq!(status, expected, "{body}: {detail}");
    }
    assert_eq!(service.get("/v1/chat/%FF").await.problem().0, 400);
    assert_eq!(
        service.get(&format!("/v1/chat/{long}")).await.problem().0,
        400
    );
}

#[tokio::test]
async fn ratings_are_kept_by_turn_and_the_last_counts() {
    let service = service();
    say(&service, json!({"session": "s", "text": "where is it"})).await;
    let rate = async |body: Value| service.send(post("/v1/feedback", body.to_string())).await;
    for body in [
        json!({"session": "s", "turn": 1, "satisfied": true}),
        json!({"session": "s", "turn": 1, "score": 0.25}),
    ] {
        assert_eq!(rate(body).await.status, 204);
    }
    let held = service.get("/v1/chat/s").await.json();
    assert_eq!(held["ratings"], json!([{"turn": 1, "score": 0.25}]));
    for (body, expected) in [
        (json!({"session": "s", "turn": 2, "satisfied": true}), 404),
        (json!({"session": "s", "turn": 0, "satisfied": true}), 400),
        (json!({"session": "t", "turn": 1, "satisfied": true}), 404),
        (json!({"session": "s", "turn": 1}), 400),
        (
            json!({"session": "s", "turn": 1, "satisfied": true, "score": 1}),
            400,
        ),
        (json!({"session": "s", "turn": 1, "score": 1.5}), 400),
        (json!({"session": "s", "turn": 1, "satisfied": "yes"}), 400),
    ] {
        assert_eq!(rate(body.clone()).await.problem().0, expected, "{body}");
    }
}

#[tokio::test]
async fn a_service_without_conversations_has_none() {
    let service = Service::plain();
    let refused = say(&service, json!({"session": "s", "text": "x"})).await;
    let expected = (404, "this service holds no conversations".to_owned());
    assert_eq!(refused.problem(), expected);
    assert_eq!(service.get("/v1/chat/s").await.problem(), expected);
    assert!(
        !service
            .get("/")
            .await
            .body
            .contains("data-service=\"chat\"")
    );
    assert!(
        echoing()
            .get("/")
            .await
            .body
            .contains("<body data-service=\"chat\">")
    );
}

#[tokio::test]
async fn conversations_ask_for_a_key_where_there_are_keys() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "sesame").unwrap();
    let config = HttpConfig {
        api_keys: Some(keys.path().to_owned()),
        ..HttpConfig::default()
    };
    let service = holding(FLOWS, NoAnswers, config);
    let body = json!({"session": "s", "text": "x"}).to_string();
    assert_eq!(
        service
            .send(post("/v1/chat", body.clone()))
            .await
            .problem()
            .0,
        401
    );
    assert_eq!(service.get("/v1/chat/s").await.problem().0, 401);
    assert_eq!(
        service
            .send(with_key(post("/v1/chat", body), "sesame"))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_turns_at_once_than_may_be_are_told_when_to_come_again() {
    let (entered, wait) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (entered, released) = (
        std::sync::Mutex::new(entered),
        std::sync::Mutex::new(released),
    );
    let slow = move |_: &Asked<'_>, _: &mut Sink<'_>| {
        entered.lock().unwrap().send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        Ok(None)
    };
    let config = HttpConfig {
        max_turns: 1,
        ..HttpConfig::default()
    };
    let service = holding(NONE, slow, config);
    let body = |session: &str| json!({"session": session, "text": "x"}).to_string();
    let first = tokio::spawn(ask(service.api.router(), post("/v1/chat", body("a"))));
    tokio::task::spawn_blocking(move || wait.recv().unwrap())
        .await
        .unwrap();
    let refused = ask(service.api.router(), post("/v1/chat", body("b"))).await;
    assert_eq!(
        (refused.problem().0, refused.header("retry-after")),
        (429, "1")
    );
    release.send(()).unwrap();
    assert_eq!(first.await.unwrap().json()["reply"]["source"], "handover");
}

#[tokio::test]
async fn metrics_count_replies_and_hand_overs_and_tell_nothing_of_them() {
    let service = echoing();
    say(
        &service,
        json!({"session": "secret-session", "text": "secret text"}),
    )
    .await;
    say(
        &service,
        json!({"session": "secret-session", "text": "please fail"}),
    )
    .await;
    service.get("/v1/chat/secret-session").await;
    // What is sent again counts once, and so does a stream that ends with a problem.
    let again = json!({"session": "secret-session", "text": "please fail", "turn": 2});
    assert_eq!(say(&service, again).await.status, 200);
    let late = json!({"session": "secret-session", "text": "x", "turn": 9}).to_string();
    let mut late = post("/v1/chat", late);
    let kind = "text/event-stream".parse().unwrap();
    late.headers_mut().insert("accept", kind);
    assert_eq!(service.send(late).await.status, 200);
    let metrics = service.get("/metrics").await.body;
    for line in [
        "cs_chat_turns_total{source=\"generated\"} 1",
        "cs_chat_turns_total{source=\"handover\"} 1",
        "cs_chat_turns_total{source=\"faq\"} 0",
        "cs_chat_handovers_total{reason=\"answer_failed\"} 1",
        "cs_stage_seconds_count{stage=\"chat\"} 2",
        "cs_chat_failed_total{status=\"409\"} 1",
        "cs_requests_total{path=\"/v1/chat\",status=\"200\"} 4",
        "cs_requests_total{path=\"/v1/chat/{session}\",status=\"200\"} 1",
    ] {
        assert!(
            metrics.lines().any(|it| it == line),
            "{line} is not in {metrics}"
        );
    }
    assert!(!metrics.contains("secret"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_ends_its_reply_and_the_turn_never_was() {
    let (entered, wait) = std::sync::mpsc::channel();
    let (told, ended) = std::sync::mpsc::channel();
    let (entered, told) = (std::sync::Mutex::new(entered), std::sync::Mutex::new(told));
    // Says something again and again, until nobody waits for it.
    let endless = move |_: &Asked<'_>, sink: &mut Sink<'_>| {
        entered.lock().unwrap().send(()).unwrap();
        while sink("and ").is_continue() {
            std::thread::yield_now();
        }
        told.lock().unwrap().send(()).unwrap();
        Ok(None)
    };
    let service = holding(NONE, endless, HttpConfig::default());
    let body = json!({"session": "s", "text": "x"}).to_string();
    let request = tokio::spawn(ask(service.api.router(), post("/v1/chat", body)));
    tokio::task::spawn_blocking(move || wait.recv().unwrap())
        .await
        .unwrap();
    request.abort();
    tokio::task::spawn_blocking(move || ended.recv().unwrap())
        .await
        .unwrap();
    assert_eq!(service.get("/v1/chat/s").await.problem().0, 404);
}

#[tokio::test]
async fn a_person_gives_a_conversation_back() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "secret-key").unwrap();
    let config = HttpConfig {
        api_keys: Some(keys),
        ..HttpConfig::default()
    };
    let service = holding(NONE, NoAnswers, config);
    let send = async |path: &str, body: &str| {
        let request = post(path, body.to_owned());
        service.send(with_key(request, "secret-key")).await
    };
    let release = "/v1/chat/s1/release";
    assert_eq!(send(release, "{}").await.status, 404);
    let said = r#"{"session": "s1", "text": "x"}"#;
    let handed = send("/v1/chat", said).await.json();
    assert_eq!(handed["reply"]["source"], "handover");
    let waits = send("/v1/chat", said).await.json()["reply"]["text"].clone();
    assert_eq!(send(release, "{}").await.status, 204);
    assert_eq!(send(release, "{}").await.status, 204);
    let again = send("/v1/chat", said).await.json();
    assert!(again["reply"]["text"] == handed["reply"]["text"] && again["reply"]["text"] != waits);
    // Nobody without a key, and nothing else than an empty object.
    let unkeyed = service.send(post(release, "{}")).await;
    assert_eq!(unkeyed.problem().0, 401);
    assert_eq!(send(release, "[]").await.problem().0, 400);
    let other = self::service();
    assert_eq!(other.send(post(release, "{}")).await.problem().0, 403);
}
