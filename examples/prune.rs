//! Makes a trained transformer faster: removes the heads and neurons that matter least until it
//! takes a share of its latency, lets what is left recover, and writes a bundle.
//!
//! ```text
//! cargo run --release --example prune -- --train train.csv --columns text=text,intent=category \
//!     --test test.csv --model target/model --target-latency 0.35 --out target/pruned
//! ```
//!
//! What a part is worth is said by the loss's gradients on training rows, what it costs by a clock,
//! in int8 on one thread unless told otherwise. The rest is trained as `distill` does: by the
//! labels and by the answers of a teacher, which is the whole model unless `--teacher` names
//! another. Attention is not imitated, because heads that are gone have no counterpart.
//! `latency_ratio` is measured on the result. `quantize` takes it like any other bundle.
//! `DIR/pruned` is the model before it recovered; `--resume` goes on with that one, and it goes
//! with the checkpoints when the run has finished.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{
    DistillArgs, Interruptible, Outcome, Progress, PruneArgs, Pruner, TrainArgs, note, run,
};
use cs_train::recipe::Teaching;
use serde_json::json;

/// Make a trained transformer faster, and let it recover
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: TrainArgs,
    #[command(flatten)]
    prune: PruneArgs,
    /// Folder of the trained model to learn from; the whole model if left out
    #[arg(long, value_name = "DIR")]
    teacher: Option<PathBuf>,
    #[command(flatten)]
    how: DistillArgs,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let (common, how) = (&arguments.common, &arguments.how);
        let pruner = Pruner::open(&common.model, arguments.prune)?;
        let teacher = arguments.teacher.as_deref();
        let teacher = teacher.unwrap_or(pruner.bundle().dir());
        let mut teaching = Teaching::open(teacher, common.settings.device, how.config())?;
        let Some(data) = common.open()? else {
            return Ok(Outcome::Passed);
        };
        let out = &common.out.out.dir;
        how.ask(&mut teaching, common, &data.train)?;
        let recipe = common.recipe()?;
        let mut progress = Progress::default();
        let mut observer = Interruptible(&mut progress);
        let fitted = pruner.run(data.rows(), &teaching, &recipe, &mut observer)?;
        if fitted.report.interrupted {
            return common.interrupted(&fitted);
        }
        let mut summary = common.save(fitted, &data)?;
        let latencies = pruner.latencies(out, &data.train)?;
        pruner.clean(out);
        note(format_args!("{latencies}"));
        summary["latency_ratio"] = json!(latencies.ratio());
        common.report(&summary)?;
        Ok(Outcome::Passed)
    })
}
