//! Actions of a service over HTTP.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;

use super::{Actions, Call};
use crate::dialogue::error::{ActionError, ChatError};
use crate::reply::Values;

/// The longest answer that is read, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// Where a service takes calls of actions, and how long they may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpActionsConfig {
    /// The address that the action's name is added to, `http://` only.
    pub url: String,
    /// How long a call may take, 5 seconds by default.
    #[serde(rename = "timeout_ms", with = "crate::millis")]
    pub timeout: Duration,
}

impl Default for HttpActionsConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8081/actions".into(),
            timeout: Duration::from_secs(5),
        }
    }
}

/// Actions of a service beside this one, over HTTP without TLS.
///
/// A call is `POST URL/ACTION` with `{"session": S, "slots": {…}}` and the header `Idempotency-Key`: the service
/// does it once, however often it gets the key. It answers 2xx, with nothing or a JSON object, of which texts,
/// numbers and truth values are kept; or 4xx, if it refuses, as 404, 409 or 422: there is no such order, say. 401, 403,
/// 405, 407, 408, 421, 425 and 429 are failures as 5xx is: the key is wrong, or it is too early. 404 is logged, as it may
/// be the address that is wrong.
pub struct HttpActions {
    url: String,
    timeout: Duration,
    agent: Agent,
}

#[derive(Serialize)]
struct Body<'a> {
    session: &'a str,
    slots: &'a Values,
}

impl HttpActions {
    /// Prepares calls; makes none yet.
    ///
    /// # Errors
    /// [`ChatError::Config`] if the address is not `http://`, or no time is given.
    pub fn new(config: &HttpActionsConfig) -> Result<Self, ChatError> {
        let wrong = |name, found: &str, expected| ChatError::Config {
            name,
            found: found.to_owned(),
            expected,
        };
        let host = config.url.strip_prefix("http://").unwrap_or_default();
        if host.is_empty() || host.starts_with('/') {
            let expected = "an address without TLS, as http://HOST:PORT/PATH";
            return Err(wrong("url", without_user(&config.url), expected));
        }
        if config.timeout.is_zero() {
            return Err(wrong("timeout_ms", "0", "at least 1"));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Ok(Self {
            url: config.url.trim_end_matches('/').to_owned(),
            timeout: config.timeout,
            agent: agent.into(),
        })
    }
}

impl Actions for HttpActions {
    fn call(&self, call: &Call<'_>) -> Result<Values, ActionError> {
        let body = serde_json::to_vec(&Body {
            session: call.session,
            slots: call.slots,
        });
        let body = body.map_err(|error| failed(call, &error))?;
        let request = self
            .agent
            .post(format!("{}/{}", self.url, call.action))
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", call.key);
        let broken = |error| match error {
            ureq::Error::Timeout(_) => ActionError::Time,
            error => failed(call, &error),
        };
        let mut answer = request.send(&body[..]).map_err(broken)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(no_success(call, status));
        }
        let limited = answer.body_mut().with_config().limit(MOST_BYTES);
        values(call, &limited.read_to_vec().map_err(broken)?)
    }

    fn time_limit(&self) -> Duration {
        self.timeout
    }
}

/// What a status is that is no success. Only one that says of this call that it is not to be done refuses; others say
/// that calls are not made as they should be, or not now.
fn no_success(call: &Call<'_>, status: StatusCode) -> ActionError {
    let problem = format!("{}: status {}", call.action, status.as_u16());
    let is_refusal = status.is_client_error()
        && !matches!(
            status.as_u16(),
            401 | 403 | 405 | 407 | 408 | 421 | 425 | 429
        );
    if status == StatusCode::NOT_FOUND {
        tracing::warn!(
            action = call.action,
            "status 404: there is no such thing, or no such action"
        );
    }
    match is_refusal {
        true => ActionError::Refused { problem },
        false => ActionError::Failed {
            problem: format!("{problem}, expected 2xx, or 400, 404, 409, 410, 422 if it refuses"),
        },
    }
}

/// An address as far as it may be shown: without the name and the password that it may have.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

fn failed(call: &Call<'_>, error: &dyn fmt::Display) -> ActionError {
    ActionError::Failed {
        problem: format!("{}: {error}", call.action),
    }
}

/// The values of an answer.
fn values(call: &Call<'_>, body: &[u8]) -> Result<Values, ActionError> {
    if body.is_empty() {
        return Ok(Values::new());
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        let problem = format!("{} bytes, expected nothing or a JSON object", body.len());
        return Err(failed(call, &problem));
    };
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let values = members
        .into_iter()
        .filter_map(|(key, value)| Some((key, text(value)?)));
    Ok(values.collect())
}

impl fmt::Debug for HttpActions {
    /// Formats it without the address, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpActions").finish_non_exhaustive()
    }
}
