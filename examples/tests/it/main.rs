//! What the examples share, and what they say. Runs that signals stop, and pruning, which goes by a
//! clock, have processes of their own.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic, in its helpers too"
)]

mod check;
mod cli;
mod facts;
mod filter;
mod generate;
mod log;
mod mask;
mod play;
mod same;
mod serve;
mod serve_args;
mod serving;
mod support;
