//! The arguments of `route`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Parser};
use cs_data::file;
use cs_serve::RuntimeConfig;
use cs_serve::route::{Budget, FittedDistance, RouteConfig};

use super::outcomes::Pair;
use super::pairs::{DistanceFigures, UnseenFigures, fit_pairs};
use super::traffic::Requests;
use crate::cli::{DataArgs, Output};
use crate::error::{Error, Result};
use crate::number;
use crate::same::refuse_input;

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
    /// Answer no request from a cache
    #[arg(long)]
    pub no_cache: bool,
    /// Pairs of texts that ask the same and that do not, a JSON object a line, to learn which words
    /// may differ; without them the cache answers the same text alone
    #[arg(
        long,
        value_name = "FILE",
        requires = "held_out",
        conflicts_with = "no_cache"
    )]
    pub pairs: Option<PathBuf>,
    /// Other pairs, to fit the distance at which two texts ask the same
    #[arg(long, value_name = "FILE", requires = "pairs")]
    pub held_out: Option<PathBuf>,
    /// Further pairs that nothing is fitted to, to tell how many are taken to ask the same
    #[arg(long, value_name = "FILE", requires = "held_out")]
    pub unseen: Option<PathBuf>,
    /// File to write what was fitted to, for `serve --route`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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

    /// Draws the requests from so many rows.
    pub fn draw(&self, rows: usize) -> Requests {
        Requests::draw(rows, self.requests, self.zipf, self.seed)
    }

    /// Fits the distance of texts that ask the same, if there are pairs.
    ///
    /// # Errors
    ///
    /// Those of [`fit_pairs`].
    pub fn distance(&self, models: &Pair) -> Result<Option<FittedDistance>> {
        let files = self.pairs.as_deref().zip(self.held_out.as_deref());
        let fitted = files.map(|(fit, held_out)| fit_pairs(models, fit, held_out));
        fitted.transpose()
    }

    /// The figures of a fitted distance, also on the pairs that it was not fitted to.
    ///
    /// # Errors
    ///
    /// Those of [`UnseenFigures::of`].
    pub fn judge(&self, models: &Pair, fitted: &FittedDistance) -> Result<DistanceFigures> {
        let judge = |path| UnseenFigures::of(models, path, &fitted.semantic);
        let unseen = self.unseen.as_deref().map(judge).transpose()?;
        Ok(DistanceFigures::new(fitted, unseen))
    }

    /// Writes what was fitted, if it is to be.
    ///
    /// # Errors
    ///
    /// An `--out` that cannot be written, or that is one of the inputs.
    pub fn write(&self, config: &RouteConfig) -> Result<()> {
        let Some(path) = &self.out else {
            return Ok(());
        };
        let inputs = [&self.eval, &self.pairs, &self.held_out, &self.unseen]
            .into_iter()
            .flatten();
        let inputs: Vec<&Path> = inputs.chain([&self.test]).map(PathBuf::as_path).collect();
        refuse_input(path, &inputs)?;
        let json =
            serde_json::to_string_pretty(config).map_err(|error| Error::Stdout(error.into()))?;
        file::write(path, |out| writeln!(out, "{json}")).map_err(Error::io(path))
    }

    /// How the models are computed.
    pub fn runtime(&self) -> RuntimeConfig {
        RuntimeConfig {
            threads: NonZeroUsize::new(self.threads),
            ..RuntimeConfig::default()
        }
    }
}
