//! Files of labelled rows, in and out.
//!
//! - [`Reader`] and [`Writer`] are the only ways in and out: streams in constant memory, strict or
//!   lenient; a file appears whole or not at all. [`ReadOptions`] and [`WriteOptions`] say the
//!   [`Format`].
//! - JSONL, CSV and TSV are cut into whole records that all cores parse in order (`blocks`);
//!   Parquet comes in columns; the others row by row (`row_reader::RowReader`). `open` chooses the
//!   reader, by name, ending, or what the file shows (`sniff`); `input` decodes. Every
//!   format writes by `row_writer::RowWriter`, and what it cannot hold is counted in [`Losses`].
//! - To add one: ARCHITECTURE.md, "Where to change what".

mod annotation;
mod blocks;
mod check;
mod columns;
mod comments;
mod conll;
mod csv;
mod dataset;
mod folder;
mod format;
mod input;
mod json;
mod markup;
mod open;
mod options;
mod parquet;
mod rasa;
mod reader;
mod row_reader;
mod row_writer;
mod seq;
mod sniff;
mod span_fields;
mod text;
mod writer;

pub use columns::Columns;
pub use csv::Separator;
pub use format::Format;
pub use input::Charset;
pub use json::RecordPath;
pub use options::{ReadOptions, WriteOptions};
pub(crate) use rasa::{ATTRIBUTES, SECTIONS};
pub use reader::Reader;
pub use row_reader::MAX_LINE_BYTES;
pub use row_writer::Losses;
pub use writer::Writer;
