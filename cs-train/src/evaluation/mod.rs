//! A model's answers against labelled rows, and how sure a model may be of them.

mod abstention;
mod calibration;
mod evaluate;
mod figures;
mod heads;
mod tally;
mod temperature;

pub use abstention::{Abstention, ConfidenceRow, abstention_threshold};
pub use calibration::Calibrator;
pub(crate) use evaluate::intervals_of;
pub use evaluate::{evaluate, intervals};
pub use figures::{EvaluateOptions, Evaluation, entity_spans};
pub use heads::{head_figures, unlabelled_heads, with_known_labels};
pub(crate) use tally::{TalliedIntent, Tally};
pub use temperature::fit_temperature;
