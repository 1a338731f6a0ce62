//! From one model to the next: the candidate gets a small share of conversations first, and keeps them only if it is not worse.
//!
//! - [`Rollout`] is what a service holds: it says which model [answers](Rollout::assign) a turn, takes
//!   [what became](Rollout::observe) of it and how it was [rated](Rollout::rate), and [goes on or back](Rollout::tick).
//! - [`decide()`] is the policy, a pure function of [`Counts`]; [`State`] follows from a roll-out's [`Event`]s alone.
//! - [`Plan`] says beforehand how much traffic it takes; [`Scenario`] plays it.
//! - [`shadow`] compares both models' answers before a customer gets the candidate's.
//! - [`Journal`] keeps the events: [`FileJournal`] for one process, `RedisJournal` (feature `redis`) for replicas, [`MemoryJournal`]
//!   for tests.
//!
//! ```
//! use cs_serve::rollout::{
//!     Action, Arm, Arrival, Candidates, Key, MemoryJournal, Observation, Outcome, Phase, Rating, Rollout, RolloutConfig,
//! };
//!
//! let models = Candidates { stable: "model 1", candidate: "model 2" };
//! let (journal, key) = (Box::new(MemoryJournal::new()), Key::new([7; 32]));
//! let rollout = Rollout::open_with_key(journal, &models, &RolloutConfig::default(), key)?;
//! rollout.act(Action::Start, "Ada", 0)?;
//!
//! // The candidate leaves its customers unsatisfied.
//! for (i, now) in (0..40_000).map(|i| (i, i * 10_000)) {
//!     let conversation = format!("conversation {i}");
//!     let arrival = Arrival { conversation: &conversation, customer: None, turn: 1 };
//!     let arm = rollout.assign(&arrival, now)?.arm;
//!     let outcome = Outcome::default();
//!     let (conversation, turn) = (conversation.as_str(), 1);
//!     rollout.observe(&Observation { conversation, turn, outcome, language: Some("zh"), intent: None }, now)?;
//!     let rating = if arm == Arm::Canary && i % 2 == 0 { 0.0 } else { 1.0 };
//!     rollout.rate(&Rating { conversation, turn, rating }, now)?;
//!     rollout.tick(now)?;
//! }
//! assert_eq!(rollout.phase(), Phase::RolledBack);
//! assert_eq!(rollout.status().history.len(), 2); // begun, and rolled back
//! # Ok::<(), cs_serve::rollout::RolloutError>(())
//! ```

mod assign;
mod config;
mod counts;
mod decide;
mod error;
mod guardrail;
mod journal;
mod known;
mod plan;
#[allow(clippy::module_inception, reason = "it has the type of this name")]
mod rollout;
pub mod shadow;
mod simulate;
mod state;
mod statistics;
mod status;
mod steps;
mod turn;
mod writing;

pub use assign::{Id, Key};
pub use config::{Approval, RolloutConfig};
pub use counts::{Arm, Counts, Tally};
pub use decide::{Decision, Figure, Rule, Side, Verdict, decide};
pub use error::{JournalError, RolloutError};
pub use guardrail::{Guardrail, Margins};
pub use journal::{FileJournal, Journal, MemoryJournal, Reader};
#[cfg(feature = "redis")]
pub use journal::{RedisJournal, RedisJournalConfig};
pub use plan::{Plan, PlannedStep, Traffic};
pub use rollout::Rollout;
pub use simulate::{Ending, Scenario, Simulated, SimulatedStep};
pub use state::{
    Cause, Event, Opened, Outcome, Phase, Point, Remembered, Segment, SegmentKind, State, Uncounted,
};
pub use statistics::{Change, Mean, Sequence};
pub use status::{SegmentStatus, Status};
pub use steps::Action;
pub use turn::{Arrival, Assigned, Candidates, Observation, Rating};
