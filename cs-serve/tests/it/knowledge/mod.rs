mod check;
mod graph;
mod linking;
mod questions;
mod value;
