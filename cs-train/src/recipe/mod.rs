//! From labelled rows to a bundle: what a model starts from, how it is trained, and what is
//! written.
//!
//! | | |
//! | --- | --- |
//! | train | [`Recipe::fit`] |
//! | distil | [`Teaching::open`], [`Recipe::distill`] |
//! | prune | [`importance`], the crate `cs-quant`'s `prune_to_latency`, and [`Recipe::distill`] from what is left |
//! | learn from texts without labels | [`Pretraining`] |
//! | quantise | `cs-quant`'s `Gate`, see below |
//!
//! ```
//! use cs_data::Utterance;
//! use cs_train::recipe::{Recipe, Rows, Settings, Start};
//! use cs_train::run::Silent;
//!
//! // With Arrow, a file's: `Dataset::open("train.jsonl".as_ref(), &options)?.iter()`.
//! let rows = ["where is my parcel", "退款", "track my parcel", "I want a refund"].into_iter();
//! let rows = rows.zip(["status", "refund"].into_iter().cycle());
//! let rows: Vec<_> = rows.map(|(text, intent)| Utterance::new(text, text).with_intent(intent)).collect();
//! # let folder = tempfile::tempdir()?;
//! # let out = folder.path();
//!
//! let settings = Settings { epochs: Some(2), ..Settings::default() };
//! let recipe = Recipe { settings, ..Recipe::new(Start::Light, out) };
//! let fitted = recipe.fit(Rows::new(rows.clone(), rows), &mut Silent)?;
//! assert!(fitted.evaluation.unwrap().intent_accuracy.is_some());
//! fitted.write(out)?;
//! assert!(cs_model::Bundle::open(out)?.tasks().intent.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What int8 must keep is judged by the crate `cs-quant`, on figures of
//! [`head_figures`](crate::evaluation::head_figures), for rows with labels that the model knows:
//!
//! ```no_run
//! use cs_data::Utterance;
//! use cs_model::Bundle;
//! use cs_quant::{Gate, NativeModel, Probe, QuantConfig, Questions, single_batches};
//! use cs_train::evaluation::head_figures;
//!
//! # let rows: Vec<Utterance> = Vec::new();
//! let bundle = Bundle::open("model".as_ref())?;
//! let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
//! let (questions, timed) = (Questions::new(&bundle, &texts)?, single_batches(&bundle, &texts)?);
//! let mut metric = |model: &NativeModel| -> Result<_, Box<dyn std::error::Error>> {
//!     Ok(head_figures(&rows, &questions.answers(model)?, bundle.tasks())?)
//! };
//! let probe = Probe { texts: &timed, metric: Some(&mut metric) };
//! let found = Gate::default().quantize(&bundle, "int8".as_ref(), &QuantConfig::default(), probe)?;
//! println!("{} times smaller, accepted: {}", found.ratio, found.accepted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod distill;
mod fit;
mod fitted;
mod pretrain;
mod prune;
mod settings;
mod start;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use cs_data::Utterance;

use crate::error::Result;
use crate::schedule::TrainConfig;
use crate::tensorboard::TensorBoard;
use crate::torch::objective::Objective;
use crate::torch::run::{Observer, Observers, StopFlag, TrainReport, Trainer};

pub use distill::Teaching;
pub use fit::Ready;
pub use fitted::{Fitted, Losses};
pub use pretrain::{Pretrained, Pretraining};
pub use prune::importance;
pub use settings::Settings;
pub use start::{LIGHT_MAX_LENGTH, LIGHT_VOCABULARY, Start};

/// How a model is made, and where.
///
/// ```
/// use cs_train::recipe::{Recipe, Start};
///
/// let recipe = Recipe::new(Start::Light, "model");
/// assert_eq!(recipe.checkpoints(), std::path::Path::new("model/checkpoints"));
/// ```
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The model that training starts from.
    pub start: Start,
    /// The settings of the run.
    pub settings: Settings,
    /// The folder of the run: its checkpoints, its recording for TensorBoard, and the bundle.
    pub out: PathBuf,
    /// Stops the run with a checkpoint once it is set. The model is then neither calibrated nor
    /// scored: whoever sets it is in haste.
    pub stop: StopFlag,
}

/// The rows of a run.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The labelled rows to learn from.
    pub train: Vec<Utterance>,
    /// The labelled rows that choose the best epoch, and that confidences are fitted to.
    pub eval: Option<Vec<Utterance>>,
    /// What tells the training rows from others, for the bundle's manifest.
    pub fingerprint: Option<String>,
}

impl Rows {
    /// Rows to learn from, and others to choose by.
    pub fn new(
        train: impl IntoIterator<Item = Utterance>,
        eval: impl IntoIterator<Item = Utterance>,
    ) -> Self {
        Self {
            train: train.into_iter().collect(),
            eval: Some(eval.into_iter().collect()),
            fingerprint: None,
        }
    }
}

impl Recipe {
    /// The default settings, which suit a set of some thousand rows.
    pub fn new(start: Start, out: impl Into<PathBuf>) -> Self {
        Self {
            start,
            settings: Settings::default(),
            out: out.into(),
            stop: StopFlag::default(),
        }
    }

    /// The folder of the run's checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        checkpoints(&self.out)
    }

    /// Trains and validates, keeps checkpoints in `checkpoints` and records the run for TensorBoard
    /// in `runs`, both in the recipe's folder. Nothing is written before the settings and the rows
    /// have been checked, and the bundle is not written at all: [`Fitted::write`] does. For the
    /// light model, libtorch is set to one thread for the whole process.
    ///
    /// # Errors
    ///
    /// A start that cannot be used, settings out of range, rows without labels, a checkpoint that
    /// cannot be written.
    pub fn fit(&self, rows: Rows, observer: &mut dyn Observer) -> Result<Fitted> {
        self.prepare(rows)?.fit(observer)
    }

    /// Trains a student, which has the teacher's heads unless the recipe's start has some; else as
    /// [`fit`](Self::fit).
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and a student whose labels are not the teacher's.
    pub fn distill(
        &self,
        rows: Rows,
        teaching: &Teaching,
        observer: &mut dyn Observer,
    ) -> Result<Fitted> {
        self.prepare_student(rows, teaching)?
            .distill(teaching, observer)
    }

    /// Runs an objective, with checkpoints and a recording.
    pub(crate) fn run(
        &self,
        objective: &dyn Objective,
        config: TrainConfig,
        observer: &mut dyn Observer,
    ) -> Result<TrainReport> {
        let trainer = Trainer::new(config, self.checkpoints())?.resume(self.settings.resume);
        let mut board = TensorBoard::new(self.out.join("runs"))?;
        let mut stop = self.stop.clone();
        let mut observers = Observers(vec![observer, &mut board, &mut stop]);
        trainer.run(objective, &mut observers)
    }

    /// Whether the stop flag is set.
    pub(crate) fn in_haste(&self) -> bool {
        self.stop.flag().load(Ordering::Relaxed)
    }
}

/// The folder of the checkpoints of a run whose folder is `out`.
///
/// ```
/// let out = std::path::Path::new("model");
/// assert_eq!(cs_train::recipe::checkpoints(out), out.join("checkpoints"));
/// ```
#[must_use]
pub fn checkpoints(out: &Path) -> PathBuf {
    out.join("checkpoints")
}
