//! The engine on scripted backends: the tests decide what is computed, when and by whom.

mod answers;
mod ends;
mod faults;
mod generation;
mod line;
pub(crate) mod models;
mod stress;
mod swaps;
mod windows;
