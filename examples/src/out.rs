//! The folder that an example writes a model to: one run at a time, and no model lost unasked.

use std::path::PathBuf;

use clap::Args;
use cs_model::Bundle;
use cs_train::RunLock;

use crate::error::{Error, Result};

/// Where a model goes.
#[derive(Debug, Clone, Default, Args)]
pub struct OutArgs {
    /// Folder to write
    #[arg(long = "out", value_name = "DIR")]
    pub dir: PathBuf,
    /// Replace the model or the unfinished run that is in it; a model stays until the new one is
    /// whole
    #[arg(long)]
    pub overwrite: bool,
}

impl OutArgs {
    /// Takes the folder for this process until the lock is dropped.
    ///
    /// # Errors
    ///
    /// An `--out` that is no folder, that has a model although `--overwrite` was not given, or that
    /// another run writes to.
    pub fn claim(&self) -> Result<RunLock> {
        self.check_folder()?;
        if !self.overwrite && Bundle::is_in(&self.dir) {
            return Err(self.unfit("a model", "a folder without one, or --overwrite"));
        }
        Ok(RunLock::take(&self.dir)?)
    }

    fn check_folder(&self) -> Result<()> {
        match self.dir.exists() && !self.dir.is_dir() {
            true => Err(self.unfit("not a folder", "a folder, or nothing yet")),
            false => Ok(()),
        }
    }

    fn unfit(&self, found: &str, expected: &'static str) -> Error {
        Error::Unfit {
            path: self.dir.clone(),
            found: found.to_owned(),
            expected,
        }
    }
}

#[cfg(feature = "torch")]
pub use run::{Claim, REPORT, RunOutArgs};

#[cfg(feature = "torch")]
mod run {
    use cs_model::Manifest;
    use cs_train::recipe::checkpoints;
    use cs_train::run::Trainer;
    use cs_train::schedule::TrainConfig;
    use serde_json::Value;

    use super::*;
    use crate::run::note;

    /// What the settings in a bundle's manifest call a run's report.
    pub const REPORT: &str = "report";

    /// Where the model and the checkpoints of a run go.
    #[derive(Debug, Clone, Default, Args)]
    pub struct RunOutArgs {
        /// The folder.
        #[command(flatten)]
        pub out: OutArgs,
        /// Leave the checkpoints of a run that has finished where they are
        #[arg(long)]
        pub keep_checkpoints: bool,
    }

    /// A folder that is this run's.
    #[derive(Debug)]
    pub struct Claim {
        _lock: RunLock,
        /// Of a run that has finished and left no checkpoint.
        finished: Option<Manifest>,
    }

    impl RunOutArgs {
        /// Takes the folder for this run. With `resume`, it may hold a run's checkpoints, or the
        /// model of one that has finished; with `--overwrite`, anything.
        ///
        /// # Errors
        ///
        /// As [`OutArgs::claim`]; `resume` together with `--overwrite`; checkpoints although
        /// neither was given; `resume` where there is a model that no run has left.
        pub fn claim(&self, resume: bool) -> Result<Claim> {
            let out = &self.out;
            out.check_folder()?;
            let (model, started) = (
                Bundle::is_in(&out.dir),
                Trainer::has_checkpoint(&checkpoints(&out.dir))?,
            );
            let refuse = |found, expected| Err(out.unfit(found, expected));
            match (resume, out.overwrite) {
                (true, true) => {
                    let line =
                        "--resume goes on with a run, --overwrite starts anew: give one of them";
                    return Err(Error::Usage(line.to_owned()));
                }
                (false, false) if started => {
                    return refuse(
                        "checkpoints of a run that has not finished, or has kept them",
                        "--resume to go on from them, --overwrite to start anew, or another folder",
                    );
                }
                (false, false) if model => {
                    return refuse(
                        "a model",
                        "--overwrite to replace it, or a folder without one",
                    );
                }
                _ => {}
            }
            let lock = RunLock::take(&out.dir)?;
            let finished = match resume && model && !started {
                true => Bundle::open(&out.dir)?.manifest().cloned(),
                false => None,
            };
            let unknown = |manifest: &Manifest| manifest.settings.get(REPORT).is_none();
            if resume && model && !started && finished.as_ref().is_none_or(unknown) {
                return refuse(
                    "a model, but no checkpoint to go on from",
                    "--overwrite to replace it, or a folder without one",
                );
            }
            Ok(Claim {
                _lock: lock,
                finished,
            })
        }

        /// Removes the checkpoints of a run whose model is written, unless they are to be kept.
        ///
        /// # Errors
        ///
        /// A file that cannot be removed.
        pub fn finish(&self) -> Result<()> {
            if self.keep_checkpoints {
                return Ok(());
            }
            let bytes = Trainer::remove_checkpoints(&checkpoints(&self.out.dir))?;
            if bytes > 0 {
                note(format_args!(
                    "removed {:.1} MB of checkpoints; --keep-checkpoints leaves them",
                    bytes as f64 / 1e6
                ));
            }
            Ok(())
        }
    }

    impl Claim {
        /// The report of the run that has finished here, if it was this one: there is nothing to go
        /// on with.
        ///
        /// # Errors
        ///
        /// It had other rows or settings.
        pub fn finished(
            &self,
            out: &std::path::Path,
            fingerprint: &str,
            config: impl FnOnce(&Bundle) -> TrainConfig,
        ) -> Result<Option<Value>> {
            let Some(manifest) = &self.finished else {
                return Ok(None);
            };
            let path = out.join("bundle.json");
            let recorded = manifest.data_fingerprint.as_deref().unwrap_or("none");
            if recorded != fingerprint {
                return Err(cs_train::Error::Mismatch {
                    path,
                    what: "training data".to_owned(),
                    found: recorded.to_owned(),
                    expected: fingerprint.to_owned(),
                }
                .into());
            }
            let config = config(&Bundle::open(out)?);
            Trainer::check_recorded(&config, &manifest.settings["config"], &path)?;
            note(format_args!(
                "the run in {} has finished: nothing to resume; --overwrite trains anew",
                out.display()
            ));
            Ok(manifest.settings.get(REPORT).cloned())
        }
    }
}
