//! `POST /v1/words`: the lists of words read anew.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body;
use super::chats::chats;
use super::problem::Problem;
use super::understand::json;

/// A request that lists of words be read anew: an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadWords {}

const EXPECTED: &str = "an empty object";

/// The words that are looked for from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReloadedWords {
    /// How many there are.
    words: usize,
}

/// Reads the lists of words anew. Until that is done, the old ones are looked for; a turn that has begun goes on with
/// those that it began with.
#[utoipa::path(post, path = "/v1/words", tag = "operation", request_body = ReloadWords, responses(
    (status = 200, description = "The new words are looked for.", body = ReloadedWords)
))]
pub(super) async fn reload_words(
    State(api): State<Api>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    api.admit_operator(&parts)?;
    let words = chats(&api)?.words().ok_or_else(|| {
        let detail = "this service looks for no words";
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let ReloadWords {} = body::parse(&body, EXPECTED)?;
    let reloaded = on_thread(move || words.reload()).await?;
    let words = reloaded
        .map_err(|error| body::bad(format!("the words: {error}")))?
        .len();
    tracing::info!(words, "other words are looked for");
    json(&ReloadedWords { words })
}
