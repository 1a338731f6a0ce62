//! The folder of a run's checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cs_data::file::{StagingFolder, sync, write_synced};

use super::state::State;
use crate::error::{Error, Result};
use crate::torch::objective::Identity;
use crate::torch::snapshot::{Loaded, Snapshot};

/// The file of the run's settings.
pub(crate) const CONFIG: &str = "train_config.json";
const STATE: &str = "state.json";
const TENSORS: &str = "tensors.safetensors";
/// The prefix of whatever is not finished yet, or not wanted any more.
const HIDDEN: &str = ".checkpoint-";

/// The folder, and which of its checkpoints are this run's.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    dir: PathBuf,
    keep: usize,
    /// The step of each checkpoint of this run, and the step of the best weights then.
    kept: BTreeMap<usize, Option<usize>>,
}

impl Checkpoints {
    /// The folder need not exist before the first checkpoint is written.
    pub(crate) fn new(dir: &Path, keep: usize) -> Self {
        Self {
            dir: dir.to_owned(),
            keep,
            kept: BTreeMap::new(),
        }
    }

    /// The folder of a step's checkpoint.
    pub(crate) fn path(&self, step: usize) -> PathBuf {
        self.dir.join(format!("step-{step:08}"))
    }

    /// The file of the best weights from a step.
    pub(crate) fn best_path(&self, step: usize) -> PathBuf {
        self.dir.join(format!("best-{step:08}.safetensors"))
    }

    /// The latest checkpoint of this run.
    pub(crate) fn latest(&self) -> Option<PathBuf> {
        self.kept.keys().next_back().map(|&step| self.path(step))
    }

    /// The state of the latest checkpoint in the folder, whoever wrote it.
    pub(crate) fn read_latest(&self) -> Result<Option<(PathBuf, State)>> {
        let Some(step) = self.found()?.checkpoints.pop_last() else {
            return Ok(None);
        };
        let path = self.path(step);
        let state = self.read_state(step)?;
        if state.progress.step != step {
            return Err(Error::Checkpoint {
                path: path.join(STATE),
                found: format!("step {}", state.progress.step),
                expected: format!("step {step}, as the folder's name says"),
            });
        }
        Ok(Some((path, state)))
    }

    fn read_state(&self, step: usize) -> Result<State> {
        let path = self.path(step).join(STATE);
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        State::parse(&bytes, &path)
    }

    /// The tensors that belong to a state.
    pub(crate) fn read_tensors(&self, state: &State) -> Result<Loaded> {
        let path = self.path(state.progress.step).join(TENSORS);
        Loaded::open(&path, &state.sha256)
    }

    /// Counts what is in the folder and of the same identity as this run's.
    pub(crate) fn adopt(&mut self, identity: &Identity) -> Result<()> {
        for step in self.found()?.checkpoints {
            match self.read_state(step) {
                Ok(state) if state.identity != *identity => {}
                Ok(state) => {
                    self.kept
                        .insert(step, state.progress.best.map(|best| best.step));
                }
                Err(error) => tracing::warn!(%error, "an old checkpoint cannot be read"),
            }
        }
        Ok(())
    }

    /// Writes a checkpoint, then removes those no longer wanted. If writing fails, all that was
    /// there stays.
    pub(crate) fn write(&mut self, mut state: State, tensors: &Snapshot) -> Result<PathBuf> {
        let draft = self.draft()?;
        state.sha256 = tensors.write(&draft.path().join(TENSORS))?;
        let written = draft.path().join(STATE);
        write_synced(&written, &json(&state, &written)?).map_err(Error::io(&written))?;
        let step = state.progress.step;
        let path = self.path(step);
        if path.exists() {
            self.discard(&path)?;
        }
        draft.rename_to(&path).map_err(Error::io(&path))?;
        self.kept
            .insert(step, state.progress.best.as_ref().map(|best| best.step));
        self.clean(&state)?;
        Ok(path)
    }

    /// Writes the best weights and returns their file and sum.
    pub(crate) fn write_best(&self, step: usize, weights: &Snapshot) -> Result<(PathBuf, String)> {
        let draft = self.draft()?;
        let path = self.best_path(step);
        let written = draft.path().join("best");
        let sha256 = weights.write(&written)?;
        std::fs::rename(&written, &path).map_err(Error::io(&path))?;
        sync(&self.dir).map_err(Error::io(&self.dir))?;
        Ok((path, sha256))
    }

