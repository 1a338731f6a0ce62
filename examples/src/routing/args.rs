//! The arguments of `route`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Parser};
use cs_serve::RuntimeConfig;
use cs_serve::route::Budget;

use crate::cli::{DataArgs, Output};
use crate::number;

/// Fit the threshold between a light and a full model, and measure both as one
#[derive(Debug, Parser)]
#[command(group(ArgGroup::new("fit").required(true).args(["eval", "folds"])))]
pub struct RouteArgs {
    /// Folder of the light model
    #[arg(long, value_name = "DIR")]
    pub light: PathBuf,
    /// Folder of the full model
    #[arg(long, value_name = "DIR")]
    pub full: PathBuf,
    /// Labelled rows that neither model has learned from, to fit the threshold
    #[arg(long, value_name = "PATH")]
    pub eval: Option<PathBuf>,
    /// Folder of folders, each with the models `light` and `full` and the rows `eval.jsonl` that
    /// these have not learned from; the threshold is fitted to the rows of all
    #[arg(long, value_name = "DIR")]
    pub folds: Option<PathBuf>,
    /// Labelled rows that the requests are drawn from
    #[arg(long, value_name = "PATH")]
    pub test: PathBuf,
    /// How the rows are read.
    #[command(flatten)]
    pub format: DataArgs,
    /// Answers at most that the light model may lose, of those it gives
    #[arg(long, value_name = "SHARE", default_value_t = 0.005, value_parser = number::part)]
    pub max_loss: f64,
    /// Requests to measure with
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = number::positive)]
    pub requests: usize,
    /// How unequally the requests are spread over the rows: the n-th most frequent comes 1/n^Z
    /// times as often as the first; 0: equally
    #[arg(long, value_name = "Z", default_value_t = 1.1, value_parser = number::not_negative)]
    pub zipf: f64,
    /// Chooses the requests
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads of each model
    #[arg(long, default_value_t = 1, value_parser = number::positive)]
    pub threads: usize,
    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

impl RouteArgs {
    /// How much may be lost.
    pub fn budget(&self) -> Budget {
        Budget {
            max_loss: self.max_loss,
            ..Budget::default()
        }
    }

    /// How the models are computed.
    pub fn runtime(&self) -> RuntimeConfig {
        RuntimeConfig {
            threads: NonZeroUsize::new(self.threads),
            ..RuntimeConfig::default()
        }
    }
}
