mod check;
mod current;
#[cfg(feature = "sparql")]
mod endpoint;
mod graph;
mod import;
mod linking;
mod questions;
mod sparql;
mod value;
