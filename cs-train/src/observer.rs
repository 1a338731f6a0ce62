//! [`Observer`]: what a run tells, and how it is told to stop.

use std::path::Path;

use crate::evaluate::Evaluation;
use crate::loss::LossParts;
use crate::trainer::TrainReport;

/// Whether training goes on.
///
/// ```
/// use cs_train::Flow;
///
/// let enough_seconds = 60.0;
/// let flow = |seconds: f64| if seconds > enough_seconds { Flow::Stop } else { Flow::Continue };
/// assert_eq!(flow(61.0), Flow::Stop);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop after this event; the best weights so far are kept.
    Stop,
}

/// Something that happened during a run.
///
/// ```
/// use cs_train::Event;
///
/// fn line(event: &Event<'_>) -> Option<String> {
///     match event {
///         Event::Step(s) => Some(format!("step {}: loss {:.3}", s.step, s.loss.total)),
///         Event::Epoch { epoch, metric, .. } => Some(format!("epoch {epoch}: F1 {metric:.3}")),
///         _ => None,
///     }
/// }
/// let report = cs_train::TrainReport::default();
/// assert_eq!(line(&Event::End(&report)), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training begins.
    Start(RunShape),
    /// An optimiser step was taken.
    Step(StepReport),
    /// An epoch ended and the validation set was evaluated.
    Epoch {
        /// The epoch, from 1.
        epoch: usize,
        /// Steps taken so far.
        step: usize,
        /// The figures on the validation set.
        evaluation: &'a Evaluation,
        /// The figure that early stopping watches, see [`Evaluation::selection_metric`].
        metric: f64,
        /// Whether these weights are the best so far, see [`Evaluation::is_better_than`].
        best: bool,
    },
    /// Weights were written.
    Checkpoint {
        /// The file.
        path: &'a Path,
        /// Steps taken so far.
        step: usize,
    },
    /// Training ended and the model holds the best weights.
    End(&'a TrainReport),
}

/// What a run will do.
///
/// ```
/// let shape = cs_train::RunShape { steps: 100, warmup_steps: 10, ..Default::default() };
/// assert_eq!(shape.warmup_shortened_from, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunShape {
    /// Optimiser steps if no stop comes first.
    pub steps: usize,
    /// Passes over the training set.
    pub epochs: usize,
    /// Warm-up used, in steps.
    pub warmup_steps: usize,
    /// Warm-up asked for, if it was shortened to a tenth of the run.
    pub warmup_shortened_from: Option<usize>,
    /// Rows of the training set.
    pub train_rows: usize,
    /// Rows of the validation set.
    pub eval_rows: usize,
}

/// One optimiser step.
///
/// ```
/// let step = cs_train::StepReport { step: 3, tokens: 512, ..Default::default() };
/// assert_eq!(step.loss.total, 0.0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepReport {
    /// The step, from 1.
    pub step: usize,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch's loss and its parts.
    pub loss: LossParts,
    /// The learning rate used.
    pub lr: f64,
    /// The gradients' global 2-norm before clipping.
    pub grad_norm: f64,
    /// Tokens of the batch.
    pub tokens: usize,
    /// Rows of the batch.
    pub rows: usize,
    /// Training throughput so far, evaluation left out.
    pub tokens_per_second: f64,
    /// Training throughput so far, evaluation left out.
    pub examples_per_second: f64,
}

/// Is told of every [`Event`] and may stop the run. Any `FnMut(&Event) -> Flow` is one.
///
/// ```
/// use cs_train::{Event, Flow, Observer};
///
/// let mut steps = 0;
/// let mut count = |event: &Event<'_>| {
///     steps += usize::from(matches!(event, Event::Step(_)));
///     Flow::Continue
/// };
/// fn takes(_: &mut dyn Observer) {}
/// takes(&mut count);
/// ```
pub trait Observer {
    /// Takes an event. Called on the training thread: what takes long here slows training.
    fn event(&mut self, event: &Event<'_>) -> Flow;
}

impl<F: FnMut(&Event<'_>) -> Flow> Observer for F {
    fn event(&mut self, event: &Event<'_>) -> Flow {
        self(event)
    }
}

/// An observer that neither tells nor stops.
///
/// ```
/// use cs_train::{Observer, Silent};
/// let _observer: &mut dyn Observer = &mut Silent;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event<'_>) -> Flow {
        Flow::Continue
    }
}
