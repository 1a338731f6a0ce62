//! Labelled customer-service conversations: spans, IOB tags, tokenizers, packed batches, Arrow
//! datasets. No tensors.
//!
//! - [`Utterance`]: one turn with its labels. Offsets are bytes of UTF-8 in memory and Unicode
//!   scalar values in files and JSON; [`Offsets`] converts.
//! - [`Tokenizer`] gives an [`Encoding`]; [`align`](align()) puts a turn's spans on its subwords;
//!   [`TokenBatch`] lays encodings end to end without padding, as a [`BatchPlan`] cuts them.
//! - [`Batches`] are the steps of a run from any step on, [`Prefetch`] makes them ahead;
//!   [`Scheme`] reads and writes tags, [`TagSet`] numbers them.
//! - [`Dataset`] (feature `arrow`, on by default): rows in Arrow memory, read from JSON Lines, CSV,
//!   TSV or the `seq.in`/`seq.out`/`label` form, with errors that name file, line and column.
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
mod blocks;
#[cfg(feature = "arrow")]
mod cells;
#[cfg(feature = "arrow")]
mod comments;
#[cfg(feature = "arrow")]
mod conll;
#[cfg(feature = "arrow")]
pub mod dataset;
#[cfg(feature = "arrow")]
mod delimited;
mod detect;
pub mod edit;
pub mod error;
#[cfg(feature = "arrow")]
mod file;
#[cfg(feature = "arrow")]
pub mod format;
pub mod iob;
#[cfg(feature = "arrow")]
mod json;
#[cfg(feature = "arrow")]
mod json_cursor;
#[cfg(feature = "arrow")]
mod json_object;
#[cfg(feature = "arrow")]
mod json_records;
#[cfg(feature = "arrow")]
mod json_row;
#[cfg(feature = "arrow")]
mod jsonl;
#[cfg(feature = "arrow")]
mod markup;
#[cfg(feature = "arrow")]
pub mod normalize;
pub mod offsets;
pub mod pack;
#[cfg(feature = "arrow")]
mod parquet_reader;
#[cfg(feature = "arrow")]
mod parquet_writer;
#[cfg(feature = "arrow")]
mod partition;
mod place;
pub mod prefetch;
mod random;
#[cfg(feature = "arrow")]
mod rasa;
#[cfg(feature = "arrow")]
mod rasa_example;
#[cfg(feature = "arrow")]
mod rasa_writer;
#[cfg(feature = "arrow")]
pub mod read;
#[cfg(feature = "arrow")]
pub mod reader;
#[cfg(feature = "arrow")]
mod record;
#[cfg(feature = "arrow")]
mod rows;
#[cfg(feature = "arrow")]
mod sample;
pub mod scheme;
#[cfg(feature = "arrow")]
mod script;
#[cfg(feature = "arrow")]
mod seq;
#[cfg(feature = "arrow")]
mod source;
#[cfg(feature = "arrow")]
mod split;
#[cfg(feature = "arrow")]
pub mod statistics;
#[cfg(feature = "arrow")]
mod table_writer;
pub mod tags;
pub mod tokenizer;
pub mod utterance;
mod wordpiece;
#[cfg(feature = "arrow")]
mod words;
#[cfg(feature = "arrow")]
pub mod write;
#[cfg(feature = "arrow")]
mod yaml;

pub use align::{Alignment, Convention, Word, align};
pub use batches::{Batches, Step};
#[cfg(feature = "arrow")]
pub use dataset::Dataset;
pub use edit::{Edit, EditError, Edits};
pub use error::{Error, IobError, MixedSchemes, Result, SpanError};
#[cfg(feature = "arrow")]
pub use format::{Columns, Format, ReadOptions, WriteOptions};
#[cfg(feature = "arrow")]
pub use json_records::RecordPath;
#[cfg(feature = "arrow")]
pub use normalize::normalize;
pub use offsets::Offsets;
pub use pack::{BatchPlan, TokenBatch};
pub use prefetch::Prefetch;
#[cfg(feature = "arrow")]
pub use read::MAX_LINE_BYTES;
#[cfg(feature = "arrow")]
pub use reader::Reader;
#[cfg(feature = "arrow")]
pub use sample::Sameness;
pub use scheme::Scheme;
#[cfg(feature = "arrow")]
pub use statistics::{LabelCount, Quantiles, SentimentProfile, Statistics, Tally};
pub use tags::{TagIds, TagSet};
pub use tokenizer::{Encoding, Tokenizer};
pub use utterance::{MAX_TEXT_BYTES, SOURCE, Span, Turn, Utterance};
#[cfg(feature = "arrow")]
pub use write::{Losses, Writer};
