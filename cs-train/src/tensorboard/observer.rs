//! [`TensorBoard`]: records a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::writer::{create_dir, event_files, move_file, seconds_of};
use super::{EventWriter, HParam, HParams, Summary};
use crate::error::{Error, Result};
use crate::metrics::Histogram;
use crate::torch::run::{Event, Flow, Observer, RunShape, StepReport, ValidationReport};
use crate::usage::{Sampler, Usage};

/// Memory and GPUs are looked at no more often than this.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// Records a run for TensorBoard: every step (loss and its parts, learning rate, gradient norm,
/// throughput, where the time went), what the process and the GPUs take, every evaluation (figures,
/// curves, distributions), and the settings as hyper-parameters and as text.
///
/// The folder holds one run. One that is resumed goes on in it, and what was recorded beyond the
/// checkpoint is forgotten; at the start of a new one, what lies there moves to a folder `before-…`
/// in it, which TensorBoard shows as a run of its own.
///
/// Recording never stops a run: at the first write that fails, on a full disk say, it is logged,
/// nothing more is recorded, and [`TensorBoard::error`] keeps the reason.
///
/// ```
/// use cs_train::run::{Event, Observer, RunShape, StepReport, TrainReport};
/// use cs_train::tensorboard::TensorBoard;
///
/// let folder = tempfile::tempdir()?;
/// let mut board = TensorBoard::new(folder.path())?;
/// board.event(&Event::Start(&RunShape::default()));
/// board.event(&Event::Step(&StepReport { step: 1, loss: 0.7, ..StepReport::default() }));
/// board.event(&Event::End(&TrainReport::default()));
/// assert!(board.error().is_none());
/// assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    sampler: Sampler,
    /// Between start and end, unless a write failed.
    events: Option<EventWriter>,
    /// Until they are written, which the first evaluation is needed for: it tells the figures.
    hparams: Option<HParams>,
    weights: Vec<(String, Tensor)>,
    weights_every: usize,
    error: Option<Error>,
}

