//! The tests of the crate, a module for each module or room they are about.
#![allow(clippy::unwrap_used, reason = "helpers panic to report a failure too")]

#[cfg(feature = "arrow")]
mod annotation;
#[cfg(feature = "arrow")]
mod audit;
#[cfg(feature = "arrow")]
mod augment;
#[cfg(feature = "arrow")]
mod broken_files;
#[cfg(feature = "arrow")]
mod columns;
#[cfg(feature = "arrow")]
mod conll;
mod core;
#[cfg(feature = "arrow")]
mod data;
#[cfg(feature = "arrow")]
mod dataset;
#[cfg(feature = "arrow")]
mod formats;
#[cfg(feature = "arrow")]
mod input;
#[cfg(feature = "arrow")]
mod json;
#[cfg(feature = "arrow")]
mod markup;
#[cfg(feature = "arrow")]
mod parquet;
mod plain;
#[cfg(feature = "arrow")]
mod rasa;
mod scheme;
mod steps;
mod tag_set;
#[cfg(feature = "arrow")]
mod tagged;
mod tokenizer;
mod trim;
