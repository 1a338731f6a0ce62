//! The candidate off the critical path: what it would have answered to a copy of the traffic.

mod compare;
mod report;
mod worker;

pub use self::compare::{Answered, Aspect, Disagreement, compare};
pub use self::report::{
    Agreement, Comparisons, Costs, Fitness, Ranked, Report, ShadowConfig, Unfit,
};
pub use self::worker::{Copied, Shadow};
