//! `POST /v1/understand`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{self, Answered};
use super::api::Api;
use super::body;
use super::config::HttpConfig;
use super::problem::Problem;
use crate::engine::Options;

/// What is asked: one text, or several of which each gets an answer.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Question {
    /// What a customer wrote.
    Text(String),
    /// What customers wrote, each text by itself.
    Texts(Vec<String>),
}

const EXPECTED: &str = "an object with either `text`, a string, or `texts`, an array of strings, \
                        and nothing else";

/// What is answered: to one text its answer, to several theirs, in order.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Answer {
    One(Answered),
    Several { results: Vec<Answered> },
}

/// Finds intent, entities and sentiment of a text, or of each of several texts.
#[utoipa::path(post, path = "/v1/understand", tag = "model", request_body = Question, responses(
    (status = 200, description = "What the texts mean.", body = Answer)
))]
pub(super) async fn understand(
    State(api): State<Api>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = api.admit(&parts)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let question = body::parse(&body, EXPECTED)?;
    drop(body);
    let is_one = matches!(question, Question::Text(_));
    let (texts, priority) = match question {
        Question::Text(text) => (vec![text], api.config().text_priority),
        Question::Texts(texts) => (texts, api.config().texts_priority),
    };
    check(&texts, api.config())?;
    let options = Options {
        caller,
        priority,
        deadline: None,
    };
    let request = answering::Request::new(texts, options);
    let mut results = api.answering().answer(request).await?;
    json(&match results.pop() {
        Some(result) if is_one => Answer::One(result),
        last => {
            results.extend(last);
            Answer::Several { results }
        }
    })
}

/// Refuses texts that are too many or too long, and none at all.
pub(super) fn check(texts: &[String], config: &HttpConfig) -> Result<(), Problem> {
    let too_large = |detail| Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    let (found, most) = (texts.len(), config.max_batch);
    if found > most {
        return too_large(format!("{found} texts, expected at most {most}"));
    }
    let (longest, most) = (texts.iter().map(String::len).max(), config.max_text);
    match longest {
        None => Err(body::bad("`texts` is empty, expected at least one text")),
        Some(found) if found > most => {
            too_large(format!("a text of {found} bytes, expected at most {most}"))
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer does not serialise");
        Problem::internal("the answer could not be written")
    })?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], Body::from(body)).into_response())
}
