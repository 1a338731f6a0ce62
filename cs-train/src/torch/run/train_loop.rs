//! The loop over steps, evaluations and checkpoints.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checkpoint::{Best, Checkpoints, Exact, Progress};
use super::observer::{Event, Flow, Observer, RunShape, StepReport, ValidationReport};
use super::run_plan::RunPlan;
use super::step::Stepper;
use super::timing::{Phases, Stopwatch};
use super::train_report::TrainReport;
use crate::error::{Error, Result};
use crate::schedule::{EarlyStopping, TrainConfig};
use crate::torch::objective::{Objective, Validation};

/// A run in progress. Everything that its future depends on is in `progress`, in the stepper and in
/// the weights: that is what a checkpoint holds.
pub(crate) struct Run<'r> {
    pub(crate) objective: &'r dyn Objective,
    pub(crate) config: &'r TrainConfig,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) stepper: Stepper,
    pub(crate) progress: Progress,
    pub(crate) stopping: EarlyStopping,
    /// The step of the checkpoint that the folder's latest is.
    pub(crate) saved: Option<usize>,
    pub(crate) report: TrainReport,
    observer: &'r mut dyn Observer,
    plan: RunPlan,
    began: Instant,
    tokens: usize,
    rows: usize,
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        objective: &'r dyn Objective,
        config: &'r TrainConfig,
        folder: &Path,
        observer: &'r mut dyn Observer,
    ) -> Result<Self> {
        let plan = RunPlan::new(objective.lengths(), config);
        if plan.rows() == 0 {
            return Err(Error::Empty { what: "training" });
        }
        let stepper = Stepper::new(objective, config, plan.steps())?;
        Ok(Self {
            objective,
            config,
            checkpoints: Checkpoints::new(folder, config.keep_checkpoints),
            progress: Progress {
                scaler: stepper.scaler,
                ..Progress::default()
            },
            stepper,
            stopping: EarlyStopping::new(config.patience, config.min_delta),
            saved: None,
            report: TrainReport::default(),
            observer,
            plan,
            began: Instant::now(),
            tokens: 0,
            rows: 0,
        })
    }

    pub(crate) fn run(mut self) -> Result<TrainReport> {
        self.start();
        let mut batches = self.plan.batches(self.progress.step);
        let mut watch = Stopwatch::start();
        loop {
            if self.evaluation_due() {
                self.evaluate()?;
            }
            if self.checkpoint_due() {
                self.checkpoint()?;
            }
            if self.report.interrupted || self.finished() {
                break;
            }
            let Some(batch) = batches.next() else { break };
            watch.lap();
            self.step(batch.epoch, &batch.rows, &mut watch)?;
        }
        self.finish()
    }

    /// Tells of the start, and of a warm-up that had to be shortened.
    fn start(&mut self) {
        let schedule = &self.stepper.schedule;
        if let Some(asked) = schedule.shortened_from() {
            let (used, steps) = (schedule.warmup_steps(), self.plan.steps());
            tracing::warn!(
                "the warm-up takes {used} steps, a tenth of the run's {steps}, instead of {asked}"
            );
        }
        let shape = RunShape {
            steps: self.plan.steps(),
            epochs: self.plan.epochs(),
            warmup_steps: schedule.warmup_steps(),
            warmup_shortened_from: schedule.shortened_from(),
            train_rows: self.plan.rows(),
            eval_rows: self.objective.validation_rows(),
            resumed_from: self.report.resumed_from,
            config: self.config.clone(),
        };
        self.tell(&Event::Start(&shape));
    }

    pub(crate) fn tell(&mut self, event: &Event<'_>) {
        self.report.interrupted |= self.observer.event(event) == Flow::Stop;
    }

    fn finished(&self) -> bool {
        self.progress.stopped_early || self.progress.step >= self.plan.steps()
    }

    fn step(&mut self, epoch: usize, rows: &[usize], watch: &mut Stopwatch) -> Result<()> {
        let step = self.progress.step;
        let taken = self.stepper.step(self.objective, self.config, step, rows);
        let taken = taken.map_err(|error| self.with_checkpoint(error))?;
        let progress = &mut self.progress;
        progress.step += 1;
        progress.skipped += usize::from(taken.skipped);
        progress.scaler = self.stepper.scaler;
        let tokens = self.plan.tokens(rows);
        self.tokens += tokens;
        self.rows += rows.len();
        let mut phases = taken.phases;
        phases.rest += (watch.lap() - phases.total()).max(0.0);
        self.report.phases.add(&phases);
        let report = StepReport {
            step: step + 1,
            epoch: epoch + 1,
            loss: taken.loss,
            parts: taken.parts,
            lr: taken.lr,
            grad_norm: taken.grad_norm,
            loss_scale: taken.loss_scale,
            skipped: taken.skipped,
            tokens,
            rows: rows.len(),
            phases,
            tokens_per_second: self.per_second(self.tokens),
            examples_per_second: self.per_second(self.rows),
        };
        self.tell(&Event::Step(&report));
        let told = Phases {
            rest: watch.lap(),
            ..Phases::default()
        };
        self.report.phases.add(&told);
        Ok(())
    }

    fn per_second(&self, count: usize) -> f64 {
        let seconds = self.report.phases.total();
        if seconds > 0.0 {
            count as f64 / seconds
        } else {
            0.0
        }
    }

    /// Adds the last good checkpoint to the report of a diverging step.
    fn with_checkpoint(&self, error: Error) -> Error {
        match error {
            Error::NonFinite {
                what,
                value,
                step,
                rows,
                ..
            } => Error::NonFinite {
                what,
                value,
                step,
                rows,
                checkpoint: self.checkpoints.latest(),
            },
            error => error,
        }
    }

    fn evaluation_due(&self) -> bool {
        let (step, every) = (self.progress.step, self.config.evaluate_every);
        let due = self.plan.ends_epoch(step) || (every > 0 && step.is_multiple_of(every));
        step > self.progress.evaluated
            && due
            && !self.report.interrupted
            && self.objective.validation_rows() > 0
    }

    fn evaluate(&mut self) -> Result<()> {
        let mut watch = Stopwatch::start();
        let step = self.progress.step;
        self.progress.evaluated = step;
        self.swap_mean()?;
        let autocast = self.stepper.autocast(self.config.precision)?;
        let scores = tch::no_grad(|| self.objective.evaluate());
        drop(autocast);
        let best = match &scores {
            Ok(scores) => self.keep_if_best(scores),
            Err(_) => Ok(None),
        };
        self.swap_mean()?;
        let (scores, best) = (scores?, best?);
        self.consider_stopping(scores.metric);
        let seconds = watch.lap();
        self.report.evaluation_seconds += seconds;
        let evaluation = ValidationReport {
            step,
            epoch: self.plan.epoch(step - 1) + 1,
            scores,
            best: best.is_some(),
            seconds,
        };
        self.tell(&Event::Evaluation(&evaluation));
        if let Some(path) = best {
            self.tell(&Event::Checkpoint { path: &path, step });
        }
        Ok(())
    }

    /// Evaluations that come within an epoch may find the best weights, but only epochs count for
    /// early stopping.
    fn consider_stopping(&mut self, metric: f64) {
        let progress = &mut self.progress;
        let before = progress.epoch_best.map_or(f64::NAN, |best| best.0);
        progress.epoch_best = Some(Exact(metric.max(before)));
        if self.plan.ends_epoch(progress.step) {
            let figure = progress.epoch_best.take().map_or(f64::NAN, |best| best.0);
            let enough = progress.step >= self.config.min_steps;
            let stop = self.stopping.update(figure).stop && enough;
            progress.stopped_early = stop && progress.step < self.plan.steps();
        }
        let best = self.stopping.best().map(Exact);
        progress.stopping = (best, self.stopping.without_gain());
    }

    /// Writes the model's weights if their figures are the best so far.
    fn keep_if_best(&mut self, scores: &Validation) -> Result<Option<PathBuf>> {
        let best = self.progress.best.as_ref();
        if best.is_some_and(|best| !scores.is_better_than(&best.scores())) {
            return Ok(None);
        }
        let step = self.progress.step;
        let (path, sha256) = self.checkpoints.write_best(step, &self.weights("")?)?;
        self.progress.best = Some(Best::new(step, sha256, scores));
        Ok(Some(path))
    }

    fn checkpoint_due(&self) -> bool {
        let (step, every) = (self.progress.step, self.config.checkpoint_every);
        let due = every > 0 && step.is_multiple_of(every);
        step > 0 && self.saved != Some(step) && (due || self.report.interrupted || self.finished())
    }

    fn checkpoint(&mut self) -> Result<()> {
        let mut watch = Stopwatch::start();
        let path = self.save()?;
        self.report.checkpoint_seconds += watch.lap();
        let step = self.progress.step;
        self.tell(&Event::Checkpoint { path: &path, step });
        Ok(())
    }

    /// Gives the model the weights that are kept, and sums the run up.
    fn finish(mut self) -> Result<TrainReport> {
        let step = self.progress.step;
        match self.progress.best.take() {
            Some(best) => {
                self.load_best(&best)?;
                self.report.best_step = best.step;
                self.report.best = Some(best.scores());
            }
            None => {
                self.swap_mean()?;
                self.report.best_step = step;
            }
        }
        let report = TrainReport {
            steps: step,
            skipped_steps: self.progress.skipped,
            stopped_early: self.progress.stopped_early,
            interrupted: self.report.interrupted && !self.finished(),
            tokens_per_second: self.per_second(self.tokens),
            examples_per_second: self.per_second(self.rows),
            seconds: self.began.elapsed().as_secs_f64(),
            ..std::mem::take(&mut self.report)
        };
        self.observer.event(&Event::End(&report));
        Ok(report)
    }
}
