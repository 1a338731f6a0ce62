//! Rows in batches without padding, and the batches of a run.

mod pack;
mod steps;

pub use pack::{BatchPlan, TokenBatch};
pub use steps::{Batches, Step};
