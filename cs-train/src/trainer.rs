//! [`Trainer`]: the loop over epochs and steps.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cs_data::TokenBatch;
use cs_model::{Calibration, Mode, Model};
use serde::Serialize;

use crate::config::TrainConfig;
use crate::data::{Example, Prepared};
use crate::early_stopping::{EarlyStopping, Verdict};
use crate::error::{Error, Result};
use crate::evaluate::{EvaluateOptions, Evaluation, evaluate};
use crate::loss::{CombinedLoss, Targets};
use crate::observer::{Event, Flow, Observer, RunShape, StepReport};
use crate::optimizer::{AdamW, Gradients};
use crate::plan::{RunPlan, check_tokens, check_validation};
use crate::predict::predict;
use crate::schedule::LinearWarmup;
use crate::seed::{Stream, derive};

/// The embedding of which only the rows of the training set's tokens need moments.
const WORD_EMBEDDINGS: &str = "embeddings.word_embeddings.weight";

/// Fine-tunes a model and leaves it with the weights that did best on the validation set.
///
/// The order of rows is a function of (seed, epoch) and dropout one of (seed, step): equal
/// settings give equal weights to the bit, on the same machine with the same number of threads.
/// Dropout draws from libtorch's generator, which the whole process shares, so that holds while
/// nothing else in the process draws from it.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_model::{BiLstmConfig, Device, EncoderConfig, Model};
/// use cs_train::{Silent, TrainConfig, Trainer, examples, tasks_of};
///
/// let rows: Vec<Utterance> = [("退款", "refund"), ("你好", "hello")]
///     .into_iter()
///     .map(|(text, intent)| Utterance::new(intent, text).with_intent(intent))
///     .collect();
/// let tasks = tasks_of(&rows);
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 50)?;
/// let encoder = EncoderConfig::BiLstm(BiLstmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     embedding_size: 8,
///     hidden_size: 8,
///     ..BiLstmConfig::default()
/// });
/// let data = examples(rows, &tokenizer, &tasks, 32)?;
///
/// let mut model = Model::new(&encoder, &tasks, Device::Cpu, 1)?;
/// let config = TrainConfig { epochs: 2, ..TrainConfig::for_encoder(&encoder) };
/// let folder = tempfile::tempdir()?;
/// let report = Trainer::new(&mut model, config, folder.path())?.fit(&data, &data, &mut Silent)?;
/// assert_eq!(report.steps, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trainer<'m> {
    model: &'m mut Model,
    config: TrainConfig,
    checkpoint_dir: PathBuf,
}

/// How a run went.
///
/// ```
/// let report = cs_train::TrainReport::default();
/// assert!(!report.interrupted);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TrainReport {
    /// Optimiser steps taken.
    pub steps: usize,
    /// The step whose weights the model now holds.
    pub best_step: usize,
    /// Their figure on the validation set, see [`Evaluation::selection_metric`]; `None` if the
    /// run was stopped before the first validation.
    pub best_metric: Option<f64>,
    /// All their figures on the validation set.
    pub best: Option<Evaluation>,
    /// Tokens trained on per second, validation left out.
    pub tokens_per_second: f64,
    /// Rows trained on per second, validation left out.
    pub examples_per_second: f64,
    /// Seconds of the whole run.
    pub seconds: f64,
    /// Whether the observer stopped the run.
    pub interrupted: bool,
    /// Whether validation stopped getting better before the last epoch.
    pub stopped_early: bool,
}

impl<'m> Trainer<'m> {
    /// The name of the best weights' file in the checkpoint folder.
    pub const BEST: &'static str = "best.safetensors";

