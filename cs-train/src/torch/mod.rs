//! What computes with libtorch: losses, the optimiser, and the loop around them.

mod digest;
mod inference;
mod objective;
mod optim;
mod run;
mod snapshot;

pub use inference::{calibrate, predict};
pub use objective::{
    CombinedLoss, Distill, DistillConfig, FineTune, Identity, Lessons, LossOutput, MaskedLm,
    Objective, Part, Reached, Scores, StepBatch, Targets, Teacher, Texts, Totals, evaluate_masked,
    importance, soft_divergence,
};
pub use optim::{AdamW, Gradients};
pub use run::{
    EvaluationReport, Event, Flow, Observer, Observers, Phases, RunShape, Silent, StepReport,
    StopFlag, TrainReport, Trainer,
};
