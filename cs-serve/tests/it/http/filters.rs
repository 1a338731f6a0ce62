//! Words that are filtered over HTTP, both ways.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cs_serve::BackendError;
use cs_serve::dialogue::{Answers, Guard};
use cs_serve::http::HttpConfig;
use cs_serve::reply::{Asked, Reply, Sink, Source};
use cs_serve::safety::words::{CurrentFilter, Filter, FilterConfig, WordList};
use serde_json::{Value, json};

use super::chat::{NONE, chat, echo, events, say, serving};
use super::service::{self, Service, post, with_key};

/// A service that says what it is asked word by word and looks for the words of a file, which is in a folder with its keys.
struct Filtering {
    folder: tempfile::TempDir,
    service: Service,
}

impl Filtering {
    fn new(words: &str) -> Self {
        Self::answering(words, echo)
    }

    fn answering(words: &str, answers: impl Answers + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("words.tsv");
        std::fs::write(&list, words).unwrap();
        std::fs::write(folder.path().join("keys"), "sesame").unwrap();
        let config = HttpConfig {
            api_keys: Some(folder.path().join("keys")),
            ..HttpConfig::default()
        };
        let read = move || Ok(Filter::new(WordList::open(&list)?, FilterConfig::default()));
        let words = Arc::new(CurrentFilter::open(read).unwrap());
        let chat = chat(NONE, answers).with_guard(Guard::default().with_words(words));
        let service = serving(chat, config);
        Self { folder, service }
    }

    fn list(&self) -> PathBuf {
        Path::new(self.folder.path()).join("words.tsv")
    }

    async fn send(&self, path: &str, body: Value) -> service::Reply {
        let request = with_key(post(path, body.to_string()), "sesame");
        self.service.send(request).await
    }

    async fn say(&self, text: &str) -> Value {
        self.send("/v1/chat", json!({"session": "s", "text": text}))
            .await
            .json()
    }
}

