//! [`Trainer`]: runs an objective by its settings.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::checkpoint::{self, Checkpoints, check_config};
use super::observer::Observer;
use super::train_loop::Run;
use super::train_report::TrainReport;
use crate::error::Result;
use crate::schedule::TrainConfig;
use crate::torch::objective::Objective;

/// Trains whatever an [`Objective`] says and leaves the model with the weights that did best on the
/// validation set, or with the last ones if there is none.
///
/// The order of rows is a function of (seed, epoch) and dropout one of (seed, step): equal
/// settings give equal weights to the bit, on the same machine with the same number of threads.
/// Dropout draws from libtorch's generator, which the whole process shares, so that holds while
/// nothing else in the process draws from it.
///
/// Into its folder go the settings (`train_config.json`), the latest checkpoints and the best
/// weights. A run that was killed goes on from its latest checkpoint ([`resume`](Self::resume)) and
/// ends with the very weights, to the bit, that it would have had, on the CPU.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_model::{BiLstmConfig, Device, EncoderConfig, Model};
/// use cs_train::data::{examples, tasks_of};
/// use cs_train::objective::FineTune;
/// use cs_train::run::{Silent, Trainer};
/// use cs_train::schedule::{Preset, TrainConfig};
///
/// let rows: Vec<Utterance> = [("退款", "refund"), ("你好", "hello")]
///     .into_iter()
///     .map(|(text, intent)| Utterance::new(intent, text).with_intent(intent))
///     .collect();
/// let tasks = tasks_of(&rows)?;
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 50)?;
/// let encoder = EncoderConfig::from(BiLstmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     embedding_size: 8,
///     hidden_size: 8,
///     ..BiLstmConfig::default()
/// });
/// let data = examples(rows, &tokenizer, &tasks, 32)?;
///
/// let mut model = Model::new(&encoder, &tasks, Device::Cpu, 1)?;
/// let preset = TrainConfig::preset(Preset::General, &encoder);
/// let config = TrainConfig { epochs: 2, min_steps: 0, ..preset };
/// let folder = tempfile::tempdir()?;
/// let trainer = Trainer::new(config.clone(), folder.path())?;
/// let objective = FineTune::new(&mut model, &data, Some(&data), &config)?;
/// let report = trainer.run(&objective, &mut Silent)?;
/// assert_eq!(report.steps, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trainer {
    config: TrainConfig,
    folder: PathBuf,
    resume: bool,
}

impl Trainer {
    /// The name of the settings' file in the folder.
    pub const CONFIG: &'static str = checkpoint::CONFIG;

    /// A trainer that keeps its checkpoints in `folder`, which is made when the first one is
    /// written.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if a setting is out of range.
    pub fn new(config: TrainConfig, folder: impl Into<PathBuf>) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config,
            folder: folder.into(),
            resume: false,
        })
    }

    /// Whether to go on from the latest checkpoint in the folder, if there is one. Else the run
    /// starts afresh, and its first checkpoint replaces whatever checkpoints lie there.
    #[must_use]
    pub fn resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }

    /// Whether a folder has a checkpoint to go on from, whichever run's.
    ///
    /// ```
    /// assert!(!cs_train::run::Trainer::has_checkpoint("no such folder".as_ref())?);
    /// # Ok::<(), cs_train::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) if the folder cannot be read.
    pub fn has_checkpoint(folder: &Path) -> Result<bool> {
        Checkpoints::new(folder, 1).any()
    }

    /// Removes what runs have left in a folder: checkpoints, best weights and settings. Anything
    /// else stays; a folder that is empty then goes. How many bytes that were.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("checkpoints");
    /// std::fs::create_dir_all(folder.join("step-00000500"))?;
    /// std::fs::write(folder.join("step-00000500/state.json"), "{}")?;
    /// assert_eq!(cs_train::run::Trainer::remove_checkpoints(&folder)?, 2);
    /// assert!(!folder.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) if something cannot be removed.
    pub fn remove_checkpoints(folder: &Path) -> Result<u64> {
        Checkpoints::new(folder, 1).remove_all()
    }

    /// Checks that a run whose settings were recorded as JSON, as in a bundle, had these, as far as
    /// they change the weights. `path` is what the error names.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`](crate::Error::Mismatch) with the first that differs.
    pub fn check_recorded(config: &TrainConfig, recorded: &Value, path: &Path) -> Result<()> {
        check_config(recorded, config, path)
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Runs to the end, to an early stop, or until the observer says stop. Then the model holds the
    /// best validation's weights; without a validation (yet), the latest.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`](crate::Error::Empty) without rows,
    /// [`Error::NonFinite`](crate::Error::NonFinite) if training diverges,
    /// [`Error::Checkpoint`](crate::Error::Checkpoint) or
    /// [`Error::Mismatch`](crate::Error::Mismatch) if the checkpoint to go on from is damaged or
    /// another run's, [`Error::Io`](crate::Error::Io) or [`Error::Model`](crate::Error::Model) if
    /// one cannot be written, and the objective's own.
    pub fn run(
        &self,
        objective: &dyn Objective,
        observer: &mut dyn Observer,
    ) -> Result<TrainReport> {
        let mut run = Run::new(objective, &self.config, &self.folder, observer)?;
        if self.resume {
            run.resume()?;
        }
        run.run()
    }
}
