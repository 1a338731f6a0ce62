//! The engine on scripted backends: what is computed, when and by whom is the tests' to say.

mod answers;
mod ends;
mod faults;
mod line;
mod models;
mod stress;
mod swaps;
mod windows;
