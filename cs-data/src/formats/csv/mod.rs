//! CSV and TSV.

mod cells;
mod header;
mod record;
mod separator;
mod table;
mod writer;

pub use separator::Separator;
pub(crate) use table::{Layout, Table};
pub(crate) use writer::TableWriter;
