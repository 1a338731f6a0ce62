//! How a generation engine is set up.

use std::num::NonZeroUsize;
use std::time::Duration;

use cs_model::generate::BatchLimits;
use serde::{Deserialize, Serialize};

use crate::engine::config::{at_least_one, some_time};
use crate::engine::policy::{Limits, Size};
use crate::error::EngineError;

/// The settings of a generation engine. In files, times are whole milliseconds with names that end
/// in `_ms`.
///
/// ```
/// use cs_serve::engine::generation::GenerationConfig;
///
/// let config = GenerationConfig { queue: 0, ..GenerationConfig::default() };
/// let error = config.validate().unwrap_err();
/// assert_eq!(error.to_string(), "queue = 0, expected at least 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerationConfig {
    /// The most texts that are written at once; the others wait. 8 by default.
    pub sequences: NonZeroUsize,
    /// The most tokens of prompts that are read in a step. 64 by default: more is hardly faster, and
    /// whoever shares the machine's threads, those already written and understanding, waits for a
    /// step.
    pub prompt_tokens: usize,
    /// The most bytes for keys and values, of what is being written and of what is held for prompts
    /// that begin likewise. 256 MiB by default.
    pub cache_bytes: usize,
    /// The most requests that wait. 64 by default.
    pub queue: usize,
    /// The most tokens that wait, those that may come included. 65,536 by default.
    pub queue_tokens: usize,
    /// How long a text is of use from when it is asked for, where the request itself sets no
    /// deadline. 60 seconds by default.
    #[serde(rename = "deadline_ms", with = "crate::millis")]
    pub deadline: Duration,
}

impl Default for GenerationConfig {
    fn default() -> Self {
        Self {
            sequences: NonZeroUsize::MIN.saturating_add(7),
            prompt_tokens: 64,
            cache_bytes: 1 << 28,
            queue: 64,
            queue_tokens: 1 << 16,
            deadline: Duration::from_secs(60),
        }
    }
}

impl GenerationConfig {
    /// Checks that something can be written, and in time.
    ///
    /// # Errors
    /// [`EngineError::Config`] names the value that is wrong.
    pub fn validate(&self) -> Result<(), EngineError> {
        at_least_one(&[
            ("prompt_tokens", self.prompt_tokens),
            ("cache_bytes", self.cache_bytes),
            ("queue", self.queue),
            ("queue_tokens", self.queue_tokens),
        ])?;
        some_time("deadline", self.deadline)
    }

    pub(super) fn batch(&self) -> BatchLimits {
        BatchLimits {
            sequences: self.sequences.get(),
            prompt_tokens: self.prompt_tokens,
            cache_bytes: self.cache_bytes,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        let queue = Size {
            texts: self.queue,
            tokens: self.queue_tokens,
        };
        Limits {
            queue,
            batch: queue,
        }
    }
}
