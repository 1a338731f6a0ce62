//! A run on the terminal: a bar with what is left, and a line an epoch.

use std::time::{Duration, Instant};

use cs_train::{Event, Flow, Observer, StepReport};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::note;

/// Shows a run on stderr: where that is a terminal, a bar with the time left, loss and tokens per
/// second; a line with the figures after every epoch in any case.
///
/// ```
/// use cs_train::{Event, Flow, Observer, RunShape};
/// let mut progress = cs_examples::Progress::default();
/// let shape = RunShape { steps: 10, epochs: 1, train_rows: 80, ..RunShape::default() };
/// assert_eq!(progress.event(&Event::Start(&shape)), Flow::Continue);
/// ```
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    epoch: EpochLoss,
    until: Option<Instant>,
}

/// The mean over an epoch's rows: a last batch of a few rows says little.
#[derive(Debug, Default)]
struct EpochLoss {
    sum: f64,
    rows: usize,
    tokens_per_second: f64,
}

impl EpochLoss {
    fn add(&mut self, step: &StepReport) {
        self.sum += step.loss * step.rows as f64;
        self.rows += step.rows;
        self.tokens_per_second = step.tokens_per_second;
    }

    fn mean(&self) -> f64 {
        self.sum / self.rows as f64
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            epoch: EpochLoss::default(),
            until: None,
        }
    }
}

impl Progress {
    /// Also stops the run when `limit` has passed.
    pub fn with_limit(limit: Duration) -> Self {
        Self {
            until: Instant::now().checked_add(limit),
            ..Self::default()
        }
    }

    fn line(&self, line: &str) {
        if self.bar.is_hidden() {
            note(format_args!("{line}"));
        } else {
            self.bar.println(line);
        }
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event<'_>) -> Flow {
        match event {
            Event::Start(shape) => {
                self.line(&format!(
                    "training on {} rows, validating on {}: {} epochs, {} steps",
                    shape.train_rows, shape.eval_rows, shape.epochs, shape.steps
                ));
                let steps = shape.steps as u64;
                self.bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
                if let Some(step) = shape.resumed_from {
                    self.line(&format!("going on from the checkpoint of step {step}"));
                }
                let style = "{wide_bar} {pos}/{len} steps, {eta} left, {msg}";
                self.bar.set_style(
                    ProgressStyle::with_template(style)
                        .unwrap_or_else(|_| ProgressStyle::default_bar()),
                );
            }
            Event::Step(step) => {
                let (loss, speed) = (step.loss, step.tokens_per_second);
                self.bar
                    .set_message(format!("loss {loss:.3}, {speed:.0} tokens/s"));
                self.bar.set_position(step.step as u64);
                self.epoch.add(step);
            }
            Event::Evaluation(evaluation) => {
                let done = std::mem::take(&mut self.epoch);
                let (loss, speed) = (done.mean(), done.tokens_per_second);
                let (epoch, metric) = (evaluation.epoch, evaluation.scores.metric);
                let best = if evaluation.best {
                    " (best so far)"
                } else {
                    ""
                };
                self.line(&format!(
                    "epoch {epoch}: loss {loss:.3}, validation {metric:.4}{best}, {speed:.0} tokens/s"
                ));
            }
            Event::End(_) => self.bar.finish_and_clear(),
            _ => {}
        }
        match self.until {
            Some(until) if Instant::now() >= until => Flow::Stop,
            _ => Flow::Continue,
        }
    }
}
