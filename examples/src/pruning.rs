//! Pruning as the examples do it: a trained transformer in, a faster one out that has recovered.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use cs_data::{Dataset, Utterance, file};
use cs_model::Bundle;
use cs_quant::{
    NativeModel, Precision, PruneConfig, PruneReport, RuntimeConfig, is_own_folder, latencies,
    prune_to_latency, single_batches,
};
use cs_train::evaluation::unlabelled_heads;
use cs_train::recipe::{Fitted, Recipe, Rows, Start, Teaching, checkpoints, importance};
use cs_train::run::Observer;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::{Error, Result};
use crate::gate::texts_of;
use crate::lines::note_cut;
use crate::number;
use crate::run::note;

/// In the folder to write: the model as pruned, and how it was.
const PRUNED: &str = "pruned";
const RECORD: &str = "pruning.json";
const RECORD_VERSION: u32 = 1;

/// How far a model is pruned.
#[derive(Debug, Clone, Copy, Args)]
pub struct PruneArgs {
    /// Share of the model's latency that may remain
    #[arg(long, value_name = "SHARE", default_value_t = 0.35, value_parser = number::part)]
    pub target_latency: f64,
    /// What latency is measured in
    #[arg(long, value_name = "int8|fp32", default_value = "int8", value_parser = precision)]
    pub latency_precision: Precision,
    /// Threads it is measured with
    #[arg(long, default_value = "1")]
    pub threads: NonZeroUsize,
}

/// `auto` would compare an int8 artefact with what has none.
fn precision(text: &str) -> Result<Precision, String> {
    match text.parse() {
        Ok(Precision::Auto) | Err(_) => Err(format!("{text:?}, expected int8 or fp32")),
        Ok(precision) => Ok(precision),
    }
}

/// A trained model that is to become faster.
#[derive(Debug)]
pub struct Pruner {
    bundle: Bundle,
    config: PruneConfig,
}

/// How a model was pruned. A run that goes on takes the model as it was pruned before: latency is
/// measured, so that pruning anew could give other sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    format_version: u32,
    /// Sum of the whole model's weights.
    model: String,
    target_latency: f64,
    latency_precision: String,
    threads: usize,
    report: PruneReport,
}

/// Milliseconds a text of two models, medians, taken in turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latencies {
    /// Of the whole model.
    pub before: f64,
    /// Of the pruned one.
    pub after: f64,
}

impl Latencies {
    /// The second over the first.
    pub fn ratio(&self) -> f64 {
        self.after / self.before
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after } = self;
        let percent = 100.0 * self.ratio();
        write!(f, "{before:.3} ms a text, now {after:.3}: {percent:.1} %")
    }
}

impl Pruner {
    /// Opens the model and checks the settings.
    ///
    /// # Errors
    ///
    /// A model without heads for a task, or one that is no transformer; a setting out of range.
    pub fn open(model: &Start, args: PruneArgs) -> Result<Self> {
        let (Start::Folder(folder) | Start::Trained(folder)) = model else {
            let line = "--model: light and mini have yet to be trained, expected a trained model";
            return Err(Error::Usage(line.to_owned()));
        };
        let bundle = Bundle::open(folder)?;
        let unfit = |found: String, expected| Error::Unfit {
            path: folder.clone(),
            found,
            expected,
        };
        if bundle.tasks().is_empty() {
            let found = "a model without heads".to_owned();
            return Err(unfit(found, "a model trained for a task"));
        }
        if bundle.config().stack().is_none() {
            let found = format!("a {} model", bundle.config().model_type());
            let expected = "a transformer, which has heads and neurons to prune";
            return Err(unfit(found, expected));
        }
        let config = PruneConfig {
            target_latency: args.target_latency,
            runtime: RuntimeConfig {
                threads: Some(args.threads),
                precision: args.latency_precision,
                ..RuntimeConfig::default()
            },
            ..PruneConfig::default()
        };
        config.validate()?;
        Ok(Self { bundle, config })
    }

    /// The whole model.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Prunes the model to the recipe's folder/pruned and trains what is left, by its labels and by
    /// the teacher's answers. Else as [`Recipe::fit`].
    ///
    /// # Errors
    ///
    /// A teacher with other labels; a target out of reach; the folder being the model's own; a run
    /// to go on from that had another model or target; as [`Recipe::fit`].
    pub fn run(
        &self,
        rows: Rows,
        teaching: &Teaching,
        recipe: &Recipe,
        observer: &mut dyn Observer,
    ) -> Result<Fitted> {
        let out = &recipe.out;
        teaching.teacher.check_labels(self.bundle.tasks())?;
        let config = recipe.settings.train_config(self.bundle.config());
        config.validate()?;
        self.check_out(out)?;
        let record = match recipe.settings.resume {
            true => self.earlier(out)?,
            false => None,
        };
        let record = match record {
            Some(record) => record,
            None => self.prune(&rows.train, recipe)?,
        };
        let PruneReport { heads, neurons, .. } = &record.report;
        note(format_args!(
            "heads left in each layer {heads:?}, neurons {neurons:?}"
        ));
        let recovery = Recipe {
            start: Start::Trained(out.join(PRUNED)),
            ..recipe.clone()
        };
        let fitted = recover(&recovery, rows, teaching, observer);
        let mut fitted = fitted.inspect_err(|_| forget(out))?;
        fitted.note_setting("pruning", json!(record));
        Ok(fitted)
    }

