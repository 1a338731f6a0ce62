//! Fine-tuning of customer-service models with libtorch, and their evaluation in plain Rust.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`data`] | from labelled utterances to token ids and targets |
//! | [`evaluation`] | a model's answers against gold rows, and how sure it may be of them |
//! | [`metrics`] | the figures themselves, on labels, spans and numbers |
//! | [`report`] | everything about one evaluation, as JSON and as a page |
//! | [`schedule`] | the settings of a run, and what follows from them alone |
//! | [`tensorboard`] | event files |
//! | `objective` | what a run optimises: fine-tuning, masked words, distillation |
//! | `optim` | AdamW and what goes with it |
//! | `run` | the loop, its checkpoints, and who is told about it |
//! | `recipe` | the whole way, from rows to a bundle |
//! | `inference` | a libtorch model's answers for many rows |
//!
//! The last five need the feature `torch`, which is on by default. Without it no libtorch is
//! needed, and a service can still score its own answers. The crate prints nothing; warnings go to
//! `tracing`.
//!
#![cfg_attr(feature = "torch", doc = "```")]
#![cfg_attr(not(feature = "torch"), doc = "```ignore")]
//! use cs_data::{Tokenizer, Utterance};
//! use cs_model::{BiLstmConfig, Calibration, Device, EncoderConfig, Model};
//! use cs_train::data::{examples, tasks_of};
//! use cs_train::evaluation::{EvaluateOptions, evaluate};
//! use cs_train::inference::predict;
//! use cs_train::objective::FineTune;
//! use cs_train::run::{Silent, Trainer};
//! use cs_train::schedule::TrainConfig;
//!
//! let texts = [("where is my parcel", "status"), ("I want my money back", "refund")];
//! let rows = texts.map(|(text, intent)| Utterance::new(intent, text).with_intent(intent));
//! let tasks = tasks_of(&rows)?;
//! let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 200)?;
//! let encoder = EncoderConfig::from(BiLstmConfig {
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

pub mod data;
mod error;
pub mod evaluation;
pub mod metrics;
#[cfg(feature = "torch")]
pub mod recipe;
pub mod report;
mod run_lock;
pub mod schedule;
pub mod tensorboard;
#[cfg(feature = "torch")]
mod torch;
pub mod usage;

pub use error::{Error, Result};
pub use run_lock::RunLock;
#[cfg(feature = "torch")]
pub use torch::{inference, objective, optim, run};
