//! Exports of programs for annotation.

pub(crate) mod doccano;
pub(crate) mod entity;
pub(crate) mod label_studio;

pub(crate) use doccano::{Doccano, DoccanoWriter};
pub(crate) use label_studio::{LabelStudio, LabelStudioWriter};
