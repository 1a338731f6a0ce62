//! Bodies of requests, read within limits.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};

use super::config::HttpConfig;
use super::problem::Problem;

/// Reads the body of a request, which has to be JSON by its own account.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    config: &HttpConfig,
) -> Result<Bytes, Problem> {
    check_type(headers)?;
    let too_large = || {
        let detail = format!("a body of more than {} bytes", config.max_body);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if length.and_then(|it| it.parse().ok()) > Some(config.max_body) {
        return Err(too_large());
    }
    let collected = Limited::new(body, config.max_body).collect();
    match tokio::time::timeout(config.body_timeout, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(bad("the body broke off")),
        Err(_) => {
            let limit = config.body_timeout.as_millis();
            let detail = format!("the body did not arrive within {limit} ms");
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let essence = value(CONTENT_TYPE).unwrap_or_default().split(';').next();
    let is_json = essence.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"));
    let is_plain = headers
        .get(CONTENT_ENCODING)
        .is_none_or(|it| it == "identity");
    if is_json && is_plain {
        return Ok(());
    }
    let detail = "expected `Content-Type: application/json`, not compressed";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

pub(super) fn bad(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// Reads a value that may be left out and, as the document says, is none of its kind if it is null.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// The number of a turn in its session, from 1. As in JSON schemas, `1.0` is a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct TurnNumber(pub(super) u32);

impl TryFrom<f64> for TurnNumber {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        match number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number) {
            true => Ok(Self(number as u32)),
            false => Err("no turn's number"),
        }
    }
}

/// Parses a body that has the form of `T`, which `expected` tells in words. What is wrong is told
/// without quoting the body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, Problem> {
    let body = std::str::from_utf8(body).map_err(|error| {
        let valid = error.valid_up_to();
        bad(format!("no UTF-8 after {valid} bytes"))
    })?;
    // serde takes the elements of an array for the fields of an object.
    let value = body.trim_start();
    if value.starts_with('[') && serde_json::from_str::<IgnoredAny>(value).is_ok() {
        let before = &body[..body.len() - value.len()];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        return Err(bad(format!(
            "line {line} column {column}: expected {expected}"
        )));
    }
    serde_json::from_str(body).map_err(|wrong| {
        if let Err(broken) = serde_json::from_str::<IgnoredAny>(body) {
            return bad(format!("no JSON: {broken}"));
        }
        match (wrong.line(), wrong.column()) {
            (0, _) => bad(format!("expected {expected}")), // all of it is something else
            (line, column) => bad(format!("line {line} column {column}: expected {expected}")),
        }
    })
}
