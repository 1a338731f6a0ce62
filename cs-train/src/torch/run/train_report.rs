//! [`TrainReport`]: how a run went.

use serde::Serialize;

use super::timing::Phases;
use crate::torch::objective::Validation;

/// How a run went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TrainReport {
    /// Optimiser steps taken, those before a resumption included.
    pub steps: usize,
    /// The step whose weights the model now holds.
    pub best_step: usize,
    /// Their figures on the validation set; `None` without one, or if the run was stopped before
    /// the first validation.
    pub best: Option<Validation>,
    /// The step of the checkpoint that the run went on from.
    pub resumed_from: Option<usize>,
    /// Steps whose gradients overflowed in fp16 and that changed nothing.
    pub skipped_steps: usize,
    /// Tokens trained on per second, validation left out; since the resumption, if there was one.
    pub tokens_per_second: f64,
    /// Rows trained on per second, likewise.
    pub examples_per_second: f64,
    /// Where the time of the steps went.
    pub phases: Phases,
    /// Seconds spent on evaluations.
    pub evaluation_seconds: f64,
    /// Seconds that training waited for checkpoints.
    pub checkpoint_seconds: f64,
    /// Seconds of the whole run, since the resumption, if there was one.
    pub seconds: f64,
    /// Whether the observer stopped the run before its end.
    pub interrupted: bool,
    /// Whether validation stopped getting better before the last epoch.
    pub stopped_early: bool,
}
