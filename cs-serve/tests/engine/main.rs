//! The engine on scripted backends: what is computed, when and by whom is the tests' to say.

#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure report"
)]

mod answers;
mod ends;
mod faults;
mod line;
mod models;
mod stress;
mod swaps;
mod windows;
