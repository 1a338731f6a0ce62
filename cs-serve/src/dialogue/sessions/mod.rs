//! Where sessions are kept.

mod memory;
mod redb;
#[cfg(feature = "redis")]
mod redis;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::memory::MemorySessions;
pub use self::redb::RedbSessions;
#[cfg(feature = "redis")]
pub use self::redis::{RedisSessions, RedisSessionsConfig};

use super::error::{ChatError, SessionError};
use super::event::{Event, FORMAT};

/// The most sessions, if a configuration does not say.
const MOST: usize = 1_000_000;

/// What may be chosen about sessions that one process keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// How long a session is kept after its last event. A day by default.
    #[serde(rename = "expiry_ms", with = "crate::millis")]
    pub expiry: Duration,
    /// How many sessions may be open; one more is refused. A million by default.
    pub most: usize,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            expiry: Duration::from_secs(24 * 60 * 60),
            most: MOST,
        }
    }
}

impl SessionsConfig {
    /// Checks that sessions can be kept at all.
    ///
    /// # Errors
    /// [`ChatError::Config`] for an expiry under a second, or no session.
    pub fn validate(&self) -> Result<(), ChatError> {
        at_least("expiry_ms", self.expiry.as_millis(), 1_000, "at least 1000")?;
        at_least("most", self.most as u128, 1, "at least 1")
    }
}

/// Refuses a setting that is less than it has to be.
fn at_least(
    name: &'static str,
    found: u128,
    least: u128,
    expected: &'static str,
) -> Result<(), ChatError> {
    if found >= least {
        return Ok(());
    }
    Err(ChatError::Config {
        name,
        found: found.to_string(),
        expected,
    })
}

/// Where sessions are kept: the events of each, in order. The number of its events is its version.
///
/// Times are milliseconds since 1970 UTC, by the caller's clock. One that goes back expires nothing.
pub trait Sessions: Send + Sync {
    /// Gives the events of a session from one on, counted from 0: none if there is no such session, its time is
    /// over, or it has no more than those before. Takes time in proportion to what it gives.
    ///
    /// # Errors
    /// [`SessionError`] if the store fails, or what it gives are no events of this version.
    fn load(&self, session: &str, from: usize, now: u64) -> Result<Vec<Event>, SessionError>;

    /// Adds events to a session that has `known` of them now; a session of none begins. All of them are
    /// there afterwards, or none.
    ///
    /// # Errors
    /// [`SessionError::Changed`] if the session has another number of events; [`SessionError::Full`] if no
    /// session more may begin, [`SessionError::Memory`] if there is no memory for more events, [`SessionError::Large`] if the
    /// session may take no more turns. If the store fails, the events may be there or not.
    fn append(
        &self,
        session: &str,
        known: usize,
        events: &[Event],
        now: u64,
    ) -> Result<(), SessionError>;

    /// How long a session is kept after its last event.
    fn expiry(&self) -> Duration;

    /// Forgets a session. Gives whether there was one.
    ///
    /// # Errors
    /// [`SessionError`] if the store fails.
    fn delete(&self, session: &str) -> Result<bool, SessionError>;

    /// Counts the sessions. Takes time in proportion to their number.
    ///
    /// # Errors
    /// [`SessionError`] if the store fails.
    fn count(&self, now: u64) -> Result<usize, SessionError>;
}

/// Whether a session's time is over.
fn is_over(last: u64, now: u64, expiry: Duration) -> bool {
    u128::from(now.saturating_sub(last)) > expiry.as_millis()
}

/// An event as it is stored: a line of JSON, without its end.
fn encode(event: &Event) -> Result<Vec<u8>, SessionError> {
    serde_json::to_vec(event).map_err(|error| SessionError::Format {
        problem: error.to_string(),
    })
}

/// An event that was stored.
fn decode(bytes: &[u8]) -> Result<Event, SessionError> {
    match serde_json::from_slice(bytes) {
        Ok(Event::Began(format)) if format > FORMAT => Err(SessionError::Format {
            problem: format!("events of format {format}, expected at most {FORMAT}"),
        }),
        Ok(event) => Ok(event),
        Err(error) => Err(SessionError::Format {
            // Its message may quote a text.
            problem: format!("an event that is none, by its column {}", error.column()),
        }),
    }
}

fn store_failed(error: impl Into<crate::BackendError>) -> SessionError {
    SessionError::Store {
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_older_formats_are_read_and_newer_ones_refused() {
        assert_eq!(decode(b"{\"began\":1}").unwrap(), Event::Began(1));
        let flagged = br#"{"flagged":{"direction":"input","action":"mask","causes":[{"category":"insult","trick":"exact"}]}}"#;
        let event = decode(flagged).unwrap();
        assert_eq!(encode(&event).unwrap(), flagged);
        let newer = decode(format!("{{\"began\":{}}}", FORMAT + 1).as_bytes());
        assert_eq!(
            newer.unwrap_err().to_string(),
            "a stored session: events of format 4, expected at most 3"
        );
    }
}
