//! Rasa's training data, in YAML and in its older JSON.

mod example;
pub(crate) mod json;
mod reader;
mod writer;

pub(crate) use json::{RasaExport, RasaJsonWriter};
pub(crate) use reader::{ATTRIBUTES, RasaReader, SECTIONS};
pub(crate) use writer::RasaWriter;
