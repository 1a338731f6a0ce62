//! Rows in Arrow memory, and what one does to them as a whole: choose, split, sample, describe.

mod column;
#[allow(
    clippy::module_inception,
    reason = "the type that the folder is about, in a file of its own"
)]
mod dataset;
mod groups;
mod sample;
mod schema;
mod split;
mod statistics;
mod view;

pub use dataset::Dataset;
pub use sample::Sameness;
pub(crate) use schema::{Builder, Row, SCHEMA, TurnRef, all_tagged, json_of};
pub use statistics::{LabelCount, Quantiles, SentimentProfile, Statistics, Tally};
pub(crate) use view::View;
