//! A run on the terminal: a bar with what is left, and a line an evaluation.

use std::time::{Duration, Instant};

use cs_train::run::{Event, Flow, Observer, RunShape, StepReport, ValidationReport};
use cs_train::usage::Sampler;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::note;

/// Where there is no terminal, a line comes at most this often.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// Share of a new step in the loss that is shown.
const NEWEST: f64 = 0.05;

/// Shows a run on stderr: loss, tokens per second, the last validation, memory and the time left,
/// on a bar where that is a terminal, else as a line every half a minute; a line with the figures
/// after every evaluation in any case.
///
/// ```
/// use cs_train::run::{Event, Flow, Observer, RunShape};
/// let mut progress = cs_examples::Progress::default();
/// let shape = RunShape { steps: 10, epochs: 1, train_rows: 80, ..RunShape::default() };
/// assert_eq!(progress.event(&Event::Start(&shape)), Flow::Continue);
/// ```
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    epoch: EpochLoss,
    /// A running mean over the latest steps.
    loss: Option<f64>,
    validation: Option<f64>,
    sampler: Sampler,
    memory: Option<u64>,
    /// When the latest line came.
    line: Instant,
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
            loss: None,
            validation: None,
            sampler: Sampler::new(Duration::from_secs(2)),
            memory: None,
            line: Instant::now(),
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

    fn start(&mut self, shape: &RunShape) {
        self.line(&format!(
            "training on {} rows, validating on {}: {} epochs, {} steps",
            shape.train_rows, shape.eval_rows, shape.epochs, shape.steps
        ));
        if shape.epochs > shape.config.epochs {
            self.line(&format!(
                "{} epochs would be fewer than {} steps (--epochs decides otherwise)",
                shape.config.epochs, shape.config.min_steps
            ));
        }
        if let Some(step) = shape.resumed_from {
            self.line(&format!("going on from the checkpoint of step {step}"));
        }
        let steps = shape.steps as u64;
        self.bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left, {msg}");
        self.bar
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar
            .set_position(shape.resumed_from.unwrap_or(0) as u64);
        self.bar.reset_eta();
        self.line = Instant::now();
    }

    fn step(&mut self, step: &StepReport) {
        self.epoch.add(step);
        let before = self.loss.filter(|loss| loss.is_finite());
        self.loss = Some(before.map_or(step.loss, |loss| loss + NEWEST * (step.loss - loss)));
        if let Some(usage) = self.sampler.sample() {
            self.memory = usage.memory;
        }
        self.bar.set_position(step.step as u64);
        if !self.bar.is_hidden() {
            self.bar.set_message(self.state());
        } else if self.line.elapsed() >= LINE_EVERY {
            let (steps, left) = (
                self.bar.length().unwrap_or(0),
                HumanDuration(self.bar.eta()),
            );
            self.line(&format!(
                "step {}/{steps}, {left} left, {}",
                step.step,
                self.state()
            ));
            self.line = Instant::now();
        }
    }

    /// Where the run stands, in a few words.
    fn state(&self) -> String {
        let (loss, speed) = (self.loss.unwrap_or(f64::NAN), self.epoch.tokens_per_second);
        let mut state = format!("loss {loss:.3}, {speed:.0} tokens/s");
        if let Some(validation) = self.validation {
            state.push_str(&format!(", validation {validation:.4}"));
        }
        if let Some(memory) = self.memory {
            state.push_str(&format!(", {} MiB", memory >> 20));
        }
        state
    }

    fn evaluation(&mut self, evaluation: &ValidationReport) {
        let done = std::mem::take(&mut self.epoch);
        let (loss, speed) = (done.mean(), done.tokens_per_second);
        let (epoch, metric) = (evaluation.epoch, evaluation.scores.metric);
        self.validation = Some(metric);
        let best = if evaluation.best {
            " (best so far)"
        } else {
            ""
        };
        self.line(&format!(
            "epoch {epoch}: loss {loss:.3}, validation {metric:.4}{best}, {speed:.0} tokens/s"
        ));
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event<'_>) -> Flow {
        match event {
            Event::Start(shape) => self.start(shape),
            Event::Step(step) => self.step(step),
            Event::Evaluation(evaluation) => self.evaluation(evaluation),
            Event::End(_) => self.bar.finish_and_clear(),
            _ => {}
        }
        match self.until {
            Some(until) if Instant::now() >= until => Flow::Stop,
            _ => Flow::Continue,
        }
    }
}
