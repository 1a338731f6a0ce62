//! What computes with libtorch: losses, the optimiser, and the loop around them.

mod checkpoint;
mod digest;
mod inference;
mod objective;
mod observer;
mod optim;
mod phases;
mod plan;
mod report;
#[expect(clippy::disallowed_methods, reason = "before any step")]
mod resume;
mod run;
mod seed;
mod snapshot;
mod step;
mod trainer;

pub use inference::{calibrate, predict};
pub use objective::{
    CombinedLoss, Distill, DistillConfig, FineTune, Identity, Lessons, LossOutput, MaskedLm,
    Objective, Part, Reached, Scores, StepBatch, Targets, Teacher, Texts, Totals, evaluate_masked,
    importance, soft_divergence,
};
pub use observer::{
    EvaluationReport, Event, Flow, Observer, Observers, RunShape, Silent, StepReport, StopFlag,
};
pub use optim::{AdamW, Gradients};
pub use phases::Phases;
pub use report::TrainReport;
pub use trainer::Trainer;
