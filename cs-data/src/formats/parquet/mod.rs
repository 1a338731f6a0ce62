//! Parquet: files, and folders partitioned by a column.

mod cells;
mod pages;
mod partition;
mod reader;
mod table;
mod writer;

pub(crate) use partition::has_parquet;
pub(crate) use reader::ParquetReader;
pub(crate) use writer::{ParquetWriter, Partitioned};
