//! The loop over steps, validations and checkpoints, and who is told about it.

mod checkpoint;
mod observer;
#[expect(clippy::disallowed_methods, reason = "before any step")]
mod resume;
mod run_plan;
mod seed;
mod step;
mod timing;
mod train_loop;
mod train_report;
mod trainer;

pub use observer::{
    Event, Flow, Observer, Observers, RunShape, Silent, StepReport, StopFlag, ValidationReport,
};
pub use timing::Phases;
pub use train_report::TrainReport;
pub use trainer::Trainer;
