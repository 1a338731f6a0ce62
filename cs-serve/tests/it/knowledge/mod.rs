mod check;
#[cfg(feature = "sparql")]
mod endpoint;
mod graph;
mod linking;
mod questions;
mod import;
mod value;
