//! How the HTTP interface is set up.

use std::path::PathBuf;
use std::time::Duration;

use cs_data::MAX_TEXT_BYTES;
use serde::{Deserialize, Serialize};

use crate::engine::Priority;
use crate::error::HttpError;

/// The settings of the HTTP interface and of its server. Plain data, which
/// [`Api::new`](super::Api::new) validates; in files, times are whole milliseconds with names that
/// end in `_ms`.
///
/// ```
/// use cs_serve::http::HttpConfig;
///
/// let config: HttpConfig = serde_json::from_str(r#"{"max_batch": 0, "body_timeout_ms": 500}"#)?;
/// assert_eq!(config.body_timeout.as_millis(), 500);
/// let error = config.validate().unwrap_err();
/// assert_eq!(error.to_string(), "max_batch = 0, expected at least 1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// The most bytes of a request's body. 1 MiB by default.
    pub max_body: usize,
    /// The most texts of a request. 256 by default.
    pub max_batch: usize,
    /// The most bytes of a text. 64 KiB by default, which is also the most that can be read.
    pub max_text: usize,
    /// The most requests a second of a caller, on average; it may send as many at once. `None`, the
    /// default, sets no limit. A caller is told by its API key or, where there are no keys, by its
    /// address.
    pub rate: Option<f64>,
    /// How urgent a request with one `text` is. High by default: a customer waits.
    pub text_priority: Priority,
    /// How urgent a request with `texts` is. Normal by default.
    pub texts_priority: Priority,
    /// The most conversations' turns that are replied to at once, each on a thread of its own; more are
    /// refused with 429. 128 by default.
    pub max_turns: usize,
    /// The file of API keys, one a line; a line that begins with `#` is a comment. `None`, the
    /// default, lets everybody ask, and nobody change a model.
    pub api_keys: Option<PathBuf>,
    /// The folder that holds the models which `POST /v1/models` may load. `None`, the default,
    /// keeps the model.
    pub models_dir: Option<PathBuf>,
    /// The most connections at once; others wait until one ends. 1024 by default. More than the
    /// engine's [`queue_texts`](crate::engine::EngineConfig::queue_texts), or whoever comes too much
    /// waits for a connection and is never told that the queue is full.
    pub max_connections: usize,
    /// How long a connection may take to begin a request and to send its head. 75 seconds by
    /// default, longer than proxies keep an idle connection.
    #[serde(rename = "head_timeout_ms", with = "crate::millis")]
    pub head_timeout: Duration,
    /// How long a request's body may take to arrive. 10 seconds by default.
    #[serde(rename = "body_timeout_ms", with = "crate::millis")]
    pub body_timeout: Duration,
    /// How long a client may take nothing of its answer before the connection is given up. 30
    /// seconds by default. Where the system is not Linux, it sets its own limit.
    #[serde(rename = "write_timeout_ms", with = "crate::millis")]
    pub write_timeout: Duration,
    /// How long, at the end, requests that were begun may take. 30 seconds by default.
    #[serde(rename = "drain_timeout_ms", with = "crate::millis")]
    pub drain_timeout: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_batch: 256,
            max_text: MAX_TEXT_BYTES,
            rate: None,
            text_priority: Priority::High,
            texts_priority: Priority::Normal,
            max_turns: 128,
            api_keys: None,
            models_dir: None,
            max_connections: 1024,
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl HttpConfig {
    /// Checks that requests can be answered at all. It opens no file.
    ///
    /// # Errors
    /// [`HttpError::Config`] names the value that is wrong.
    pub fn validate(&self) -> Result<(), HttpError> {
        let wrong = |name, found: String, expected| HttpError::Config {
            name,
            found,
            expected,
        };
        for (name, found) in [
            ("max_body", self.max_body),
            ("max_batch", self.max_batch),
            ("max_text", self.max_text),
            ("max_turns", self.max_turns),
            ("max_connections", self.max_connections),
        ] {
            if found == 0 {
                return Err(wrong(name, found.to_string(), "at least 1"));
            }
        }
        if self.max_text > MAX_TEXT_BYTES {
            return Err(wrong(
                "max_text",
                self.max_text.to_string(),
                "at most 65536",
            ));
        }
        if let Some(rate) = self.rate
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(wrong("rate", rate.to_string(), "more than 0"));
        }
        for (name, found) in [
            ("head_timeout_ms", self.head_timeout),
            ("body_timeout_ms", self.body_timeout),
            ("write_timeout_ms", self.write_timeout),
        ] {
            if found.is_zero() {
                return Err(wrong(name, found.as_millis().to_string(), "at least 1"));
            }
        }
        Ok(())
    }
}
