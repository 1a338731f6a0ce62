//! The heads of a model: their tasks and labels, and what becomes of the numbers that they give.

mod calibration;
mod crf;
mod decode;
mod importance;
mod output;
mod tasks;

pub use calibration::Calibration;
pub use crf::Transitions;
pub use decode::{Entity, Intent, RANKED, Understanding, decode};
pub use importance::Importance;
pub use output::{HeadOutput, Matrix};
pub use tasks::{Pooling, SlotHead, Tasks};
#[cfg(feature = "torch")]
pub(crate) use {crf::openers, tasks::validate_tags};
