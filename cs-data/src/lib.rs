//! Labelled customer-service conversations: spans, IOB tags, tokenizers, packed batches, Arrow
//! datasets. No tensors.
//!
//! - [`Utterance`]: one turn with its labels. Offsets are bytes of UTF-8 in memory and Unicode
//!   scalar values in files and JSON; [`Offsets`] converts.
//! - [`Tokenizer`] turns a text into an [`Encoding`], and a [`WordRule`] decides which tokens make
//!   up a word. [`TagSet`] tags the words by a turn's spans, in numbers; [`Scheme`] reads and
//!   writes tags as text. [`TokenBatch`] lays encodings end to end without padding, and a
//!   [`BatchPlan`] says which of them go together.
//! - [`Batches`] gives the steps of a run, from any step on.
//! - [`Dataset`] (feature `arrow`, on by default) has rows in Arrow memory. [`formats`] reads and
//!   writes files, with errors that say file, line and column; [`audit`] looks for what is wrong
//!   with the rows; [`augment`] makes more of them.
//!
//! ```
//! use cs_data::{BatchPlan, Scheme, Span, TagSet, TokenBatch, Tokenizer, Utterance};
//!
//! let row = Utterance::new("1", "查询订单12345").with_spans(vec![Span::new(12, 17, "order_id")]);
//! row.validate()?;
//!
//! let tokenizer = Tokenizer::train(["查询订单12345", "订单12345"].into_iter(), 60)?;
//! let encoding = tokenizer.encode(&row.text, 32)?;
//! let tags = TagSet::of_labels(["order_id"], Scheme::Iob2)?; // O, B-order_id, I-order_id
//! let aligned = tags.align(&encoding, &row.spans);
//! assert!(aligned.misaligned.is_empty());
//! assert_eq!(aligned.ids.iter().flatten().collect::<Vec<_>>(), [&0, &0, &0, &0, &1]);
//!
//! let plan = BatchPlan { max_tokens: 4096, max_sequences: 32, shuffle: Some(1) };
//! assert_eq!(plan.batches(&[encoding.ids.len()]), [[0]]);
//! let batch = TokenBatch::pack([encoding.ids.as_slice()]);
//! assert_eq!(batch.offsets, [0, 7]); // [CLS] 查 询 订 单 12345 [SEP]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "arrow")]
pub mod audit;
#[cfg(feature = "arrow")]
pub mod augment;
pub mod batch;
#[cfg(feature = "arrow")]
pub mod dataset;
pub mod error;
pub mod file;
#[cfg(feature = "arrow")]
pub mod formats;
pub mod random;
pub mod tags;
pub mod text;
pub mod tokenizer;

pub use batch::{BatchPlan, Batches, Step, TokenBatch};
#[cfg(feature = "arrow")]
pub use dataset::{Dataset, LabelCount, Quantiles, Sameness, SentimentProfile, Statistics, Tally};
pub use error::{Error, Result};
#[cfg(feature = "arrow")]
pub use formats::{
    Charset, Columns, Format, Losses, MAX_LINE_BYTES, ReadOptions, Reader, RecordPath, Separator,
    WriteOptions, Writer,
};
pub use random::SplitMix;
pub use tags::{IobError, MixedSchemes, Scheme, TagIds, TagSet};
#[cfg(feature = "arrow")]
pub use text::normalize;
pub use text::{
    Edit, EditError, Edits, MAX_TEXT_BYTES, Offsets, SOURCE, Span, SpanError, Turn, Utterance,
    whitespace_tokens,
};
pub use tokenizer::{Encoding, GgmlVocabulary, TokenBytes, Tokenizer, Word, WordRule};

/// The code of README.md runs.
#[cfg(all(doctest, feature = "arrow"))]
#[doc = include_str!("../README.md")]
struct Readme;
