//! The page to try the model.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::api::Api;

const HTML: &str = include_str!("page.html");

/// The policy that lets the page run its own styles and scripts, ask this service, and nothing
/// else.
pub(super) fn policy() -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hashes("style"),
        hashes("script"),
    );
    // The policy is ASCII.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The hashes of what the page has between `<tag>` and `</tag>`.
fn hashes(tag: &str) -> String {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let blocks = HTML.split(&open).skip(1);
    let hashes = blocks
        .filter_map(|rest| rest.split(&close).next())
        .map(|block| {
            let hash = BASE64_STANDARD.encode(Sha256::digest(block));
            format!("'sha256-{hash}'")
        });
    hashes.collect::<Vec<_>>().join(" ")
}

/// The page: that of a service that holds conversations if `chats`, else one that shows what single
/// turns mean; with how a candidate does if `rolls_out`.
pub(super) fn html(chats: bool, rolls_out: bool) -> Bytes {
    let service = if chats { " data-service=\"chat\"" } else { "" };
    let candidate = if rolls_out { " data-candidate" } else { "" };
    let body = format!("<body{service}{candidate}>");
    HTML.replacen("<body>", &body, 1).into()
}

/// Shows a page on which a text, or a conversation, can be tried.
#[utoipa::path(get, path = "/", tag = "operation", responses(
    (status = 200, description = "A page on which a text, or a conversation, can be tried.", body = String,
     content_type = "text/html")
))]
pub(super) async fn page(State(api): State<Api>) -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, api.page_policy().clone()),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, api.page().clone()).into_response()
}
