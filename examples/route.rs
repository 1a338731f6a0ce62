//! A light and a full model as one: fits the threshold of confidence above which the light one
//! answers, and measures what that saves.
//!
//! ```text
//! cargo run --release --example route -p cs-examples --no-default-features -- --light models/light \
//!     --full models/full --eval validation.jsonl --test test.jsonl --json
//! ```
//!
//! The threshold is the lowest at which, with a probability of 95 %, the light model loses at most
//! `--max-loss` of the answers that it gives: is wrong where the full one is right. The rows to fit
//! it to have to be new to both models, and some thousands. Where training has used all there are,
//! folds of it serve, each with models of its own, which `--folds` reads:
//!
//! ```text
//! convert --input train.jsonl --output folds --folds 5     # folds/0/train.jsonl, folds/0/eval.jsonl …
//! train   --train folds/0/train.jsonl --holdout 0 --model DIR --out folds/0/full
//! distill --train folds/0/train.jsonl --holdout 0 --teacher folds/0/full --model light --out folds/0/light
//! route   --light models/light --full models/full --folds folds --test test.jsonl
//! ```
//!
//! `--pairs` and `--held-out` (the example `pairs` makes some) also fit a cache that answers texts
//! which ask the same as an earlier one, and `--unseen` judges it by further ones; without them it
//! answers the same text, and with `--no-cache` there is none. `--out` writes what was fitted, for `serve --route`.
//!
//! Requests are drawn from `--test` and answered one after the other. Accuracies are those of the
//! likeliest intent, and like the times means over the requests; `saving` is what the mean time is
//! less than the full model's, and `mean_ms_full_cached` the full model's behind a cache of its own.
//! Builds without libtorch.

use std::process::ExitCode;

use cs_examples::routing::{Cascades, Figures, FullCached, Pair, RouteArgs, Rows, outcomes_of};
use cs_examples::{Error, Outcome, Result, note, report, run};
use cs_serve::route::{CacheConfig, Cascade, FittedThreshold, Policy, RouteConfig, fit_threshold};

fn main() -> ExitCode {
    run(|arguments: RouteArgs| {
        let pair = Pair::open(&arguments.light, &arguments.full, &arguments.runtime())?;
        let rows = Rows::open(&arguments.test, &arguments.format, &pair.light)?;
        let fitted = fit(&arguments, &pair)?;
        note(format_args!(
            "of {} rows that the light model would have answered, {} are lost",
            fitted.kept, fitted.losses
        ));
        let mut config = RouteConfig {
            policy: Policy {
                threshold: fitted.threshold,
                ..Policy::default()
            },
            cache: None,
            ..RouteConfig::default()
        };
        let uncached = Cascade::of(&config);
        let distance = arguments.distance(&pair)?;
        config.cache = (!arguments.no_cache).then(|| CacheConfig {
            semantic: distance.as_ref().map(|fitted| fitted.semantic.clone()),
            ..CacheConfig::default()
        });
        let cascades = Cascades {
            own: &Cascade::of(&config),
            uncached: &uncached,
        };
        let requests = arguments.draw(rows.len());
        let figures = Figures::measure(cascades, fitted, &pair, &rows, &requests)?;
        let behind_cache = || FullCached::measure(&pair, &rows, &requests);
        let full_cached = config.cache.as_ref().map(|_| behind_cache()).transpose()?;
        arguments.write(&config)?;
        let judged = distance.map(|fitted| arguments.judge(&pair, &fitted));
        let figures = figures.with(full_cached, judged.transpose()?);
        report(arguments.output.json, &figures)?;
        Ok(Outcome::Passed)
    })
}

fn fit(arguments: &RouteArgs, pair: &Pair) -> Result<FittedThreshold> {
    let outcomes = outcomes_of(arguments, pair, Policy::default())?;
    let fitted = fit_threshold(&outcomes, arguments.budget());
    fitted.map_err(|error| {
        let rows = arguments.eval.as_ref().or(arguments.folds.as_ref());
        Error::Fit {
            path: rows.cloned().unwrap_or_default(),
            source: error,
        }
    })
}
