//! What a candidate beside the model costs, and whether a roll-out outlasts `kill -9`, by the real `serve`.
//!
//! ```text
//! rollout load --serve target/release/examples/serve --model target/quickstart/int8 --share 0.4 --pairs 10
//! rollout kill --serve target/release/examples/serve --model target/quickstart/int8 --kills 500
//! ```
//!
//! The candidate is the model with another version. `load` measures the throughput of `POST /v1/chat` without a candidate, then
//! asks a service without and one with shadow and canary in turn, at a share of it; times count from when a turn was due.
//! `kill` holds conversations while the service is killed at random moments and started again, and now and then rolled
//! back. It fails if a conversation changes its model but by a rollback, if the roll-out stands elsewhere than it was said
//! to, or if the service does not start. Both print one JSON object. Texts are the shop's; run it in the repository.

mod kill;
mod load;
mod service;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use cs_benches::connection::Result;
use cs_benches::finish;

/// What a candidate costs, and whether its roll-out outlasts a kill
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Latency and throughput with a candidate beside the model, and without
    Load {
        #[command(flatten)]
        of: Of,
        /// Share of the throughput that is asked for
        #[arg(long, default_value_t = 0.4)]
        share: f64,
        /// Pairs of a stretch without and one with a candidate
        #[arg(long, default_value_t = 10)]
        pairs: usize,
        /// Length of a stretch
        #[arg(long, default_value_t = 20.0)]
        seconds: f64,
    },
    /// Kills at random moments under load
    Kill {
        #[command(flatten)]
        of: Of,
        /// How often it is killed
        #[arg(long, default_value_t = 500)]
        kills: usize,
        /// What chance follows from
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

#[derive(Debug, Args)]
struct Of {
    /// The program
    #[arg(long, value_name = "FILE")]
    serve: PathBuf,
    /// The model in charge
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Connections, each with one turn at a time
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

fn main() -> ExitCode {
    let figures = measure(Arguments::parse());
    finish(figures.map(|it| format!("{it:#}")))
}

fn measure(arguments: Arguments) -> Result<serde_json::Value> {
    match arguments.what {
        What::Load {
            of,
            share,
            pairs,
            seconds,
        } => {
            let is_positive = |it: f64| it > 0.0 && it.is_finite();
            if !is_positive(share) || !is_positive(seconds) || pairs == 0 || of.connections == 0 {
                return Err(
                    "--share, --seconds, --pairs, --connections: expected more than 0".into(),
                );
            }
            load::Load::new(&of, seconds)?.run(share, pairs)
        }
        What::Kill { of, kills, seed } => kill::run(&of, kills, seed),
    }
}
