//! How text is generated from a model's logits: what comes next, and when it ends. There are no
//! tensors here, so libtorch's and the native runtime share it; each is a [`Decoder`].
//!
//! A [`Generator`] checks a [`GenerateConfig`] once and continues any number of [`Prompt`]s with
//! it. What it gives for a prompt does not depend on the prompts beside it. Names, defaults, order
//! and arithmetic are those of Hugging Face `transformers` 5.24, so that both give the same tokens
//! for the same logits; only what is drawn by chance differs. Prompts that come one after the other,
//! with settings of their own, are continued together by a [`ContinuousBatch`] of [`Conversations`].
//!
//! ```
//! use cs_model::generate::{Decoder, GenerateConfig, Generator, Prompt};
//! use cs_model::{Matrix, Result};
//!
//! /// A model of ten words that says one more than it heard.
//! struct Counter;
//!
//! fn next(last: impl Iterator<Item = u32>) -> Matrix {
//!     let rows: Vec<_> = last.map(|token| (0..10).map(move |next| {
//!         if next == token + 1 { 1.0 } else { 0.0 }
//!     })).collect();
//!     Matrix { rows: rows.len(), cols: 10, data: rows.into_iter().flatten().collect() }
//! }
//!
//! impl Decoder for Counter {
//!     fn vocab_size(&self) -> usize { 10 }
//!     fn max_positions(&self) -> Option<usize> { None }
//!     fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix> {
//!         Ok(next(prompts.iter().filter_map(|prompt| prompt.last().copied())))
//!     }
//!     fn step(&mut self, tokens: &[u32]) -> Result<Matrix> { Ok(next(tokens.iter().copied())) }
//!     fn reorder(&mut self, _: &[usize]) -> Result<()> { Ok(()) }
//! }
//!
//! let config = GenerateConfig { eos_token_id: vec![9], ..Default::default() };
//! let generator = Generator::new(config, 10)?;
//! let prompts = [Prompt::new(&[1, 2, 3]), Prompt::new(&[7])];
//! let found = generator.run(&mut Counter, &prompts, &mut |_| ())?;
//! assert_eq!(found[0].tokens, [4, 5, 6, 7, 8, 9]);
//! assert_eq!(found[1].tokens, [8, 9]);
//! # Ok::<(), cs_model::Error>(())
//! ```

mod beams;
mod config;
mod constraint;
mod continuous;
mod decoder;
mod detokenizer;
mod file;
mod generation;
mod generator;
mod greedy;
mod latency;
mod prefix;
mod processors;
mod ranking;
mod sampling;
mod search;
mod speculation;
mod stop;
mod text;

pub use config::{EarlyStopping, GenerateConfig};
pub use constraint::Constraint;
pub use continuous::{Advance, BatchLimits, ContinuousBatch, Conversations, Ended, Page, Part};
pub use decoder::{Decoder, Likeliest, RowJob, Verifier};
pub use detokenizer::{Decode, Detokenizer};
pub use generation::Generation;
pub use generator::{Generator, Piece, Prompt};
pub use latency::Latency;
pub use prefix::{Prefix, common_prefix};
pub use sampling::Sampling;
pub use search::{Continuation, Finish};
pub use stop::StopStrings;
