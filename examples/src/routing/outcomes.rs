//! What a light and a full model make of labelled rows.

use std::path::{Path, PathBuf};

use cs_model::Calibration;
use cs_serve::route::{Choice, Layers, Outcome, Policy, Router, Turn};
use cs_serve::{Assistant, RuntimeConfig, Understanding};

use crate::cli::DataArgs;
use crate::error::{Error, Result};
use crate::serving::open_bundle;
use crate::unseen::warn_unseen;

/// Labelled rows, and the file that they are from.
#[derive(Debug)]
pub struct Rows {
    /// The texts.
    pub texts: Vec<String>,
    /// The intent of each.
    pub intents: Vec<String>,
}

impl Rows {
    /// Reads rows, each of which has to have an intent.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, that has no rows, or a row without an intent.
    pub fn open(path: &Path, format: &DataArgs, model: &Assistant) -> Result<Self> {
        let rows: Vec<_> = format.open(path)?.iter().collect();
        warn_unseen(path, &rows, model.bundle().tasks());
        let unfit = |found| Error::Unfit {
            path: path.to_owned(),
            found,
            expected: "rows with intents (--columns says where they are)",
        };
        if rows.is_empty() {
            return Err(unfit("no rows".to_owned()));
        }
        let (mut texts, mut intents) = (Vec::new(), Vec::new());
        for (row, number) in rows.into_iter().zip(1..) {
            let intent = row.intent.filter(|intent| !intent.is_empty());
            intents.push(intent.ok_or_else(|| unfit(format!("row {number} without an intent")))?);
            texts.push(row.text);
        }
        Ok(Self { texts, intents })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none, which [`open`](Self::open) refuses.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// Whether the likeliest intent is that of the row.
pub(super) fn is_right(answer: &Understanding, intent: &str) -> bool {
    answer.intents.first().is_some_and(|it| it.label == intent)
}

/// A light and a full model.
#[derive(Debug)]
pub struct Pair {
    /// The light one.
    pub light: Assistant,
    /// The full one.
    pub full: Assistant,
}

impl Pair {
    /// Opens both, with thresholds below which they abstain set aside: what counts is the likeliest
    /// intent.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read or whose model has no intents.
    pub fn open(light: &Path, full: &Path, runtime: &RuntimeConfig) -> Result<Self> {
        Ok(Self {
            light: open(light, runtime)?.with_embeddings(),
            full: open(full, runtime)?,
        })
    }

    /// Both, to be asked.
    pub fn layers(&self) -> Layers<&Assistant> {
        Layers {
            light: &self.light,
            full: &self.full,
        }
    }

    /// What becomes of the rows that the policy lets the light model answer, if it is sure enough.
    ///
    /// # Errors
    ///
    /// A text that cannot be answered.
    pub fn outcomes(&self, rows: &Rows, policy: Policy) -> Result<Vec<Outcome>> {
        let sure = Policy {
            threshold: 0.0,
            ..policy
        };
        let texts: Vec<&str> = rows.texts.iter().map(String::as_str).collect();
        let light = self.light.understand_batch(&texts)?;
        let full = self.full.understand_batch(&texts)?;
        let mut outcomes = Vec::with_capacity(rows.len());
        for ((text, intent), (light, full)) in
            texts.iter().zip(&rows.intents).zip(light.iter().zip(&full))
        {
            let turn = Turn::alone(text);
            let both = [sure.before(&turn), sure.after(&turn, light)];
            if let Some(likeliest) = light.intents.first()
                && both == [Choice::Light; 2]
            {
                outcomes.push(Outcome {
                    confidence: likeliest.confidence,
                    light_is_right: is_right(light, intent),
                    full_is_right: is_right(full, intent),
                });
            }
        }
        Ok(outcomes)
    }
}

fn open(dir: &Path, runtime: &RuntimeConfig) -> Result<Assistant> {
    let bundle = open_bundle(dir)?;
    if bundle.tasks().intent.is_none() {
        return Err(Error::Unfit {
            path: dir.to_owned(),
            found: "a model without intents".to_owned(),
            expected: "one that finds them",
        });
    }
    let calibration = Calibration {
        abstain_below: None,
        ..bundle.calibration()
    };
    let assistant = Assistant::open_native(bundle, runtime)?;
    Ok(assistant.with_calibration(calibration)?)
}

/// The folders of a `--folds`, in the order of their names.
///
/// # Errors
///
/// A folder that cannot be read or has fewer than two folders.
pub(super) fn folds(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.len() < 2 {
        return Err(Error::Unfit {
            path: dir.to_owned(),
            found: format!("{} folders", folders.len()),
            expected: "a folder for each of two folds or more (`convert --folds` writes their rows)",
        });
    }
    Ok(folders)
}

/// What becomes of the rows of `--eval` or, by each fold's own models, of those of `--folds`.
///
/// # Errors
///
/// Those of [`Rows::open`] and [`Pair::open`].
pub fn outcomes_of(
    arguments: &super::RouteArgs,
    pair: &Pair,
    policy: Policy,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    if let Some(path) = &arguments.eval {
        let rows = Rows::open(path, &arguments.format, &pair.light)?;
        outcomes = pair.outcomes(&rows, policy)?;
    }
    if let Some(dir) = &arguments.folds {
        for fold in folds(dir)? {
            let (light, full) = (fold.join("light"), fold.join("full"));
            let models = Pair::open(&light, &full, &arguments.runtime())?;
            let rows = fold.join("eval.jsonl");
            let rows = Rows::open(&rows, &DataArgs::default(), &models.light)?;
            outcomes.extend(models.outcomes(&rows, policy)?);
        }
    }
    Ok(outcomes)
}
