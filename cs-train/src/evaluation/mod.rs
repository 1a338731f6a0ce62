//! A model's answers against labelled rows, and how sure a model may be of them.

mod calibration;
mod evaluate;
mod figures;
mod heads;
mod tally;

pub use calibration::{
    Abstention, Calibrator, ConfidenceRow, abstention_threshold, fit_temperature,
};
pub(crate) use evaluate::intervals_of;
pub use evaluate::{evaluate, intervals};
pub use figures::{EvaluateOptions, Evaluation, entity_spans};
pub use heads::{head_figures, unlabelled_heads, with_known_labels};
pub(crate) use tally::{TalliedIntent, Tally};
