//! Numbers as they lie on disk: how a matrix is quantised, stored and read back.

pub(crate) mod artefact;
pub(crate) mod equalise;
mod joined;
pub(crate) mod matrix;
pub(crate) mod scheme;
pub(crate) mod source;
