//! Operators one after the other on copies of rows, and the copies as rows of a data set.

mod columns;
mod config;
mod copies;
mod extras;
mod intent_guard;
#[allow(
    clippy::module_inception,
    reason = "the type that the folder is about, in a file of its own"
)]
mod pipeline;
mod quota;
mod step;

pub use config::PipelineConfig;
pub use intent_guard::Flagged;
pub use pipeline::{AugmentReport, Pipeline};