    /// Writes a file beside the checkpoints, whole or not at all.
    pub(crate) fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let draft = self.draft()?;
        let (written, path) = (draft.path().join(name), self.dir.join(name));
        write_synced(&written, bytes).map_err(Error::io(&written))?;
        std::fs::rename(&written, &path).map_err(Error::io(&path))?;
        sync(&self.dir).map_err(Error::io(&self.dir))
    }

    /// Removes every checkpoint, the best weights and the settings; anything else stays, and the
    /// folder with it. How many bytes that were.
    pub(crate) fn remove_all(&self) -> Result<u64> {
        let found = self.found()?;
        let mut bytes = 0;
        let checkpoints = found.checkpoints.iter().map(|&step| self.path(step));
        for path in checkpoints.chain(found.drafts) {
            bytes += size_of_folder(&path)?;
            // A checkpoint is there as a whole or not at all, also while it goes.
            match path.join(STATE).exists() {
                true => self.discard(&path)?,
                false => std::fs::remove_dir_all(&path).map_err(Error::io(&path))?,
            }
        }
        let best = found.best.iter().map(|&step| self.best_path(step));
        for path in best.chain([self.dir.join(CONFIG)]) {
            match std::fs::metadata(&path) {
                Ok(file) => bytes += file.len(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(&path)(error)),
            }
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
        match std::fs::remove_dir(&self.dir) {
            Err(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Err(Error::io(&self.dir)(error))
            }
            _ => Ok(bytes),
        }
    }

    /// Whether there is a checkpoint to go on from.
    pub(crate) fn any(&self) -> Result<bool> {
        Ok(!self.found()?.checkpoints.is_empty())
    }

    fn draft(&self) -> Result<StagingFolder> {
        std::fs::create_dir_all(&self.dir).map_err(Error::io(&self.dir))?;
        StagingFolder::create(&self.dir, HIDDEN).map_err(Error::io(&self.dir))
    }

    /// Removes a checkpoint: under its name it is there as a whole or not at all.
    fn discard(&self, path: &Path) -> Result<()> {
        let hidden = self.draft()?;
        std::fs::rename(path, hidden.path().join("old")).map_err(Error::io(path))?;
        hidden.remove().map_err(Error::io(path))
    }

    /// Removes what neither the latest checkpoints nor the current best need: older ones, an
    /// earlier run's, and drafts that a killed run left.
    fn clean(&mut self, state: &State) -> Result<()> {
        while self.kept.len() > self.keep {
            self.kept.pop_first();
        }
        let found = self.found()?;
        for step in found.checkpoints {
            if !self.kept.contains_key(&step) {
                self.discard(&self.path(step))?;
            }
        }
        let needed: BTreeSet<usize> = self.kept.values().flatten().copied().collect();
        let current = state.progress.best.as_ref().map(|best| best.step);
        for step in found.best {
            if !needed.contains(&step) && current != Some(step) {
                let path = self.best_path(step);
                std::fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        }
        for path in found.drafts {
            std::fs::remove_dir_all(&path).map_err(Error::io(&path))?;
        }
        Ok(())
    }

    fn found(&self) -> Result<Found> {
        let mut found = Found::default();
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(Error::io(&self.dir)(error)),
        };
        for entry in entries {
            let name = entry.map_err(Error::io(&self.dir))?.file_name();
            let Some(name) = name.to_str() else { continue };
            let number = |digits: &str| digits.parse::<usize>().ok();
            if let Some(step) = name.strip_prefix("step-").and_then(number) {
                found.checkpoints.insert(step);
            } else if let Some(rest) = name.strip_prefix("best-") {
                found
                    .best
                    .extend(rest.strip_suffix(".safetensors").and_then(number));
            } else if name.starts_with(HIDDEN) {
                found.drafts.push(self.dir.join(name));
            }
        }
        Ok(found)
    }
}

/// What lies in the folder.
#[derive(Debug, Default)]
struct Found {
    checkpoints: BTreeSet<usize>,
    best: BTreeSet<usize>,
    drafts: Vec<PathBuf>,
}

fn size_of_folder(folder: &Path) -> Result<u64> {
    let sizes = std::fs::read_dir(folder).and_then(|entries| {
        let sizes = entries.map(|entry| Ok(entry?.metadata()?.len()));
        sizes.sum::<std::io::Result<u64>>()
    });
    sizes.map_err(Error::io(folder))
}

fn json(state: &State, path: &Path) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(state).map_err(|error| Error::io(path)(error.into()))
}
