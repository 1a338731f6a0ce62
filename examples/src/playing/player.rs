//! Plays conversations, by the interface that customers have.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use cs_serve::http::Api;
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::script::{Expected, Script};
use crate::error::{Error, Result};

/// Plays conversations against a service in this process, turn by turn and without a socket.
#[derive(Debug)]
pub struct Player {
    router: Router,
}

/// What came of conversations that were played.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Played {
    /// The number of conversations that went as expected.
    pub passed: usize,
    /// What went otherwise: of each conversation its first such turn, with which it ends.
    pub failed: Vec<Failure>,
}

/// A turn that went otherwise than expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The name of the conversation.
    pub conversation: String,
    /// The number of the turn, from 1.
    pub turn: usize,
    /// What was expected.
    pub expected: Expected,
    /// What was found in its place: `intent`, `slots`, `source` and `text`, or a `problem`.
    pub found: Value,
}

impl Player {
    /// Makes a player for a service that holds conversations.
    pub fn new(api: &Api) -> Self {
        Self {
            router: api.router(),
        }
    }

    /// Plays conversations, each in a session of its own.
    ///
    /// # Errors
    /// An interface that gives no answer at all.
    pub async fn play(&self, scripts: &[Script]) -> Result<Played> {
        let mut played = Played::default();
        for (number, script) in scripts.iter().enumerate() {
            match self.conversation(number, script).await? {
                None => played.passed += 1,
                Some(failure) => played.failed.push(failure),
            }
        }
        Ok(played)
    }

    async fn conversation(&self, number: usize, script: &Script) -> Result<Option<Failure>> {
        for (turn, line) in (1..).zip(&script.turns) {
            let body = json!({"session": format!("play-{number}"), "text": line.say, "turn": turn});
            let found = found(&self.chat(&body).await?);
            if !fits(&line.expect, &found) {
                return Ok(Some(Failure {
                    conversation: script.name.clone(),
                    turn,
                    expected: line.expect.clone(),
                    found,
                }));
            }
        }
        Ok(None)
    }

    async fn chat(&self, body: &Value) -> Result<Value> {
        let failed = |error: String| Error::Io {
            path: "/v1/chat".into(),
            source: std::io::Error::other(error),
        };
        let request = Request::post("/v1/chat")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .map_err(|error| failed(error.to_string()))?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        let answer: Value =
            serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))?;
        Ok(match status {
            StatusCode::OK => answer,
            _ => json!({"problem": answer["detail"]}),
        })
    }
}

/// What counts of an answer.
fn found(answer: &Value) -> Value {
    if answer.get("problem").is_some() {
        return answer.clone();
    }
    json!({
        "intent": answer["understanding"]["intent"]["label"],
        "slots": answer["state"]["slots"],
        "source": answer["reply"]["source"],
        "text": answer["reply"]["text"],
    })
}

fn fits(expected: &Expected, found: &Value) -> bool {
    if found.get("problem").is_some() {
        return false;
    }
    let said = |key: &str| found[key].as_str().unwrap_or_default();
    let source = json!(expected.source);
    expected
        .intent
        .as_deref()
        .is_none_or(|it| it == said("intent"))
        && (source.is_null() || source == found["source"])
        && expected.slots.iter().all(|(name, value)| {
            found["slots"].get(name).and_then(Value::as_str) == value.as_deref()
        })
        && expected.contains.iter().all(|it| said("text").contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_serve::reply::Source;

    #[test]
    fn an_answer_fits_if_all_that_is_expected_is_found() {
        let found = json!({"intent": "refund_request", "slots": {"order_id": "A1"}, "source": "template", "text": "Why?"});
        assert!(fits(&Expected::default(), &found));
        let expected = Expected {
            intent: Some("refund_request".into()),
            slots: [
                ("order_id".into(), Some("A1".into())),
                ("reason".into(), None),
            ]
            .into(),
            source: Some(Source::Template),
            contains: vec!["Wh".into(), "?".into()],
        };
        assert!(fits(&expected, &found));
        for (key, other) in [
            ("intent", json!("greeting")),
            ("slots", json!({"order_id": "A2"})),
            ("slots", json!({"order_id": "A1", "reason": "broken"})),
            ("source", json!("faq")),
            ("text", json!("How?")),
        ] {
            let mut otherwise = found.clone();
            otherwise[key] = other;
            assert!(!fits(&expected, &otherwise), "{key}");
        }
        assert!(!fits(&Expected::default(), &json!({"problem": "late"})));
    }
}
