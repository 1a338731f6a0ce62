//! Labelled customer-service conversations: spans, IOB tags, tokenizers, packed batches, Arrow
//! datasets. No tensors.
//!
//! - [`Utterance`]: one turn with its labels. Offsets are bytes of UTF-8 in memory and Unicode
//!   scalar values in files and JSON; [`Offsets`] converts.
//! - [`Tokenizer`] gives an [`Encoding`]; [`align`](align()) puts a turn's spans on its subwords;
//!   [`TokenBatch`] lays encodings end to end without padding, as a [`BatchPlan`] cuts them.
//! - [`Batches`] are the steps of a run from any step on, [`Prefetch`] makes them ahead;
//!   [`Scheme`] reads and writes tags, [`TagSet`] numbers them.
//! - [`Dataset`] (feature `arrow`, on by default): rows in Arrow memory. [`formats`] reads and writes
//!   files, with errors that name file, line and column; [`audit`] looks for what is wrong with the
//!   rows; [`augment`] makes more of them.
//!
//! ```
//! use cs_data::{Alignment, BatchPlan, Convention, Span, TokenBatch, Tokenizer, Utterance, align};
//!
//! let row = Utterance::new("1", "查询订单12345").with_spans(vec![Span::new(12, 17, "order_id")]);
//! row.validate()?;
//!
//! let tokenizer = Tokenizer::train(["查询订单12345", "订单12345"].into_iter(), 60)?;
//! let encoding = tokenizer.encode(&row.text, 32)?;
//! let Alignment { tags, misaligned } = align(&encoding, &row.spans, Convention::FirstSubword);
//! assert!(misaligned.is_empty());
//! assert_eq!(tags.iter().flatten().collect::<Vec<_>>(), ["O", "O", "O", "O", "B-order_id"]);
//!
//! let plan = BatchPlan { max_tokens: 4096, max_sequences: 32, shuffle: Some(1) };
//! assert_eq!(plan.batches(&[encoding.ids.len()]), [[0]]);
//! let batch = TokenBatch::pack([encoding.ids.as_slice()]);
//! assert_eq!(batch.offsets, [0, 7]); // [CLS] 查 询 订 单 12345 [SEP]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod align;
#[cfg(feature = "arrow")]
pub mod audit;
#[cfg(feature = "arrow")]
pub mod augment;
pub mod batches;
#[cfg(feature = "arrow")]
pub mod dataset;
mod detect;
pub mod edit;
pub mod error;
#[cfg(feature = "arrow")]
mod file;
#[cfg(feature = "arrow")]
pub mod formats;
pub mod iob;
#[cfg(feature = "arrow")]
pub mod normalize;
pub mod offsets;
pub mod pack;
mod place;
pub mod prefetch;
mod random;
#[cfg(feature = "arrow")]
mod rows;
#[cfg(feature = "arrow")]
mod sample;
pub mod scheme;
#[cfg(feature = "arrow")]
mod source;
#[cfg(feature = "arrow")]
mod split;
#[cfg(feature = "arrow")]
pub mod statistics;
pub mod tags;
pub mod tokenizer;
mod trim;
pub mod utterance;
mod wordpiece;
#[cfg(feature = "arrow")]
mod words;

pub use align::{Alignment, Convention, Word, align};
pub use batches::{Batches, Step};
#[cfg(feature = "arrow")]
pub use dataset::Dataset;
pub use edit::{Edit, EditError, Edits};
pub use error::{Error, IobError, MixedSchemes, Result, SpanError};
#[cfg(feature = "arrow")]
pub use formats::{
    Columns, Format, Losses, MAX_LINE_BYTES, ReadOptions, Reader, RecordPath, WriteOptions, Writer,
};
#[cfg(feature = "arrow")]
pub use normalize::normalize;
pub use offsets::Offsets;
pub use pack::{BatchPlan, TokenBatch};
pub use prefetch::Prefetch;
pub use random::SplitMix;
#[cfg(feature = "arrow")]
pub use sample::Sameness;
pub use scheme::Scheme;
#[cfg(feature = "arrow")]
pub use statistics::{LabelCount, Quantiles, SentimentProfile, Statistics, Tally};
pub use tags::{TagIds, TagSet};
pub use tokenizer::{Encoding, Tokenizer};
pub use utterance::{MAX_TEXT_BYTES, SOURCE, Span, Turn, Utterance};

/// The code of README.md runs.
#[cfg(all(doctest, feature = "arrow"))]
#[doc = include_str!("../README.md")]
struct Readme;
