//! Files of labelled rows, in and out.
//!
//! - [`Reader`] and [`Writer`] are the only ways in and out: streams in constant memory,
//!   strict or lenient; a file appears whole or not at all. [`ReadOptions`] and [`WriteOptions`] name
//!   the [`Format`].
//! - JSONL, CSV and TSV are cut into whole records that all cores parse in order (`blocks`);
//!   Parquet comes in columns; the others row by row (`read::RowReader`). `open` chooses the reader, by
//!   name, ending, or what the file shows (`sniff`); `input` decodes. Every format writes by
//!   `write::RowWriter`, and what it cannot hold is counted in [`Losses`].
//! - To add one: a reader and a writer in a file of its own, a variant of [`Format`], an arm in
//!   `open::file` and one in [`Writer::create`].

mod blocks;
mod cells;
mod check;
mod columns;
mod comments;
mod conll;
mod dataset;
mod delimited;
mod doccano;
mod input;
mod json;
mod json_classes;
mod json_cursor;
mod json_lines;
mod json_object;
mod json_path;
mod json_records;
mod json_row;
mod jsonl;
mod label_studio;
mod markup;
mod open;
mod options;
mod parquet_pages;
mod parquet_reader;
mod parquet_table;
mod parquet_writer;
mod partition;
mod rasa;
mod rasa_example;
mod rasa_json;
mod rasa_writer;
mod read;
mod reader;
mod record;
mod separator;
mod seq;
mod sniff;
mod table_writer;
mod text;
mod tool;
mod union;
mod unmapped;
mod write;
mod yaml;

pub use columns::Columns;
pub use input::Charset;
pub use json_records::RecordPath;
pub use options::{Format, ReadOptions, WriteOptions};
pub(crate) use rasa::{ATTRIBUTES, SECTIONS};
pub use read::MAX_LINE_BYTES;
pub use reader::Reader;
pub use separator::Separator;
pub use write::{Losses, Writer};
