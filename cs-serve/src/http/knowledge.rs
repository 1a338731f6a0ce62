//! `POST /v1/check` and `POST /v1/knowledge`: replies held against what is known, and that read anew.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body;
use super::problem::Problem;
use super::understand::{check as check_texts, json};
use crate::knowledge::check::Checked;
use crate::knowledge::{CurrentKnowledge, KnowledgeError};

/// A reply to hold against what is known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    /// The reply.
    reply: String,
    /// What the conversation is about so far, by names or IRIs, the newest last.
    #[serde(default)]
    about: Vec<String>,
}

const EXPECTED_REPLY: &str =
    "an object with `reply`, a string, perhaps `about`, an array of strings, and nothing else";

/// The reply, and what the facts say of it.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckedReply {
    reply: String,
    #[serde(flatten)]
    checked: Checked,
}

/// Holds a reply against what is known.
#[utoipa::path(post, path = "/v1/check", tag = "model", request_body = Reply, responses(
    (status = 200, description = "What the facts say of the reply.", body = CheckedReply)
))]
pub(super) async fn check(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    api.admit(&parts)?;
    let known = known(&api)?.get();
    let body = body::read(&parts.headers, body, api.config()).await?;
    let Reply { reply, about } = body::parse(&body, EXPECTED_REPLY)?;
    check_texts(std::slice::from_ref(&reply), api.config())?;
    if !about.is_empty() {
        check_texts(&about, api.config())?;
    }
    let work = move || {
        let checked = known.check(&reply, &about)?;
        Ok::<_, KnowledgeError>(CheckedReply { reply, checked })
    };
    json(&on_thread(work).await?.map_err(unread)?)
}

/// A request that facts be read anew: an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reload {}

const EXPECTED_RELOAD: &str = "an empty object";

/// The facts that answer from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reloaded {
    /// What tells them from others.
    version: String,
}

/// Reads the facts anew. Until that is done, the old ones answer.
#[utoipa::path(post, path = "/v1/knowledge", tag = "operation", request_body = Reload, responses(
    (status = 200, description = "The new facts answer.", body = Reloaded)
))]
pub(super) async fn reload(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    api.admit_operator(&parts)?;
    let known = known(&api)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let Reload {} = body::parse(&body, EXPECTED_RELOAD)?;
    let reloaded = on_thread(move || known.reload()).await?;
    let version = reloaded
        .map_err(|error| body::bad(format!("the facts: {error}")))?
        .version()
        .to_owned();
    tracing::info!(version, "other facts answer");
    json(&Reloaded { version })
}

fn known(api: &Api) -> Result<Arc<CurrentKnowledge>, Problem> {
    let refusal = || Problem::new(StatusCode::NOT_FOUND, "this service has no facts");
    api.knowledge().cloned().ok_or_else(refusal)
}

/// Facts that could be read when the service began, and cannot be now: those of another server.
fn unread(error: KnowledgeError) -> Problem {
    if let KnowledgeError::Unknown { .. } = error {
        return Problem::new(StatusCode::NOT_FOUND, format!("`about`: {error}"));
    }
    tracing::error!(%error, "facts cannot be read");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the facts cannot be read")
}