    /// Removes the model as it was before it recovered, which only a run that goes on needs: once
    /// the checkpoints are gone, there is none.
    pub fn clean(&self, out: &Path) {
        forget(out);
    }

    fn check_out(&self, out: &Path) -> Result<()> {
        if !is_own_folder(&self.bundle, out) {
            return Ok(());
        }
        Err(Error::Unfit {
            path: out.to_owned(),
            found: "the folder of the model to prune".to_owned(),
            expected: "another folder to write",
        })
    }

    fn prune(&self, rows: &[Utterance], recipe: &Recipe) -> Result<Record> {
        for head in unlabelled_heads(rows, self.bundle.tasks()) {
            note(format_args!(
                "warning: no training row is labelled for the {head} head, so that what it needs may be pruned"
            ));
        }
        let importance = importance(&self.bundle, rows, recipe.settings.device)?;
        let texts = single_batches(&self.bundle, &texts_of(rows))?;
        let folder = recipe.out.join(PRUNED);
        remove(&folder.join(RECORD))?;
        let report = prune_to_latency(&self.bundle, &folder, &importance, &texts, &self.config)?;
        let record = self.record(report);
        write(&folder.join(RECORD), &record)?;
        Ok(record)
    }

    fn record(&self, report: PruneReport) -> Record {
        let files = self.bundle.manifest().map(|manifest| &manifest.files);
        let weights = files.and_then(|files| files.get(Bundle::WEIGHTS));
        let runtime = &self.config.runtime;
        Record {
            format_version: RECORD_VERSION,
            model: weights.map(|sum| sum.sha256.clone()).unwrap_or_default(),
            target_latency: self.config.target_latency,
            latency_precision: runtime.precision.to_string(),
            threads: runtime.threads.map_or(0, NonZeroUsize::get),
            report,
        }
    }

    /// What an earlier run pruned, if there was one.
    fn earlier(&self, out: &Path) -> Result<Option<Record>> {
        let path = out.join(PRUNED).join(RECORD);
        if !path.exists() {
            return Ok(None);
        }
        let unfit = |found: String| Error::Unfit {
            path: path.clone(),
            found,
            expected: "a run with the same model and settings, or none to go on from",
        };
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let record: Record =
            serde_json::from_slice(&bytes).map_err(|error| unfit(error.to_string()))?;
        if record != self.record(record.report.clone()) {
            let target = record.target_latency;
            return Err(unfit(format!(
                "pruned to {target} in {} on {} threads, or another model",
                record.latency_precision, record.threads
            )));
        }
        Ok(Some(record))
    }

    /// Times the whole model and the one in `folder`, on texts of `rows`, one at a time.
    ///
    /// # Errors
    ///
    /// A folder that is no model; a text that cannot be tokenized.
    pub fn latencies(&self, folder: &Path, rows: &Dataset) -> Result<Latencies> {
        let rows: Vec<Utterance> = rows.iter().collect();
        let texts = single_batches(&self.bundle, &texts_of(&rows))?;
        let pruned = Bundle::open(folder)?;
        let open = |bundle| NativeModel::open(bundle, &self.config.runtime);
        let (whole, pruned) = (open(&self.bundle)?, open(&pruned)?);
        let seconds = latencies([&whole, &pruned], &texts)?;
        let [before, after] = seconds.map(|seconds| 1000.0 * seconds);
        Ok(Latencies { before, after })
    }
}

/// Trains what pruning has left.
fn recover(
    recipe: &Recipe,
    rows: Rows,
    teaching: &Teaching,
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let ready = recipe.prepare_student(rows, teaching)?;
    note_cut(ready.truncated(), ready.max_length());
    Ok(ready.distill(teaching, observer)?)
}

/// Removes what was pruned for a run that could not begin, or has finished.
fn forget(out: &Path) {
    if !checkpoints(out).exists() {
        // Whatever cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(out.join(PRUNED));
        let _ = std::fs::remove_dir(out);
    }
}

fn remove(path: &PathBuf) -> Result<()> {
    match path.exists() {
        true => std::fs::remove_file(path).map_err(Error::io(path)),
        false => Ok(()),
    }
}

fn write(path: &Path, record: &Record) -> Result<()> {
    let json = serde_json::to_vec(record).map_err(|error| Error::io(path)(error.into()))?;
    file::write(path, |out| out.write_all(&json)).map_err(Error::io(path))
}
