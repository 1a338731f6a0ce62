//! Labelled customer-service conversations: spans, IOB tags, tokenizers, packed batches, Arrow
//! datasets. No tensors.
//!
//! - [`Utterance`]: one turn with its labels. Offsets are bytes of UTF-8 in memory and Unicode
//!   scalar values in files and JSON; [`Offsets`] converts.
//! - [`Tokenizer`] gives an [`Encoding`]; [`align`](align()) puts a turn's spans on its subwords;
//!   [`TokenBatch`] lays encodings end to end without padding, as a [`BatchPlan`] cuts them.
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
pub mod augment;
#[cfg(feature = "arrow")]
pub mod dataset;
#[cfg(feature = "arrow")]
mod delimited;
pub mod edit;
pub mod error;
#[cfg(feature = "arrow")]
mod file;
#[cfg(feature = "arrow")]
pub mod format;
pub mod iob;
#[cfg(feature = "arrow")]
mod jsonl;
#[cfg(feature = "arrow")]
pub mod normalize;
pub mod offsets;
pub mod pack;
mod place;
mod random;
#[cfg(feature = "arrow")]
mod rows;
#[cfg(feature = "arrow")]
mod seq;
#[cfg(feature = "arrow")]
mod source;
pub mod tokenizer;
pub mod utterance;
mod wordpiece;

pub use align::{Alignment, Convention, Word, align};
#[cfg(feature = "arrow")]
pub use dataset::Dataset;
pub use edit::{Edit, EditError, Edits};
pub use error::{Error, IobError, Result, SpanError};
#[cfg(feature = "arrow")]
pub use format::{Columns, Format, ReadOptions};
#[cfg(feature = "arrow")]
pub use normalize::normalize;
pub use offsets::Offsets;
pub use pack::{BatchPlan, TokenBatch};
pub use tokenizer::{Encoding, Tokenizer};
pub use utterance::{MAX_TEXT_BYTES, SOURCE, Span, Turn, Utterance};
