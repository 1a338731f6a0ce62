//! `GET /v1/rollout`: how a candidate does; `POST /v1/rollout`: what a person decides about it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body;
use super::canary::Canary;
use super::problem::Problem;
use super::understand::json;
use crate::rollout::shadow::Report;
use crate::rollout::{Action, Plan, RolloutError, Status};
use crate::route::Proposal;

/// How a candidate does.
#[derive(Debug, Serialize)]
struct Progress {
    #[serde(flatten)]
    status: Status,
    /// What each step was planned to need.
    plan: Plan,
    /// How many turns and ratings it does not know, as too much waited or it could not be written down.
    untold: u64,
    /// How its answers to copies of the stable model's turns compare; null if it sees none.
    shadow: Option<Report>,
    /// The threshold that these propose for a light model in front of the candidate, at which nothing is done; null without a
    /// light and a full model that answer as one.
    threshold: Option<Proposal>,
}

/// What a person decides: `start`, `promote`, `pause` or `rollback`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    #[schema(value_type = String)]
    action: Action,
}

const EXPECTED: &str =
    "an object with `action`, which is `start`, `promote`, `pause` or `rollback`, and nothing else";

/// Tells how a candidate does: the step, the figures of both models, what follows from them, and how it came to that.
#[utoipa::path(get, path = "/v1/rollout", tag = "operation", responses(
    (status = 200, description = "How the candidate does.", body = Object)
))]
pub(super) async fn rollout(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    api.admit(&parts)?;
    let canary = canary(&api)?;
    json(&on_thread(move || shown(&canary)).await?)
}

/// Starts a roll-out, lets it go on, halts it or takes it back. A promotion after the last step gives the candidate
/// all new conversations; a rollback gives the stable model all of them at their next turn.
#[utoipa::path(post, path = "/v1/rollout", tag = "operation", request_body = Act, responses(
    (status = 200, description = "It is done.", body = Object)
))]
pub(super) async fn act(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let by = api.admit_operator(&parts)?;
    let canary = canary(&api)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let Act { action } = body::parse(&body, EXPECTED)?;
    let work = move || {
        let acted = canary.act(action, &by);
        let shown = shown(&canary);
        // A rollback that cannot be written is in force.
        let is_in_force = action == Action::Rollback && shown.status.is_unsaved;
        match acted {
            Err(error) if !is_in_force => Err(error),
            _ => Ok::<_, RolloutError>(shown),
        }
    };
    json(&on_thread(work).await??)
}

fn canary(api: &Api) -> Result<Arc<Canary>, Problem> {
    let refusal = || Problem::new(StatusCode::NOT_FOUND, "this service has no candidate");
    api.canary().cloned().ok_or_else(refusal)
}

fn shown(canary: &Canary) -> Progress {
    Progress {
        status: canary.status(),
        plan: canary.plan().clone(),
        untold: canary.untold(),
        shadow: canary.comparisons(),
        threshold: canary.threshold(),
    }
}

impl From<RolloutError> for Problem {
    fn from(error: RolloutError) -> Self {
        if let RolloutError::Phase { .. } = error {
            return Self::new(StatusCode::CONFLICT, error.to_string());
        }
        tracing::error!(%error, "the roll-out cannot go on");
        let detail = "the roll-out cannot be written down";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}
