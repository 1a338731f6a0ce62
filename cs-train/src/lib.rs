//! Fine-tuning of customer-service models with libtorch, and their evaluation in plain Rust.
//!
//! [`examples`] turns labelled utterances into token ids and targets; [`Trainer::fit`] trains a
//! [`cs_model::Model`] on them with the [`CombinedLoss`], [`AdamW`], a [`LinearWarmup`] and
//! [`EarlyStopping`], as [`TrainConfig`] says, and tells an [`Observer`] about it;
//! [`evaluate()`] scores answers, of this or any other runtime, against gold data. The crate
//! prints nothing; warnings go to `tracing`.
//!
//! Without the feature `torch` (on by default) no libtorch is needed: [`metrics`], [`evaluate()`],
//! [`examples`], [`LinearWarmup`], [`EarlyStopping`] and the event files of [`tensorboard`] are left,
//! for a service that scores its own answers.
//!
#![cfg_attr(feature = "torch", doc = "```")]
#![cfg_attr(not(feature = "torch"), doc = "```ignore")]
//! use cs_data::{Tokenizer, Utterance};
//! use cs_model::{BiLstmConfig, Calibration, Device, EncoderConfig, Model};
//! use cs_train::{EvaluateOptions, Silent, TrainConfig, Trainer};
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
//! Trainer::new(&mut model, config, checkpoints.path())?.fit(&data, &data, &mut Silent)?;
//!
//! let answers = predict(&model, &data, 4096, &Calibration::default())?;
//! let evaluation = evaluate(&data.rows, &answers, &EvaluateOptions::default())?;
//! assert_eq!(evaluation.intent_accuracy, Some(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calibration;
mod config;
mod data;
mod early_stopping;
mod error;
mod evaluate;
#[cfg(feature = "torch")]
mod importance;
#[cfg(feature = "torch")]
mod loss;
mod masking;
pub mod metrics;
#[cfg(feature = "torch")]
mod observer;
#[cfg(feature = "torch")]
mod optimizer;
#[cfg(feature = "torch")]
mod plan;
#[cfg(feature = "torch")]
mod predict;
mod schedule;
#[cfg(feature = "torch")]
mod seed;
mod segment;
pub mod tensorboard;
#[cfg(feature = "torch")]
mod trainer;
mod usage;

pub use calibration::{Abstention, Calibrator, Scored, abstention_threshold, fit_temperature};
pub use config::TrainConfig;
pub use data::{Example, Misaligned, Prepared, UnseenLabels, examples, tasks_of};
pub use early_stopping::{EarlyStopping, Verdict};
pub use error::{Error, Result};
pub use evaluate::{EvaluateOptions, Evaluation, entity_spans, evaluate};
#[cfg(feature = "torch")]
pub use importance::importance;
#[cfg(feature = "torch")]
pub use loss::{CombinedLoss, LossOutput, LossParts, Targets};
pub use masking::{Masked, Masker, MaskingConfig, together};
#[cfg(feature = "torch")]
pub use observer::{Event, Flow, Observer, RunShape, Silent, StepReport};
#[cfg(feature = "torch")]
pub use optimizer::{AdamW, Gradients};
#[cfg(feature = "torch")]
pub use predict::{calibrate, predict};
pub use schedule::LinearWarmup;
pub use segment::{Segmenter, WordList};
#[cfg(feature = "torch")]
pub use trainer::{TrainReport, Trainer};
pub use usage::{GpuUsage, Sampler, Usage};
