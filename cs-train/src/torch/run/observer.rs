//! [`Observer`]: what a run tells, and how it is told to stop.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::timing::Phases;
use super::train_report::TrainReport;
use crate::schedule::TrainConfig;
use crate::torch::objective::Validation;

/// Whether training goes on.
///
/// ```
/// use cs_train::run::Flow;
///
/// let enough_seconds = 60.0;
/// let flow = |seconds: f64| if seconds > enough_seconds { Flow::Stop } else { Flow::Continue };
/// assert_eq!(flow(61.0), Flow::Stop);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The run goes on.
    Continue,
    /// Stop after this event, with a checkpoint; the best weights so far are kept.
    Stop,
}

/// Something that happened during a run.
///
/// ```
/// use cs_train::run::Event;
///
/// fn line(event: &Event<'_>) -> Option<String> {
///     match event {
///         Event::Step(s) => Some(format!("step {}: loss {:.3}", s.step, s.loss)),
///         Event::Evaluation(e) => Some(format!("epoch {}: F1 {:.3}", e.epoch, e.scores.metric)),
///         _ => None,
///     }
/// }
/// let report = cs_train::run::TrainReport::default();
/// assert_eq!(line(&Event::End(&report)), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training begins, or goes on from a checkpoint.
    Start(&'a RunShape),
    /// An optimiser step was taken, or skipped for an overflow.
    Step(&'a StepReport),
    /// The validation set was evaluated.
    Evaluation(&'a ValidationReport),
    /// Weights were written and are safe on the disk.
    Checkpoint {
        /// The folder of a checkpoint, or the file of the best weights.
        path: &'a Path,
        /// The step that the weights are from.
        step: usize,
    },
    /// Training ended and the model holds the weights that are kept.
    End(&'a TrainReport),
}

/// What a run will do.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// The step of the checkpoint that the run goes on from.
    pub resumed_from: Option<usize>,
    /// Every setting of the run.
    pub config: TrainConfig,
}

/// One optimiser step.
///
/// ```
/// let step = cs_train::run::StepReport { step: 3, parts: vec![("intent", 0.5)], ..Default::default() };
/// assert_eq!(step.part("intent"), Some(0.5));
/// assert_eq!(step.part("slots"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepReport {
    /// The step, from 1.
    pub step: usize,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch's loss.
    pub loss: f64,
    /// Its unweighted parts, by name; a part without a target in the batch is absent.
    pub parts: Vec<(&'static str, f64)>,
    /// The learning rate used.
    pub lr: f64,
    /// The gradients' global 2-norm before clipping.
    pub grad_norm: f64,
    /// The factor of the loss in fp16; `None` at other precisions.
    pub loss_scale: Option<f64>,
    /// Whether the gradients overflowed, so that the weights stayed; only in fp16.
    pub skipped: bool,
    /// Tokens of the batch.
    pub tokens: usize,
    /// Rows of the batch.
    pub rows: usize,
    /// Where this step's time went.
    pub phases: Phases,
    /// Training throughput so far, evaluation left out.
    pub tokens_per_second: f64,
    /// Training throughput so far, evaluation left out.
    pub examples_per_second: f64,
}

impl StepReport {
    /// The loss part of this name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<f64> {
        let found = self.parts.iter().find(|(part, _)| *part == name);
        found.map(|&(_, value)| value)
    }
}

/// One evaluation of the validation set.
///
/// ```
/// let evaluation = cs_train::run::ValidationReport { epoch: 2, best: true, ..Default::default() };
/// assert_eq!(evaluation.scores.metric, 0.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ValidationReport {
    /// Steps taken so far.
    pub step: usize,
    /// The epoch it came in or at the end of, from 1.
    pub epoch: usize,
    /// The figures of the validation set.
    pub scores: Validation,
    /// Whether these weights are the best so far, see [`Validation::is_better_than`].
    pub best: bool,
    /// The seconds it took.
    pub seconds: f64,
}

/// Is told of every [`Event`] and may stop the run. Any `FnMut(&Event) -> Flow` is one.
///
/// ```
/// use cs_train::run::{Event, Flow, Observer};
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
/// use cs_train::run::{Observer, Silent};
/// let _observer: &mut dyn Observer = &mut Silent;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event<'_>) -> Flow {
        Flow::Continue
    }
}

/// Stops the run once a flag is set, by a signal handler or another thread.
///
/// ```
/// use std::sync::atomic::Ordering;
/// use cs_train::run::{Event, Flow, Observer, StopFlag, TrainReport};
///
/// let mut stop = StopFlag::default();
/// let flag = stop.flag(); // goes to the handler
/// let report = TrainReport::default();
/// assert_eq!(stop.event(&Event::End(&report)), Flow::Continue);
/// flag.store(true, Ordering::Relaxed);
/// assert_eq!(stop.event(&Event::End(&report)), Flow::Stop);
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// The flag to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Observer for StopFlag {
    fn event(&mut self, _: &Event<'_>) -> Flow {
        if self.0.load(Ordering::Relaxed) {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}

/// Tells several observers, in order; the run stops if any of them says so.
///
/// ```
/// use cs_train::run::{Event, Flow, Observer, Observers, Silent, TrainReport};
///
/// let mut stop = |_: &Event<'_>| Flow::Stop;
/// let mut silent = Silent;
/// let mut both = Observers(vec![&mut stop, &mut silent]);
/// assert_eq!(both.event(&Event::End(&TrainReport::default())), Flow::Stop);
/// ```
#[allow(missing_debug_implementations)] // observers need not have one
pub struct Observers<'a>(pub Vec<&'a mut dyn Observer>);

impl Observer for Observers<'_> {
    fn event(&mut self, event: &Event<'_>) -> Flow {
        // Every one of them is told.
        let stops = self
            .0
            .iter_mut()
            .map(|o| o.event(event))
            .filter(|flow| *flow == Flow::Stop);
        if stops.count() > 0 {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}
