//! Exports of programs for annotation.

mod doccano;
mod label_studio;
pub(crate) mod sniff;
pub(crate) mod tool;

pub(crate) use doccano::DoccanoWriter;
pub(crate) use label_studio::LabelStudioWriter;
pub(crate) use tool::{Entity, Tool};
