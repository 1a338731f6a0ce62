//! Looks at the machine: libtorch, CUDA, threads, the native runtime's kernel.
//!
//! ```text
//! cargo run --release --example doctor
//! ```
//!
//! Exit status 1 if something should be put right. Builds without libtorch too
//! (`-p cs-examples --no-default-features`) and then looks at what serving needs.

use std::process::ExitCode;

use clap::Parser;
use cs_examples::{Outcome, Output, examine, report, run};

/// Look for what this machine lacks
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let found = examine();
        report(arguments.output.json, &found)?;
        Ok(if found.problems.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed
        })
    })
}
