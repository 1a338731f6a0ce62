//! `GET /v1/chat/{session}`: what a conversation has come to; `POST /v1/chat/{session}/release`: it goes on without a
//! person.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body::{self, bad};
use super::chats::{Held, chats, check_session};
use super::feedback::Rating;
use super::problem::Problem;
use super::understand::json;
use crate::dialogue::Shown;

/// A conversation: where it stands, and how it came to that.
#[derive(Serialize, ToSchema)]
pub(super) struct Conversation {
    /// Its name.
    session: String,
    /// How many turns it has.
    turns: u32,
    /// Where it stands.
    state: Shown,
    /// All that happened, in order.
    #[schema(value_type = Vec<Object>)]
    events: Vec<crate::dialogue::Event>,
    /// How the customer rated replies, as far as that is kept.
    ratings: Vec<Rating>,
}

/// Tells where a conversation stands, and how it came to that.
#[utoipa::path(get, path = "/v1/chat/{session}", tag = "chat", params(
    ("session" = String, Path, description = "The conversation's name.")
), responses(
    (status = 200, description = "The conversation.", body = Conversation)
))]
pub(super) async fn conversation(
    State(api): State<Api>,
    session: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    api.admit(&parts)?;
    let chats = chats(&api)?;
    let session = named(session)?;
    let name = session.clone();
    let Held {
        turns,
        state,
        events,
        ratings,
    } = on_thread(move || chats.held(&name)).await??;
    json(&Conversation {
        session,
        turns,
        state,
        events,
        ratings,
    })
}

/// A request that the service go on with a conversation: an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {}

/// Goes on with a conversation that a person had taken over, from where it was. One that nobody has stays as it is.
#[utoipa::path(post, path = "/v1/chat/{session}/release", tag = "operation", request_body = Release, params(
    ("session" = String, Path, description = "The conversation's name.")
), responses(
    (status = 204, description = "The service answers in the conversation.")
))]
pub(super) async fn release(
    State(api): State<Api>,
    session: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    api.admit_operator(&parts)?;
    let chats = chats(&api)?;
    let session = named(session)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let Release {} = body::parse(&body, "an empty object")?;
    on_thread(move || chats.release(&session)).await??;
    Ok(StatusCode::NO_CONTENT)
}

fn named(session: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(session) = session.map_err(|_| bad("`session`: no UTF-8"))?;
    check_session(&session)?;
    Ok(session)
}
