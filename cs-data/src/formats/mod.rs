//! Files of labelled rows, in and out.
//!
//! - [`Reader`] and [`Writer`] are the only ways in and out: streams in constant memory,
//!   strict or lenient; a file appears whole or not at all. [`ReadOptions`] and [`WriteOptions`] name
//!   the [`Format`].
//! - JSONL, CSV and TSV are cut into whole records that all cores parse in order (`blocks`);
//!   Parquet comes in columns; the others row by row (`read::RowReader`). Every format writes by
//!   `write::RowWriter`, and what it cannot hold is counted in [`Losses`].
//! - To add one: a reader and a writer in a file of its own, a variant of [`Format`], an arm in
//!   [`Reader::open`] and one in [`Writer::create`].

mod blocks;
mod cells;
mod check;
mod columns;
mod comments;
mod conll;
mod delimited;
mod json;
mod json_classes;
mod json_cursor;
mod json_lines;
mod json_object;
mod json_path;
mod json_records;
mod json_row;
mod jsonl;
mod markup;
mod options;
mod parquet_reader;
mod parquet_writer;
mod partition;
mod rasa;
mod rasa_example;
mod rasa_writer;
mod read;
mod reader;
mod record;
mod seq;
mod table_writer;
mod write;
mod yaml;

pub use columns::Columns;
pub use json_records::RecordPath;
pub use options::{Format, ReadOptions, WriteOptions};
pub use read::MAX_LINE_BYTES;
pub use reader::Reader;
pub use write::{Losses, Writer};
