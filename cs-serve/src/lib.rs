//! Answers from a customer-service model: intent, entities and sentiment of a turn, through a small
//! API and without libtorch.
//!
//! - [`Assistant`] is what a service holds: [`Assistant::open`] a model's folder, then
//!   [`Assistant::understand`] texts.
//! - [`Backend`] is what computes the numbers: [`NativeBackend`] (int8 or fp32 on the CPU, the
//!   default), `TorchBackend` (libtorch, with the feature `torch`), or your own.
//! - [`Understanding`] is the answer, and serialises to JSON.
//! - [`GenerationBackend`] is what continues conversations: cs-quant's decoders, or your own.
//! - `engine` (feature `engine`) answers many callers at once: a bounded queue, batches, deadlines;
//!   `engine::generation` writes texts for them, token by token.
//! - `safety` (feature `safety`) finds what may not be said, and masks personal data: `safety::words`,
//!   `safety::meaning`, `safety::personal`.
//! - `log` (feature `log`) keeps conversations from which personal data are masked.
//! - `route` (feature `route`) answers from a light model what it is sure of, and asks a full one
//!   else.
//! - `knowledge` (feature `knowledge`) knows facts, and holds replies against them: `knowledge::check`.
//! - `reply` and `dialogue` (feature `dialogue`) hold conversations: replies that say where they come
//!   from, flows that ask for what is missing, and sessions.
//! - `rollout` (feature `rollout`) puts another model in a model's place, step by step, and back if it is worse.
//! - `http` (feature `http`) is the engine as an HTTP service: an axum router, and a server for it.
//!
//! This is how it works, with a test double instead of the weights:
//!
//! ```
//! use cs_data::{Scheme, TagSet, Tokenizer};
//! use cs_model::{BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, Tasks};
//! use cs_model::{HeadOutput, Matrix};
//! use cs_serve::{Assistant, ScriptedBackend};
//!
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let tokenizer = Tokenizer::train(["查询订单 12345", "where is my order"].into_iter(), 200)?;
//! let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..Default::default() };
//! let tasks = Tasks {
//!     intent: Some(vec!["order_status".into(), "refund".into()]),
//!     slots: Some(TagSet::of_labels(["order_id"], Scheme::Iob2)?),
//!     ..Default::default()
//! };
//! let mut writer = BundleWriter::new(dir)?;
//! writer.write("config.json", &EncoderConfig::from(config).to_json()?)?;
//! writer.write("tokenizer.json", &tokenizer.to_json()?)?;
//! writer.finish(Manifest::new(tasks, 32))?;
//!
//! // Sure of the first intent, and that the last word is an order's number.
//! let number = tokenizer.encode("12345", 32)?.ids[1];
//! let backend = ScriptedBackend::new(move |batch| {
//!     let mut slots = Matrix::zeros(batch.tokens(), 3);
//!     for (token, &id) in batch.ids.iter().enumerate() {
//!         slots.row_mut(token)[usize::from(id == number)] = 10.0;
//!     }
//!     let intent = Matrix::new(batch.sequences(), 2, [10.0, 0.0].repeat(batch.sequences()))?;
//!     Ok(HeadOutput { intent: Some(intent), slots: Some(slots), ..HeadOutput::default() })
//! });
//!
//! let assistant = Assistant::new(Bundle::open(dir)?, Box::new(backend))?;
//! let turn = assistant.understand("查询订单 12345")?;
//! assert_eq!(turn.intent.as_ref().unwrap().label, "order_status");
//! let order = &turn.entities[0];
//! assert_eq!((order.label.as_str(), order.text.as_str()), ("order_id", "12345"));
//! assert_eq!((order.start, order.end), (5, 10)); // characters
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assistant;
mod backend;
#[cfg(feature = "dialogue")]
pub mod dialogue;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "knowledge")]
pub mod knowledge;
#[cfg(any(feature = "knowledge", feature = "route", feature = "safety"))]
mod letters;
#[cfg(feature = "log")]
pub mod log;
#[cfg(any(
    feature = "engine",
    feature = "log",
    feature = "rollout",
    feature = "route"
))]
mod millis;
#[cfg(feature = "dialogue")]
pub mod reply;
#[cfg(feature = "rollout")]
pub mod rollout;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "safety")]
pub mod safety;

pub use assistant::Assistant;
pub use backend::{Backend, GenerationBackend, NativeBackend, ScriptedBackend, ScriptedGeneration};
pub use cs_model::{Entity, HeadOutput, Intent, Understanding};
pub use cs_quant::RuntimeConfig;
#[cfg(feature = "redis")]
pub use error::CacheError;
#[cfg(feature = "engine")]
pub use error::EngineError;
#[cfg(feature = "route")]
pub use error::FitError;
#[cfg(feature = "http")]
pub use error::HttpError;
pub use error::{BackendError, Error, Result};
#[cfg(feature = "torch")]
pub use {backend::TorchBackend, cs_model::Device};
