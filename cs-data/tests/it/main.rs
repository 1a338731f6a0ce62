//! The tests of the crate, a module for each module or room they are about.
#![allow(clippy::unwrap_used, reason = "helpers panic to report a failure too")]

#[cfg(feature = "arrow")]
mod audit;
#[cfg(feature = "arrow")]
mod augment;
mod batch;
mod common;
#[cfg(feature = "arrow")]
mod dataset;
mod file;
#[cfg(feature = "arrow")]
mod formats;
#[cfg(feature = "arrow")]
mod tagged;
mod tags;
mod text;
mod tokenizer;
