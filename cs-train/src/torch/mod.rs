//! What computes with libtorch: losses, the optimiser, and the loop around them.

mod adversary;
mod checkpoint;
mod depth;
mod digest;
mod distill;
mod distill_config;
mod ema;
mod fine_tune;
mod imitation;
#[expect(clippy::disallowed_methods, reason = "read once, at the end")]
mod importance;
mod inference;
mod loss;
mod masked_lm;
mod objective;
mod observer;
mod optimizer;
mod phases;
mod plan;
mod r_drop;
mod report;
#[expect(clippy::disallowed_methods, reason = "before any step")]
mod resume;
mod run;
mod seed;
mod snapshot;
mod step;
mod tag_lessons;
mod teacher;
mod trainer;

pub use distill::{Distill, soft_divergence};
pub use distill_config::DistillConfig;
pub use fine_tune::FineTune;
pub use importance::importance;
pub use inference::{calibrate, predict};
pub use loss::{CombinedLoss, Targets, Totals};
pub use masked_lm::{MaskedLm, Texts, evaluate_masked};
pub use objective::{Identity, LossOutput, Objective, Part, Reached, Scores, StepBatch};
pub use observer::{
    EvaluationReport, Event, Flow, Observer, Observers, RunShape, Silent, StepReport, StopFlag,
};
pub use optimizer::{AdamW, Gradients};
pub use phases::Phases;
pub use report::TrainReport;
pub use teacher::{Lessons, Teacher};
pub use trainer::Trainer;
