//! How an engine is set up.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{Limits, Size};
use crate::error::EngineError;

/// The settings of an engine. A *text* below is one sequence for the model: each window of a long
/// text counts as one. In files, times are whole milliseconds with names that end in `_ms`.
///
/// ```
/// use cs_serve::engine::EngineConfig;
///
/// let config = EngineConfig { batch_tokens: 0, ..EngineConfig::default() };
/// let error = config.validate().unwrap_err();
/// assert_eq!(error.to_string(), "batch_tokens = 0, expected at least 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// The number of batches that are computed at once, each on a thread of its own. 2 by default,
    /// so that one is packed and decoded while the other is computed. For a backend that computes
    /// on one thread, set one for each core.
    pub workers: NonZeroUsize,
    /// The most tokens in a batch; a longer text goes alone. 256 by default, 128 for each of two
    /// cores: larger batches are no faster there, and what comes meanwhile waits longer.
    pub batch_tokens: usize,
    /// The most texts in a batch. 256 by default.
    pub batch_texts: usize,
    /// The most texts that wait. 512 by default; each takes 64 KiB of memory at the very most.
    pub queue_texts: usize,
    /// The most tokens that wait. 65,536 by default.
    pub queue_tokens: usize,
    /// How long an answer is of use, where the request itself sets no deadline. 5 seconds by
    /// default.
    #[serde(rename = "deadline_ms", with = "crate::millis")]
    pub deadline: Duration,
    /// How texts longer than the model reads are cut into windows. `None`, the default, reads only
    /// their beginning.
    pub windows: Option<Windows>,
    /// The time after which a batch is taken for hung, and another thread takes over from its
    /// worker. 10 seconds by default.
    #[serde(rename = "hang_after_ms", with = "crate::millis")]
    pub hang_after: Duration,
    /// The most hung workers that are replaced at once; as many threads may be lost. 2 by default.
    pub spare_workers: usize,
}

/// The windows in which long texts are read: each is as long as the model reads, and begins a
/// little before the end of the one before it.
///
/// ```
/// use cs_serve::engine::{EngineConfig, Windows};
///
/// let config = EngineConfig { windows: Some(Windows::default()), ..EngineConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// The number of tokens that a window has in common with the one before, at most a quarter of
    /// the window. 64 by default.
    pub overlap: usize,
    /// The most windows of a text. What comes after them is not read, and the answer is marked as
    /// `truncated`. 16 by default.
    pub most: NonZeroUsize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN.saturating_add(1),
            batch_tokens: 256,
            batch_texts: 256,
            queue_texts: 512,
            queue_tokens: 1 << 16,
            deadline: Duration::from_secs(5),
            windows: None,
            hang_after: Duration::from_secs(10),
            spare_workers: 2,
        }
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            overlap: 64,
            most: NonZeroUsize::MIN.saturating_add(15),
        }
    }
}

impl EngineConfig {
    /// Checks that something can be computed, and in time.
    ///
    /// # Errors
    /// [`EngineError::Config`] names the value that is wrong.
    pub fn validate(&self) -> Result<(), EngineError> {
        at_least_one(&[
            ("batch_tokens", self.batch_tokens),
            ("batch_texts", self.batch_texts),
            ("queue_texts", self.queue_texts),
            ("queue_tokens", self.queue_tokens),
        ])?;
        some_time("deadline", self.deadline)?;
        some_time("hang_after", self.hang_after)
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            queue: Size {
                texts: self.queue_texts,
                tokens: self.queue_tokens,
            },
            batch: Size {
                texts: self.batch_texts,
                tokens: self.batch_tokens,
            },
        }
    }
}

/// Refuses the first setting that is 0.
pub(super) fn at_least_one(settings: &[(&'static str, usize)]) -> Result<(), EngineError> {
    match settings.iter().find(|(_, found)| *found == 0) {
        None => Ok(()),
        Some((name, found)) => Err(EngineError::Config {
            name,
            found: found.to_string(),
            expected: "at least 1",
        }),
    }
}

/// Refuses a time of zero.
pub(super) fn some_time(name: &'static str, found: Duration) -> Result<(), EngineError> {
    match found.is_zero() {
        false => Ok(()),
        true => Err(EngineError::Config {
            name,
            found: format!("{found:?}"),
            expected: "more than nothing",
        }),
    }
}
