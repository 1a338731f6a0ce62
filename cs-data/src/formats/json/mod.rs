//! JSON, a row a line or in one piece, in our shape or another.

mod classes;
mod cursor;
mod jsonl;
mod lines;
mod object;
mod path;
mod records;
mod row;
mod unmapped;
mod whole;
mod wrong;

pub(crate) use cursor::{Cursor, Kind};
pub(crate) use jsonl::{Jsonl, JsonlWriter};
pub(crate) use lines::{JsonLinesReader, needs_shape};
pub(crate) use path::{find, remove};
pub use records::RecordPath;
pub(crate) use records::Records;
pub(crate) use row::{Export, Shape};
pub(crate) use unmapped::Unmapped;
pub(crate) use whole::{JsonReader, JsonWriter};
pub(crate) use wrong::{Wrong, wrong};
