//! `POST /v1/cache`: an answer that is wrong is forgotten.

use axum::extract::{Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::body;
use super::problem::Problem;
use super::understand::{check, json};

/// A text that is answered wrongly from the cache.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Eviction {
    /// The text.
    evict: String,
}

const EXPECTED: &str = "an object with `evict`, a string, and nothing else";

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Evicted {
    /// How many answers were forgotten: to this text, and to those that ask the same.
    evicted: usize,
}

/// Forgets a wrong answer of the cache: to a text, and to those that ask the same.
#[utoipa::path(post, path = "/v1/cache", tag = "operation", request_body = Eviction, responses(
    (status = 200, description = "Those answers are not given any more.", body = Evicted)
))]
pub(super) async fn evict(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    api.admit_operator(&parts)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let Eviction { evict } = body::parse(&body, EXPECTED)?;
    check(std::slice::from_ref(&evict), api.config())?;
    let evicted = api.answering().forget(&evict).await?;
    json(&Evicted { evicted })
}