    /// A trainer of `model` that keeps its checkpoints in `checkpoint_dir`, which is made when
    /// the first one is written.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if a setting is out of range.
    pub fn new(
        model: &'m mut Model,
        config: TrainConfig,
        checkpoint_dir: impl Into<PathBuf>,
    ) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            model,
            config,
            checkpoint_dir: checkpoint_dir.into(),
        })
    }

    /// Trains on `train` and, after each epoch, validates on `eval`. Rows of `train` without a
    /// label the model has are skipped. At the end, early or not, the model holds the weights
    /// of the best validation; if the observer stops the run before the first one, the latest.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] or [`Error::NoLabels`] if either set is of no use, [`Error::Vocabulary`]
    /// if the rows were tokenized for another model, [`Error::NonFinite`] if training diverges,
    /// [`Error::Io`] or [`Error::Model`] if the checkpoint cannot be written.
    pub fn fit(
        &mut self,
        train: &Prepared,
        eval: &Prepared,
        observer: &mut dyn Observer,
    ) -> Result<TrainReport> {
        let config = self.config.clone();
        let vocab_size = self.model.config().vocab_size();
        check_validation(eval, self.model.tasks())?;
        check_tokens(train, vocab_size)?;
        check_tokens(eval, vocab_size)?;
        warn_of("training", train);
        warn_of("validation", eval);
        let plan = RunPlan::new(train, &config)?;
        let mut run = Run::new(self.model, &config, &plan, &self.checkpoint_dir)?;
        let shape = run.shape(&plan, eval.rows.len());
        run.tell(observer, &Event::Start(shape));
        for epoch in 0..config.epochs {
            run.train_epoch(epoch, plan.batches(epoch), observer)?;
            if run.interrupted {
                break;
            }
            let verdict = run.validate(epoch, eval, observer)?;
            run.stopped_early = verdict.stop && epoch + 1 < config.epochs;
            if run.interrupted || verdict.stop {
                break;
            }
        }
        let report = run.finish()?;
        observer.event(&Event::End(&report));
        Ok(report)
    }
}

/// The state of a run in progress.
struct Run<'r> {
    model: &'r mut Model,
    config: &'r TrainConfig,
    best_file: PathBuf,
    loss: CombinedLoss,
    optimizer: AdamW,
    schedule: LinearWarmup,
    stopping: EarlyStopping,
    best: Option<(usize, Evaluation)>,
    total_steps: usize,
    step: usize,
    began: Instant,
    work: Throughput,
    interrupted: bool,
    stopped_early: bool,
}

impl<'r> Run<'r> {
    fn new(
        model: &'r mut Model,
        config: &'r TrainConfig,
        plan: &RunPlan<'_>,
        checkpoint_dir: &Path,
    ) -> Result<Self> {
        let total_steps = plan.steps();
        let mut optimizer = AdamW::new(model.parameters(), config);
        optimizer.restrict_rows(WORD_EMBEDDINGS, &plan.token_ids())?;
        Ok(Self {
            model,
            config,
            best_file: checkpoint_dir.join(Trainer::BEST),
            loss: CombinedLoss {
                ce_weight: config.ce_weight,
                mse_weight: config.mse_weight,
            },
            optimizer,
            schedule: LinearWarmup::new(config.warmup_steps, total_steps),
            stopping: EarlyStopping::new(config.patience),
            best: None,
            total_steps,
            step: 0,
            began: Instant::now(),
            work: Throughput::default(),
            interrupted: false,
            stopped_early: false,
        })
    }

    fn shape(&self, plan: &RunPlan<'_>, eval_rows: usize) -> RunShape {
        RunShape {
            steps: self.total_steps,
            epochs: self.config.epochs,
            warmup_steps: self.schedule.warmup_steps(),
            warmup_shortened_from: self.schedule.shortened_from(),
            train_rows: plan.rows(),
            eval_rows,
        }
    }

    fn tell(&mut self, observer: &mut dyn Observer, event: &Event<'_>) {
        self.interrupted |= observer.event(event) == Flow::Stop;
    }

    fn train_epoch(
        &mut self,
        epoch: usize,
        batches: Vec<Vec<&Example>>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        for batch in batches {
            if self.interrupted {
                break;
            }
            let report = self.train_step(epoch, &batch)?;
            self.tell(observer, &Event::Step(report));
        }
        Ok(())
    }

    /// One optimiser step. The host waits for the device once, for the loss and the gradient's
    /// norm together, so that a step that would ruin the weights is never taken.
    fn train_step(&mut self, epoch: usize, examples: &[&Example]) -> Result<StepReport> {
        let began = Instant::now();
        let seed = derive(self.config.seed, Stream::Dropout, self.step as u64);
        tch::manual_seed(seed as i64);
        let batch = TokenBatch::pack(examples.iter().map(|e| &e.encoding.ids[..]));
        let output = self.model.forward(&batch, Mode::Train)?;
        let targets = Targets::pack(examples.iter().copied());
        let loss = self.loss.forward(&output, &targets)?;
        let gradients = self.optimizer.gradients(&loss.total)?;
        let (parts, grad_norm) = loss.read_with(&gradients.norm()?)?;
        self.check_finite("loss", parts.total, examples)?;
        self.check_finite("gradient norm", grad_norm, examples)?;
        let lr = self.config.lr * self.schedule.factor(self.step);
        let scale = Gradients::clip_scale(grad_norm, self.config.max_grad_norm);
        self.optimizer.step(&gradients, lr, scale)?;
        self.step += 1;
        self.work.add(began, batch.tokens(), examples.len());
        Ok(StepReport {
            step: self.step,
            epoch: epoch + 1,
            loss: parts,
            lr,
            grad_norm,
            tokens: batch.tokens(),
            rows: examples.len(),
            tokens_per_second: self.work.tokens_per_second(),
            examples_per_second: self.work.examples_per_second(),
        })
    }

