//! Errors as the callers see them: RFC 9457 problem documents.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{EngineError, Error};

/// The reason why a request has no answer, told without a word of any text.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
}

/// A problem document of RFC 9457. The type is always `about:blank`: the status says it all.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'a> {
    r#type: &'static str,
    /// What the status is called.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// What was wrong with this request, and what was expected.
    detail: &'a str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// A request that comes too early.
    pub(super) fn early(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// A fault of the service, about which its log knows more.
    pub(super) fn internal(detail: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

impl Problem {
    pub(super) fn document(&self) -> Document<'_> {
        Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let status = match &error {
            EngineError::Full { .. } | EngineError::Overloaded { .. } => {
                let retry_after = error.retry_after().unwrap_or(Duration::ZERO);
                return Self::early(error.to_string(), retry_after);
            }
            EngineError::TooLarge { .. }
            | EngineError::TooLong { .. }
            | EngineError::Model(Error::TextTooLong { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            EngineError::Closed => StatusCode::SERVICE_UNAVAILABLE,
            EngineError::Deadline { .. } => StatusCode::GATEWAY_TIMEOUT,
            _ => {
                // A backend's own error might quote a text: no one sees it unasked.
                tracing::warn!("the model failed; what it said is logged at debug level");
                tracing::debug!(error = &error as &dyn std::error::Error);
                return Self::internal("the model failed");
            }
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Texts and a number always serialise.
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1) as u64;
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
