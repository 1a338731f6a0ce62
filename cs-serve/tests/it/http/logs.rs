//! Conversations that are logged as they are held over HTTP.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cs_serve::dialogue::{ActionError, Call, NoAnswers};
use cs_serve::http::HttpConfig;
use cs_serve::log::{Log, LogConfig};
use cs_serve::reply::Values;
use serde_json::{Value, json};

use super::chat::{NONE, chat, echo, events, say, serving};
use super::service::{Service, post};
use crate::log::{files, frames, masker};

/// A service that says what it is asked, and logs it.
fn logging(folder: &Path) -> (Service, Arc<Log>) {
    let log = Arc::new(Log::open(folder, LogConfig::default(), &masker()).unwrap());
    let Service { engine, api } = serving(chat(NONE, echo), HttpConfig::default());
    let api = api.with_log(Arc::clone(&log), masker());
    (Service { engine, api }, log)
}

/// What a folder's files have in them.
fn records(folder: &Path) -> Vec<Value> {
    let files = files(folder);
    let of = |name: &String| frames(&folder.join(name)).0;
    files.iter().flat_map(of).collect()
}

#[tokio::test]
async fn turns_and_ratings_are_logged_masked_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (service, log) = logging(folder.path());
    let text = "我的手机是13800138000";
    let turn = json!({"session": "session-7", "text": text, "turn": 1, "customer": "客户甲"});
    for _ in 0..2 {
        assert_eq!(say(&service, turn.clone()).await.status, 200);
    }
    let mut streamed = post(
        "/v1/chat",
        json!({"session": "session-7", "text": "hello"}).to_string(),
    );
    let kind = "text/event-stream".parse().unwrap();
    streamed.headers_mut().insert("accept", kind);
    assert_eq!(
        events(&service.send(streamed).await.body).last().unwrap().0,
        "reply"
    );
    let rating = json!({"session": "session-7", "turn": 1, "score": 0.25}).to_string();
    assert_eq!(service.send(post("/v1/feedback", rating)).await.status, 204);
    // What was refused never was.
    say(
        &service,
        json!({"session": "session-7", "text": "hello", "turn": 9}),
    )
    .await;
    let unknown = json!({"session": "session-8", "turn": 1, "score": 1}).to_string();
    assert_eq!(
        service.send(post("/v1/feedback", unknown)).await.status,
        404
    );
    assert!(log.drain(Duration::from_secs(20)));

    check_rows(&records(folder.path()), text);
    for name in files(folder.path()) {
        let bytes = std::fs::read(folder.path().join(&name)).unwrap();
        let bytes = String::from_utf8_lossy(&bytes).into_owned();
        for value in ["13800138000", "session-7", "客户甲"] {
            assert!(!bytes.contains(value), "{value} is in {name}");
        }
    }
    let metrics = service.get("/metrics").await.body;
    for line in ["cs_log_rows_total 3", "cs_log_lost_total 0", "cs_log_up 1"] {
        assert!(
            metrics.lines().any(|it| it == line),
            "{line} is not in {metrics}"
        );
    }
}

/// Checks what is logged of a turn with that text, of another one and of a rating.
fn check_rows(records: &[Value], text: &str) {
    let [first, second, rated] = records else {
        panic!("{records:?}")
    };
    let masked = masker().text("session-7", text).masked.into_inner();
    let row = &first["row"];
    assert_eq!(
        (&row["text"], &row["reply"]),
        (&json!(masked), &json!(masked))
    );
    assert_eq!(
        row["conversation"],
        masker().conversation("session-7").into_inner()
    );
    assert_eq!(row["customer"], masker().customer("客户甲").into_inner());
    assert_eq!(
        (&row["turn"], &row["route"], &row["source"]),
        (&json!(1), &json!("light"), &json!("generated"))
    );
    assert!(row["model"].is_string() && row["time"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(
        (&second["row"]["text"], &second["row"]["customer"]),
        (&json!("hello"), &Value::Null)
    );
    assert_eq!(
        (&rated["rating"]["turn"], &rated["rating"]["satisfied"]),
        (&json!(1), &json!(0.25))
    );
    assert_eq!(rated["rating"]["conversation"], row["conversation"]);
}

#[tokio::test]
async fn an_interrupted_turn_is_logged_and_counted_though_the_next_one_fails() {
    let flows = r#"
version: 1
flows:
  status:
    starts: { intents: [plain-0, plain-1, plain-2] }
    steps:
      - action: find
      - say: { zh: "在路上。", en: "It is on its way." }
"#;
    let has_crashed = AtomicBool::new(false);
    let chat = chat(flows, NoAnswers).with_actions(Box::new(move |_: &Call<'_>| {
        assert!(has_crashed.swap(true, Ordering::Relaxed), "a crash");
        Ok::<_, ActionError>(Values::new())
    }));
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::open(folder.path(), LogConfig::default(), &masker()).unwrap());
    let Service { engine, api } = serving(chat, HttpConfig::default());
    let api = api.with_log(Arc::clone(&log), masker());
    let service = Service { engine, api };
    let interrupted = say(&service, json!({"session": "s", "text": "where is it"})).await;
    assert_eq!(interrupted.status, 500);
    let wrong = json!({"session": "s", "text": "hello", "turn": 9, "customer": "c"});
    for _ in 0..2 {
        assert_eq!(say(&service, wrong.clone()).await.status, 409);
    }
    assert!(log.drain(Duration::from_secs(20)));
    let records = records(folder.path());
    let [ended] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(
        (&ended["row"]["turn"], &ended["row"]["reply"]),
        (&json!(1), &json!("It is on its way."))
    );
    assert_eq!(ended["row"]["route"], Value::Null);
    let metrics = service.get("/metrics").await.body;
    let line = "cs_chat_turns_total{source=\"template\"} 1";
    assert!(metrics.lines().any(|it| it == line), "{metrics}");
}

#[tokio::test]
async fn a_log_that_takes_no_more_keeps_no_answer_and_counts_what_it_lost() {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig {
        queue_bytes: 1 << 10,
        ..LogConfig::default()
    };
    let log = Arc::new(Log::open(folder.path(), config, &masker()).unwrap());
    let Service { engine, api } = serving(chat(NONE, echo), HttpConfig::default());
    let api = api.with_log(Arc::clone(&log), masker());
    let service = Service { engine, api };
    let long = "so it goes ".repeat(200);
    assert_eq!(
        say(&service, json!({"session": "s", "text": long}))
            .await
            .status,
        200
    );
    assert!(!log.drain(Duration::from_secs(20)));
    let metrics = service.get("/metrics").await.body;
    for expected in ["cs_log_lost_total 1", "cs_log_up 0"] {
        assert!(metrics.lines().any(|it| it == expected), "{metrics}");
    }
    assert!(records(folder.path()).is_empty());
}

#[tokio::test]
async fn a_customer_has_a_name() {
    let service = serving(chat(NONE, echo), HttpConfig::default());
    for (customer, status) in [
        (json!("c"), 200),
        (json!("客".repeat(256)), 200),
        (json!(""), 400),
        (json!("客".repeat(257)), 400),
        (json!(7), 400),
        (json!(null), 400),
    ] {
        let body = json!({"session": "s", "text": "hello", "customer": customer});
        assert_eq!(
            say(&service, body).await.status.as_u16(),
            status,
            "{customer}"
        );
    }
    let metrics = service.get("/metrics").await.body;
    assert!(!metrics.contains("cs_log"), "{metrics}");
}
