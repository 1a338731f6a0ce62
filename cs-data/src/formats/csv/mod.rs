//! CSV and TSV.

mod cells;
mod record;
mod separator;
mod table;
mod writer;

pub use separator::Separator;
pub(crate) use table::Table;
pub(crate) use writer::TableWriter;
