//! What those ask who run the service.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::metrics::Exposition;
use super::problem::Problem;
use super::understand::json;
use crate::engine::generation::GenerationHandle;

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    status: &'static str,
}

/// Tells that the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses(
    (status = 200, description = "The process is alive.", body = Status)
))]
pub(super) async fn health() -> Result<Response, Problem> {
    json(&Status { status: "alive" })
}

/// Tells whether requests are answered.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "Requests are answered.", body = Status)
))]
pub(super) async fn ready(State(api): State<Api>) -> Result<Response, Problem> {
    if api.is_ready() {
        return json(&Status { status: "ready" });
    }
    let detail = "the service takes no more requests";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail))
}

/// Gives figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "Figures in the text format of Prometheus.", body = String,
     content_type = "text/plain")
))]
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let engines = api.answering().engines().into_iter();
    let engines = engines.map(|(slot, engine)| {
        let version = engine
            .model()
            .bundle()
            .version()
            .unwrap_or_default()
            .to_owned();
        (slot, version, engine.snapshot())
    });
    let exposition = Exposition {
        requests: api.requests(),
        engines: engines.collect(),
        cascade: api.answering().cascade(),
        chats: api.chats().map(Arc::as_ref),
        log: api.log().map(|it| it.log()),
        generation: api.generation().map(GenerationHandle::snapshot),
        canary: api.canary().map(Arc::as_ref),
        knowledge: api.knowledge().map(|it| it.get().version().to_owned()),
    };
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, kind)], exposition.to_string()).into_response()
}
