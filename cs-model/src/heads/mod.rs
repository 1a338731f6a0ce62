//! The heads of a model: their tasks and labels, and what becomes of the numbers that they give.

mod calibration;
mod crf;
mod decode;
mod importance;
mod matrix;
mod output;
mod softmax;
mod sums;
mod tasks;
mod understanding;

pub use calibration::Calibration;
pub use crf::Transitions;
pub use decode::Labels;
pub use importance::Importance;
pub use matrix::Matrix;
pub use output::HeadOutput;
pub(crate) use tasks::TaskLabels;
pub use tasks::{Pooling, SlotHead, Tasks};
pub use understanding::{Entity, Intent, RANKED, Understanding};
#[cfg(feature = "torch")]
pub(crate) use {crf::openers, tasks::validate_tags};