    fn check_finite(&self, what: &'static str, value: f64, examples: &[&Example]) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::NonFinite {
            what,
            value,
            step: self.step + 1,
            rows: examples.iter().map(|e| e.id.clone()).collect(),
        })
    }

    fn validate(
        &mut self,
        epoch: usize,
        eval: &Prepared,
        observer: &mut dyn Observer,
    ) -> Result<Verdict> {
        let max_tokens = self.config.eval_max_tokens;
        let answers = predict(self.model, eval, max_tokens, &Calibration::default())?;
        let options = EvaluateOptions {
            tasks: Some(self.model.tasks()),
            ..EvaluateOptions::default()
        };
        let evaluation = evaluate(&eval.rows, &answers, &options)?;
        let metric = evaluation.selection_metric().unwrap_or(f64::NAN);
        let verdict = self.stopping.update(metric);
        let best = self
            .best
            .is_none_or(|(_, before)| evaluation.is_better_than(&before));
        let step = self.step;
        self.tell(
            observer,
            &Event::Epoch {
                epoch: epoch + 1,
                step,
                evaluation: &evaluation,
                metric,
                best,
            },
        );
        if best {
            self.save_best()?;
            self.best = Some((step, evaluation));
            let path = self.best_file.clone();
            self.tell(observer, &Event::Checkpoint { path: &path, step });
        }
        Ok(verdict)
    }

    fn save_best(&self) -> Result<()> {
        if let Some(folder) = self.best_file.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::Io {
                path: folder.to_owned(),
                source,
            })?;
        }
        Ok(self.model.save_weights(&self.best_file)?)
    }

    /// Puts the best weights back and sums the run up.
    fn finish(self) -> Result<TrainReport> {
        let best_step = self.best.map_or(self.step, |(step, _)| step);
        if best_step != self.step {
            self.model.load_weights(&self.best_file)?;
        }
        Ok(TrainReport {
            steps: self.step,
            best_step,
            best_metric: self.stopping.best(),
            best: self.best.map(|(_, evaluation)| evaluation),
            tokens_per_second: self.work.tokens_per_second(),
            examples_per_second: self.work.examples_per_second(),
            seconds: self.began.elapsed().as_secs_f64(),
            interrupted: self.interrupted,
            stopped_early: self.stopped_early,
        })
    }
}

/// Work done in training steps and the time it took.
#[derive(Debug, Default)]
struct Throughput {
    seconds: f64,
    tokens: usize,
    rows: usize,
}

impl Throughput {
    fn add(&mut self, began: Instant, tokens: usize, rows: usize) {
        self.seconds += began.elapsed().as_secs_f64();
        self.tokens += tokens;
        self.rows += rows;
    }

    fn tokens_per_second(&self) -> f64 {
        per_second(self.tokens, self.seconds)
    }

    fn examples_per_second(&self) -> f64 {
        per_second(self.rows, self.seconds)
    }
}

fn per_second(count: usize, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

/// Logs what of a set could not be used.
fn warn_of(what: &str, data: &Prepared) {
    let unseen = &data.unseen_labels;
    if !unseen.intents.is_empty() {
        tracing::warn!(intents = ?unseen.intents, "the {what} set has intents unknown to the model");
    }
    if !unseen.slots.is_empty() {
        tracing::warn!(labels = ?unseen.slots, "the {what} set has entity labels unknown to the model");
    }
    if let Some(first) = data.misaligned.first() {
        let count = data.misaligned.len();
        tracing::warn!(
            count, row = first.id, span = ?first.span,
            "spans of the {what} set cut a word or were truncated; the first one is given"
        );
    }
}