#[tokio::test]
async fn an_answer_tells_what_was_done_with_both_texts() {
    let filtering = Filtering::new("rascal\tinsult\t2\tmask\nscoundrel\tinsult\t3\tblock\n");
    let told = filtering.say("you ras-cal").await;
    assert_eq!(told["filtered"], json!({"input": "mask", "reply": "pass"}));
    assert_eq!(told["reply"]["text"], "you *******");
    assert_eq!(told["understanding"]["text"], "you ras-cal");
    let told = filtering.say("you SCOUNDREL").await;
    assert_eq!(told["filtered"], json!({"input": "block", "reply": "pass"}));
    assert_eq!(told["reply"]["source"], "template");
    let text = "Sorry, I cannot take a message like that. Could you put it another way?";
    assert_eq!(told["reply"]["text"], text);
    let told = filtering.say("hello").await;
    assert_eq!(told["filtered"], json!({"input": "pass", "reply": "pass"}));

    let metrics = filtering.service.get("/metrics").await.body;
    for line in [
        "cs_filtered_total{direction=\"input\",action=\"pass\"} 1",
        "cs_filtered_total{direction=\"input\",action=\"mask\"} 1",
        "cs_filtered_total{direction=\"input\",action=\"block\"} 1",
        "cs_filtered_total{direction=\"reply\",action=\"pass\"} 3",
    ] {
        assert!(
            metrics.lines().any(|it| it == line),
            "{line} is not in {metrics}"
        );
    }
    let request = axum::http::Request::get("/v1/chat/s").body(axum::body::Body::empty());
    let held = filtering
        .service
        .send(with_key(request.unwrap(), "sesame"))
        .await;
    let flagged: Vec<Value> = held.json()["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["flagged"].is_object())
        .cloned()
        .collect();
    assert_eq!(
        flagged[0]["flagged"],
        json!({"direction": "input", "action": "mask", "causes": [{"category": "insult", "trick": "symbols"}]})
    );
    for hidden in ["ras-cal", "SCOUNDREL", "digest"] {
        assert!(!held.body.contains(hidden), "{hidden}: {}", held.body);
    }
}

/// The text that a customer sees come, and the reply in the end.
async fn streamed(filtering: &Filtering, text: &str) -> (String, Value) {
    let body = json!({"session": "s", "text": text}).to_string();
    let mut request = with_key(post("/v1/chat", body), "sesame");
    let kind = "text/event-stream".parse().unwrap();
    request.headers_mut().insert("accept", kind);
    let reply = filtering.service.send(request).await;
    let events = events(&reply.body);
    let tokens = events.iter().filter(|(name, _)| name == "token");
    let seen = tokens
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect();
    let (last, told) = events.last().unwrap();
    assert_eq!(last, "reply");
    (seen, told.clone())
}

/// Says something whatever it is asked, in pieces of as many characters as that is a number of.
fn promise(asked: &Asked<'_>, sink: &mut Sink<'_>) -> Result<Option<Reply>, BackendError> {
    let text = "By the way, it is f r e e money for all.";
    let chars: Vec<char> = text.chars().collect();
    for piece in chars.chunks(asked.text.parse()?) {
        if sink(&piece.iter().collect::<String>()).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(Reply {
        text: text.to_owned(),
        source: Source::Generated,
        evidence: Vec::new(),
        checked: None,
    }))
}

#[tokio::test]
async fn a_word_in_a_stream_is_covered_or_ends_it_however_it_is_split() {
    let masking = Filtering::answering("free money\t\t3\tmask", promise);
    for piece in 1..=41 {
        let (seen, told) = streamed(&masking, &piece.to_string()).await;
        assert_eq!(seen, "By the way, it is ************* for all.");
        assert_eq!(told["reply"]["text"], seen);
        assert_eq!(told["filtered"], json!({"input": "pass", "reply": "mask"}));
    }
    for piece in [1, 2, 7, 40] {
        let blocking = Filtering::answering("free money\t\t3\tblock", promise);
        let (seen, told) = streamed(&blocking, &piece.to_string()).await;
        let may_be_seen = "By the way, it is ".starts_with(&seen) || told["reply"]["text"] == seen;
        assert!(may_be_seen, "{seen}");
        assert_eq!(told["reply"]["source"], "handover");
        assert_eq!(told["filtered"], json!({"input": "pass", "reply": "block"}));
        let metrics = blocking.service.get("/metrics").await.body;
        let count = "cs_chat_handovers_total{reason=\"withheld\"} 1";
        assert!(metrics.lines().any(|it| it == count), "{metrics}");
    }
}

#[tokio::test]
async fn words_are_read_anew_by_whoever_has_a_key() {
    let filtering = Filtering::new("rascal");
    std::fs::write(filtering.list(), "rogue\nknave").unwrap();
    assert_eq!(
        filtering.say("rascal or rogue").await["reply"]["text"],
        "****** or rogue"
    );
    assert_eq!(
        filtering.send("/v1/words", json!({})).await.json(),
        json!({"words": 2})
    );
    assert_eq!(
        filtering.say("rascal or rogue").await["reply"]["text"],
        "rascal or *****"
    );
    std::fs::write(filtering.list(), "rogue\t\t11").unwrap();
    let (status, detail) = filtering.send("/v1/words", json!({})).await.problem();
    assert_eq!(status, 400);
    assert!(detail.contains("words.tsv:1:8: the severity"), "{detail}");
    assert_eq!(filtering.say("a rogue").await["reply"]["text"], "a *****");
    assert_eq!(
        filtering
            .service
            .send(post("/v1/words", "{}"))
            .await
            .problem()
            .0,
        401
    );
    assert_eq!(
        filtering
            .send("/v1/words", json!({"words": 1}))
            .await
            .problem()
            .0,
        400
    );

    let keyless = serving(chat(NONE, echo), HttpConfig::default());
    assert_eq!(keyless.send(post("/v1/words", "{}")).await.problem().0, 403);
    let metrics = keyless.get("/metrics").await.body;
    assert!(!metrics.contains("cs_filtered_total"), "{metrics}");
    let told = say(&keyless, json!({"session": "s", "text": "rascal"}))
        .await
        .json();
    assert_eq!(told["filtered"], Value::Null);
}
