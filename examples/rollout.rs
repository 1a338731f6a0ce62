//! A candidate in a model's place, step by step: how long it takes, and whether it goes on or back.
//!
//! ```text
//! cargo run --release --example rollout -p cs-examples --no-default-features -- \
//!     --simulate drop=0.1,rated=0.1,satisfaction=0.8 --json                     # a roll-out
//! cargo run --release --example rollout -p cs-examples --no-default-features -- \
//!     --simulate drop=0,rated=0.1 --runs 1000 --json                            # how a thousand end
//! cargo run --release --example rollout -p cs-examples --no-default-features -- \
//!     --stable models/full --candidate models/new --traffic traffic.jsonl --state rollout/ --json
//! ```
//!
//! The plan comes first: for each step `share, conversations, ratings, days` within which a candidate that is worse by
//! `--max-drop` is caught in 95 of 100 cases, and those within which one that is no worse passes. Then traffic goes through the
//! roll-out on a virtual clock. Recorded traffic is JSONL, a turn a line in the order of time; both models understand
//! each text, conversations are rated as they were, and how the answers compare is in `shadow`. With `--state` it goes on where
//! it was, after `played_before` turns, of which `shadow` knows nothing. It ends `promoted`, `rolled-back` or `waiting`.

use std::process::ExitCode;

use clap::Parser;
use cs_examples::rolling::{Played, Replay, RolloutArgs, Runs, Simulate, Talks};
use cs_examples::{
    BackendKind, Error, LengthArgs, Outcome, Output, Result, note, open, print, print_json, run,
};
use cs_serve::rollout::{Candidates, Plan, PlannedStep};
use serde::Serialize;

/// Put a candidate in a model's place, step by step, and back if it is worse
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    rollout: RolloutArgs,
    #[command(flatten)]
    output: Output,
}

/// The output of a roll-out.
#[derive(Serialize)]
struct Told {
    plan: Vec<PlannedStep>,
    #[serde(flatten)]
    played: Played,
}

/// The output of many.
#[derive(Serialize)]
struct ManyTold {
    plan: Vec<PlannedStep>,
    #[serde(flatten)]
    runs: Runs,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let it = &arguments.rollout;
        match (&it.simulate, it.runs) {
            (Some(simulate), Some(runs)) => {
                let plan = planned(&it.planned(&simulate.traffic())?);
                let runs = Runs::play(it, simulate, runs)?;
                if arguments.output.json {
                    print_json(&ManyTold { plan, runs })?;
                } else {
                    print(format_args!(
                        "of {} roll-outs {} were rolled back, {} promoted, {} waited; ratings until then: median {}, 95 % {}",
                        runs.runs,
                        runs.rolled_back,
                        runs.promoted,
                        runs.waiting,
                        runs.ratings_median,
                        runs.ratings_p95
                    ))?;
                }
            }
            (Some(simulate), None) => show(simulated(it, simulate)?, arguments.output)?,
            (None, _) => show(recorded(it)?, arguments.output)?,
        }
        Ok(Outcome::Passed)
    })
}

fn simulated(arguments: &RolloutArgs, simulate: &Simulate) -> Result<Told> {
    let plan = planned(&arguments.planned(&simulate.traffic())?);
    let models = Candidates {
        stable: "stable",
        candidate: "candidate",
    };
    let state = arguments.state.as_deref();
    let replay = Replay::open(state, &models, &arguments.config()?, arguments.seed)?;
    let played = replay.simulate(simulate, arguments.days, arguments.seed)?;
    Ok(Told { plan, played })
}

fn recorded(arguments: &RolloutArgs) -> Result<Told> {
    let (Some(stable), Some(candidate), Some(traffic)) =
        (&arguments.stable, &arguments.candidate, &arguments.traffic)
    else {
        return Err(Error::Usage(
            "expected --stable, --candidate and --traffic".to_owned(),
        ));
    };
    let talks = Talks::open(traffic)?;
    let plan = arguments.planned(&talks.traffic())?;
    let models =
        [stable, candidate].map(|dir| open(dir, BackendKind::Native, LengthArgs::default()));
    let [stable, candidate] = models;
    let (stable, candidate) = (stable?, candidate?);
    let version = |model: &cs_serve::Assistant| {
        model
            .bundle()
            .version()
            .unwrap_or("without a version")
            .to_owned()
    };
    let (stable_version, candidate_version) = (version(&stable), version(&candidate));
    let versions = Candidates {
        stable: &stable_version,
        candidate: &candidate_version,
    };
    let state = arguments.state.as_deref();
    let replay = Replay::open(state, &versions, &arguments.config()?, arguments.seed)?;
    let plan = planned(&plan);
    let played = replay.record(&talks.0, [&stable, &candidate])?;
    Ok(Told { plan, played })
}

/// Tells the plan before anything begins.
fn planned(plan: &Plan) -> Vec<PlannedStep> {
    for step in &plan.steps {
        note(format_args!(
            "{} %: a bad candidate is caught within {} conversations ({} of its ratings, {:.1} days), a good one passes within {} ({:.1} days)",
            step.share * 100.0,
            step.conversations,
            step.ratings,
            step.days,
            step.passes_within,
            step.passes_within_days
        ));
    }
    plan.steps.clone()
}

fn show(told: Told, output: Output) -> Result<()> {
    if output.json {
        return print_json(&told);
    }
    print(format_args!(
        "{}, after {} decisions",
        told.played.ending,
        told.played.events.len()
    ))
}
