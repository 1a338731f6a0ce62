mod check;
mod graph;
mod linking;
mod questions;
mod import;
mod value;