impl TensorBoard {
    /// A recorder into `folder`, which is made if need be.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        create_dir(&folder)?;
        Ok(Self {
            folder,
            sampler: Sampler::new(SAMPLE_EVERY),
            events: None,
            hparams: None,
            weights: Vec::new(),
            weights_every: 0,
            error: None,
        })
    }

    /// Also records the distribution of each of these weights, by name, every so many steps; 0 for
    /// never. The handles share memory with the model, as those of `Model::parameters` do. About
    /// 50 ms for a million weights.
    #[must_use]
    pub fn with_weights(mut self, weights: Vec<(String, Tensor)>, every: usize) -> Self {
        self.weights = weights;
        self.weights_every = every;
        self
    }

    /// Why recording stopped, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    fn record(&mut self, event: &Event<'_>) -> Result<()> {
        if let Event::Start(shape) = event {
            return self.start(shape);
        }
        let Some(events) = &mut self.events else {
            return Ok(());
        };
        match event {
            Event::Step(report) => self.step(report),
            Event::Evaluation(report) => {
                let summary = evaluation(report);
                write_hparams(events, self.hparams.take(), &report.scores.figures)?;
                events.write(report.step as u64, summary)?;
                events.flush()
            }
            Event::Checkpoint { .. } => events.flush(),
            Event::End(report) => {
                let figures = report.best.as_ref().map(|best| best.figures.clone());
                write_hparams(events, self.hparams.take(), &figures.unwrap_or_default())?;
                if !report.interrupted {
                    // One that was interrupted may go on, and TensorBoard heeds the first end only.
                    let step = report.steps as u64;
                    let json = serde_json::to_value(report).unwrap_or_default();
                    events.write(step, Summary::new().text("report", &code(&json)))?;
                    events.end(true)?;
                }
                events.flush()?;
                self.events = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, shape: &RunShape) -> Result<()> {
        let step = shape.resumed_from.unwrap_or(0) as u64;
        let mut events = if shape.resumed_from.is_some() {
            EventWriter::resume(&self.folder, step + 1)?
        } else {
            set_aside(&self.folder)?;
            EventWriter::create(&self.folder)?
        };
        let settings = serde_json::to_value(&shape.config).unwrap_or_default();
        events.write(step, Summary::new().text("config", &code(&settings)))?;
        events.flush()?;
        self.events = Some(events);
        self.hparams = Some(flatten(HParams::default(), "", &settings));
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<()> {
        let mut summary = step(report);
        if let Some(usage) = self.sampler.sample() {
            summary = with_usage(summary, &usage);
        }
        if self.weights_every > 0 && report.step.is_multiple_of(self.weights_every) {
            for (name, weight) in &self.weights {
                summary = summary.histogram(&format!("weights/{name}"), &distribution(weight)?);
            }
        }
        match &mut self.events {
            Some(events) => events.write(report.step as u64, summary),
            None => Ok(()),
        }
    }
}

impl Observer for TensorBoard {
    fn event(&mut self, event: &Event<'_>) -> Flow {
        if let Err(error) = self.record(event) {
            tracing::warn!(%error, "nothing more is recorded for TensorBoard");
            self.events = None;
            self.error = Some(error);
        }
        Flow::Continue
    }
}

/// Moves the event files of an earlier run into a folder of their own.
fn set_aside(folder: &Path) -> Result<()> {
    let files = event_files(folder)?;
    let Some(seconds) = files.first().and_then(|file| seconds_of(file)) else {
        return Ok(());
    };
    let aside = folder.join(format!("before-{seconds}"));
    create_dir(&aside)?;
    files.iter().try_for_each(|file| move_file(file, &aside))
}

fn write_hparams(
    events: &mut EventWriter,
    hparams: Option<HParams>,
    figures: &std::collections::BTreeMap<String, f64>,
) -> Result<()> {
    let Some(hparams) = hparams else {
        return Ok(());
    };
    let metrics = figures.keys().map(|name| format!("eval/{name}"));
    events.hparams(&hparams.compared_by(metrics))
}

fn step(report: &StepReport) -> Summary {
    let mut summary = Summary::new()
        .scalar("train/loss", report.loss)
        .scalar("train/lr", report.lr)
        .scalar("train/grad_norm", report.grad_norm)
        .scalar("train/epoch", report.epoch as f64)
        .scalar("speed/tokens_per_second", report.tokens_per_second)
        .scalar("speed/examples_per_second", report.examples_per_second)
        .scalar("speed/step_seconds", report.phases.total());
    for (name, value) in &report.parts {
        summary = summary.scalar(&format!("train/loss_{name}"), *value);
    }
    if let Some(scale) = report.loss_scale {
        let skipped = f64::from(u8::from(report.skipped));
        summary = summary
            .scalar("train/loss_scale", scale)
            .scalar("train/skipped", skipped);
    }
    summary
}

fn evaluation(report: &ValidationReport) -> Summary {
    let mut summary = Summary::new()
        .scalar("eval/selection_metric", report.scores.metric)
        .scalar("speed/evaluation_seconds", report.seconds);
    for (name, value) in &report.scores.figures {
        summary = summary.scalar(&format!("eval/{name}"), *value);
    }
    for (name, curve) in &report.scores.curves {
        summary = summary.pr_curve(&format!("eval/{name}"), curve);
    }
    for (name, histogram) in &report.scores.distributions {
        summary = summary.histogram(&format!("eval/{name}"), histogram);
    }
    summary
}

fn with_usage(mut summary: Summary, usage: &Usage) -> Summary {
    let mib = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
    let mut add = |tag: &str, value: Option<f64>| {
        if let Some(value) = value {
            summary = std::mem::take(&mut summary).scalar(&format!("system/{tag}"), value);
        }
    };
    add("memory_mib", mib(usage.memory));
    add("peak_memory_mib", mib(usage.peak_memory));
    add("threads", usage.threads.map(|threads| threads as f64));
    add("cores", usage.cores);
    for gpu in &usage.gpus {
        let index = gpu.index;
        add(&format!("gpu{index}_utilisation"), gpu.utilisation);
        add(&format!("gpu{index}_memory_mib"), mib(gpu.memory));
        add(&format!("gpu{index}_celsius"), gpu.temperature);
        add(&format!("gpu{index}_watts"), gpu.power);
    }
    summary
}

#[expect(
    clippy::disallowed_methods,
    reason = "weights are recorded now and then"
)]
fn distribution(weight: &Tensor) -> Result<Histogram> {
    let flat = weight
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Float)?
        .f_flatten(0, -1)?;
    let values: Vec<f32> = Vec::try_from(&flat)?;
    Ok(values.into_iter().map(f64::from).collect())
}

/// The settings of nested objects under names with dots; absent ones are left out.
fn flatten(hparams: HParams, name: &str, value: &Value) -> HParams {
    let value = match value {
        Value::Null => return hparams,
        Value::Object(fields) => {
            return fields.iter().fold(hparams, |hparams, (field, value)| {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(hparams, &format!("{name}{dot}{field}"), value)
            });
        }
        Value::Bool(flag) => HParam::Flag(*flag),
        Value::Number(number) => HParam::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => HParam::Text(text.clone()),
        Value::Array(_) => HParam::Text(value.to_string()),
    };
    hparams.with(name, value)
}

/// A text as a block of code in Markdown.
fn code(json: &Value) -> String {
    format!("```json\n{json:#}\n```")
}
