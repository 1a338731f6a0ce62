//! Fine-tuning of customer-service models with libtorch, and their evaluation in plain Rust.
//!
//! [`examples`] turns labelled utterances into token ids and targets; a [`Trainer`] runs an
//! [`Objective`], such as [`FineTune`] of a [`cs_model::Model`] on them, as [`TrainConfig`] says, and
//! tells an [`Observer`] about it; [`evaluate()`] scores answers, of this or any other runtime, against gold
//! data. What a run is made of can be used alone: [`CombinedLoss`], [`AdamW`], [`Schedule`],
//! [`EarlyStopping`], [`LossScaler`]. The crate prints nothing; warnings go to `tracing`.
//!
//! Without the feature `torch` (on by default) no libtorch is needed: [`metrics`], [`evaluate()`],
//! [`examples`], [`Schedule`], [`EarlyStopping`] and the event files of [`tensorboard`] are left,
//! for a service that scores its own answers.
//!
#![cfg_attr(feature = "torch", doc = "```")]
#![cfg_attr(not(feature = "torch"), doc = "```ignore")]
//! use cs_data::{Tokenizer, Utterance};
//! use cs_model::{BiLstmConfig, Calibration, Device, EncoderConfig, Model};
//! use cs_train::{EvaluateOptions, FineTune, Silent, TrainConfig, Trainer};
//! use cs_train::{evaluate, examples, predict, tasks_of};
//!
//! let texts = [("where is my parcel", "status"), ("I want my money back", "refund")];
//! let rows = texts.map(|(text, intent)| Utterance::new(intent, text).with_intent(intent));
//! let tasks = tasks_of(&rows);
//! let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 200)?;
//! let encoder = EncoderConfig::BiLstm(BiLstmConfig {
//!     vocab_size: tokenizer.vocab_size(),
//!     embedding_size: 16,
//!     hidden_size: 16,
//!     ..BiLstmConfig::default()
//! });
//! let data = examples(rows, &tokenizer, &tasks, 32)?;
//!
//! let mut model = Model::new(&encoder, &tasks, Device::Cpu, 1)?;
//! let config = TrainConfig { epochs: 10, patience: 10, lr: 0.02, ..Default::default() };
//! let checkpoints = tempfile::tempdir()?;
//! let objective = FineTune::new(&mut model, &data, Some(&data), &config)?;
//! Trainer::new(config, checkpoints.path())?.run(&objective, &mut Silent)?;
//!
//! let answers = predict(&model, &data, 4096, &Calibration::default())?;
//! let evaluation = evaluate(&data.rows, &answers, &EvaluateOptions::default())?;
//! assert_eq!(evaluation.intent_accuracy, Some(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data;
mod error;
mod evaluation;
pub mod metrics;
mod report;
mod run_lock;
mod schedule;
pub mod tensorboard;
#[cfg(feature = "torch")]
mod torch;
mod usage;

pub use data::{
    Example, Masked, Masker, MaskingConfig, Misaligned, Prepared, Segmenter, UnseenLabels,
    WordList, examples, tasks_of, together,
};
pub use error::{Error, Result};
pub use evaluation::{
    Abstention, Calibrator, EvaluateOptions, Evaluation, Scored, abstention_threshold,
    entity_spans, evaluate, fit_temperature, intervals,
};
pub use report::{
    ClassScores, ConfusedPair, EntityMistake, EntityReport, IntentMistake, IntentReport, OosReport,
    Report, ReportConfig, SentimentReport, SpanMistake, SpanText,
};
pub use run_lock::RunLock;
pub use schedule::{
    ClassWeights, Decay, EarlyStopping, LossConfig, LossScaler, Precision, Preset, Schedule,
    TrainConfig, Verdict,
};
#[cfg(feature = "torch")]
pub use torch::*;
pub use usage::{GpuUsage, Sampler, Usage};
