//! The candidate off the critical path: what it would have answered to a copy of the traffic.

mod compare;
mod config;
mod report;
mod worker;

pub use self::compare::{Answered, Aspect, Disagreement, compare};
pub use self::config::{Costs, ShadowConfig};
pub use self::report::{Agreement, Comparisons, Fitness, Ranked, Report, Share, Unfit};
pub use self::worker::{Shadow, Work};
