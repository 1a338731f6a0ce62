//! What may be chosen about a log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::LogError;

/// The longest time between two syncs, in milliseconds.
const MINUTE: u128 = 60_000;

/// How a log is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How long a row may wait until it outlasts a crash of the machine, at most a minute; 1 s by default. With 0,
    /// each row is synced by itself, some hundreds in a second. A crash of the process alone loses what has not left
    /// the queue, some microseconds of rows.
    #[serde(rename = "sync_ms", with = "crate::millis")]
    pub sync: Duration,
    /// The size in bytes from which on a file is followed by another one; 64 MiB by default.
    pub file_bytes: u64,
    /// The bytes of rows that may wait for the disk, beyond which they are lost; 64 MiB by default.
    pub queue_bytes: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            sync: Duration::from_secs(1),
            file_bytes: 64 << 20,
            queue_bytes: 64 << 20,
        }
    }
}

impl LogConfig {
    /// Checks that it can work.
    ///
    /// # Errors
    /// [`LogError::Config`] names the value that cannot.
    pub fn validate(&self) -> Result<(), LogError> {
        let wrong = |name, found: String, expected| {
            Err(LogError::Config {
                name,
                found,
                expected,
            })
        };
        match () {
            () if self.sync.as_millis() > MINUTE => wrong(
                "sync_ms",
                self.sync.as_millis().to_string(),
                "at most 60000",
            ),
            () if self.file_bytes < 1 << 10 => {
                wrong("file_bytes", self.file_bytes.to_string(), "1024 or more")
            }
            () if self.queue_bytes < 1 << 10 => {
                wrong("queue_bytes", self.queue_bytes.to_string(), "1024 or more")
            }
            () => Ok(()),
        }
    }
}
