//! A candidate, and how it is watched.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::engine::Handle;
use crate::error::HttpError;
use crate::rollout::shadow::ShadowConfig;
use crate::rollout::{Plan, Rollout, Verdict};

/// The milliseconds between two looks at what is to be done.
const EVERY: u64 = 1_000;

/// What may be chosen about a candidate beside the models that answer. In files, times are whole milliseconds.
///
/// ```
/// use cs_serve::http::CandidateConfig;
///
/// let config: CandidateConfig = serde_json::from_str(r#"{"slow_after_ms": 500, "shadow": {"share": 2}}"#)?;
/// let error = config.validate().unwrap_err();
/// assert_eq!(error.to_string(), "the candidate: share = 2, expected above 0 and at most 1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CandidateConfig {
    /// The time from a turn to its reply beyond which it counts as slow. A candidate that has not understood a turn by
    /// then has failed, and the stable model answers. A second by default.
    #[serde(rename = "slow_after_ms", with = "crate::millis")]
    pub slow_after: Duration,
    /// The intent of turns that are out of scope, as those without an intent are. `out_of_scope` by default.
    pub out_of_scope: String,
    /// How the candidate sees copies of the stable model's turns; without, it sees none.
    pub shadow: Option<ShadowConfig>,
}

impl Default for CandidateConfig {
    fn default() -> Self {
        Self {
            slow_after: Duration::from_secs(1),
            out_of_scope: "out_of_scope".into(),
            shadow: Some(ShadowConfig::default()),
        }
    }
}

impl CandidateConfig {
    /// Checks that a candidate can be watched so.
    ///
    /// # Errors
    /// [`HttpError::Config`] or [`HttpError::Candidate`] for the first value that cannot be.
    pub fn validate(&self) -> Result<(), HttpError> {
        if self.slow_after.is_zero() {
            return Err(HttpError::Config {
                name: "slow_after_ms",
                found: "0".into(),
                expected: "at least 1",
            });
        }
        let shadow = self.shadow.as_ref().map_or(Ok(()), ShadowConfig::validate);
        shadow.map_err(|error| HttpError::Candidate {
            problem: error.to_string(),
        })
    }
}

/// A candidate beside the models that answer: its engine, and the roll-out that gives it conversations.
pub struct Candidate {
    pub(super) engine: Handle,
    pub(super) rollout: Rollout,
    pub(super) plan: Plan,
    pub(super) config: CandidateConfig,
    clock: Box<Clock>,
    /// When it was last looked what is to be done.
    ticked: AtomicU64,
    /// The turns of the stable model and of the candidate.
    pub(super) turns: [AtomicU64; 2],
    /// The candidate's turns that it failed on, so that the stable model answered in its stead.
    pub(super) failed: AtomicU64,
    /// Those that it had no room for.
    pub(super) refused: AtomicU64,
}

type Clock = dyn Fn() -> SystemTime + Send + Sync;

impl Candidate {
    /// Takes a candidate's engine, the roll-out that gives it conversations, and what that was planned to need, which
    /// is only shown. The engine is one of its own, so that a candidate that hangs takes nothing from the others.
    ///
    /// # Errors
    /// [`HttpError::Config`] for a configuration that cannot work.
    pub fn new(
        engine: Handle,
        rollout: Rollout,
        plan: Plan,
        config: CandidateConfig,
    ) -> Result<Self, HttpError> {
        config.validate()?;
        Ok(Self {
            engine,
            rollout,
            plan,
            config,
            clock: Box::new(SystemTime::now),
            ticked: AtomicU64::new(0),
            turns: Default::default(),
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Takes the time from another clock than the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    pub(super) fn now(&self) -> u64 {
        let since = (self.clock)().duration_since(UNIX_EPOCH);
        since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
    }

    /// Does what is to be done, if it has not been looked for a second; blocks.
    pub(super) fn tick(&self) {
        let now = self.now();
        let last = self.ticked.load(Ordering::Relaxed);
        let is_due = now.abs_diff(last) >= EVERY;
        let exchanged = |to| {
            let ticked = &self.ticked;
            ticked.compare_exchange(last, to, Ordering::Relaxed, Ordering::Relaxed)
        };
        if !is_due || exchanged(now).is_err() {
            return;
        }
        let before = self.rollout.phase();
        let decided = self.rollout.tick(now);
        let phase = self.rollout.phase();
        match decided {
            Ok(decision) if phase != before => match decision.verdict {
                Verdict::RollBack { guardrail, rule } => {
                    tracing::warn!(%guardrail, ?rule, "the candidate is rolled back");
                }
                _ => tracing::info!(%phase, "the roll-out goes on"),
            },
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the roll-out cannot go on"),
        }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("rollout", &self.rollout.phase())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
