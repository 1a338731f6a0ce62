//! [`Objective`]: what a run optimises, and the kinds of it.

mod class_weights;
mod distill;
mod fine_tune;
mod hidden_states;
mod identity;
#[expect(clippy::disallowed_methods, reason = "read once, at the end")]
mod importance;
mod loss;
mod masked_lm;
mod r_drop;
mod row_checks;
mod tag_lessons;
mod teacher;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::Result;
use crate::metrics::{Histogram, PrCurve};

pub use distill::{Distill, DistillConfig, soft_divergence};
pub use fine_tune::FineTune;
pub use importance::importance;
pub use loss::{CombinedLoss, Targets, Totals};
pub use masked_lm::{MaskedLm, Texts, evaluate_masked};
pub use teacher::{Lessons, Teacher};

/// A model, the rows it learns from and what it should do with them: everything that
/// [`Trainer`](crate::run::Trainer) does not care about. [`FineTune`](crate::objective::FineTune)
/// is one.
///
/// Rows are numbered from 0; the trainer decides which of them make up a step.
///
/// ```
/// use cs_train::objective::{Identity, LossOutput, Objective, Validation, StepBatch};
/// use cs_train::run::Silent;
/// use cs_train::Result;
/// use cs_train::run::Trainer;
/// use cs_train::schedule::TrainConfig;
/// use tch::{Kind, Tensor};
///
/// /// Finds the mean of some numbers.
/// struct Mean { guess: Tensor, numbers: Vec<f32> }
///
/// impl Objective for Mean {
///     fn identity(&self) -> Identity {
///         Identity { objective: "mean".into(), ..Identity::default() }
///     }
///     fn parameters(&self) -> Vec<(String, Tensor)> {
///         vec![("guess".into(), self.guess.shallow_clone())]
///     }
///     fn lengths(&self) -> Vec<usize> {
///         vec![1; self.numbers.len()]
///     }
///     fn row_id(&self, row: usize) -> String {
///         row.to_string()
///     }
///     fn loss(&self, batch: &StepBatch<'_>) -> Result<LossOutput> {
///         let numbers: Vec<f32> = batch.rows.iter().map(|&row| self.numbers[row]).collect();
///         let error = (Tensor::from_slice(&numbers) - &self.guess).square().sum(Kind::Float);
///         Ok(LossOutput { total: error / batch.step_rows.len() as f64, parts: vec![] })
///     }
///     fn evaluate(&self) -> Result<Validation> {
///         Ok(Validation::default())
///     }
/// }
///
/// let guess = Tensor::from_slice(&[0.0f32]).set_requires_grad(true);
/// let mean = Mean { guess, numbers: vec![1.0, 2.0, 6.0] };
/// let config = TrainConfig { epochs: 200, lr: 0.2, ..TrainConfig::default() };
/// let folder = tempfile::tempdir()?;
/// Trainer::new(config, folder.path())?.run(&mean, &mut Silent)?;
/// assert!((mean.guess.double_value(&[0]) - 3.0).abs() < 0.05);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Objective {
    /// What a checkpoint must agree with to be continued.
    fn identity(&self) -> Identity;

    /// The tensors to train, by name. The handles share memory with the model; the trainer
    /// changes them in place. The names tell a tensor's depth
    /// ([`TrainConfig::layer_decay`](crate::schedule::TrainConfig)).
    fn parameters(&self) -> Vec<(String, Tensor)>;

    /// Tokens of each training row: what batches are cut by.
    fn lengths(&self) -> Vec<usize>;

    /// What a training row is called where it has to be named.
    fn row_id(&self, row: usize) -> String;

    /// Rows of the validation set; 0, the default, without one: then nothing is evaluated, no
    /// early stop is possible, and the last weights are the result.
    fn validation_rows(&self) -> usize {
        0
    }

    /// The embedding of which only some rows can ever get a gradient, if there is one.
    fn reached(&self) -> Option<Reached> {
        None
    }

    /// The loss of some rows, dropout on. libtorch's generator has been seeded for it.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn loss(&self, batch: &StepBatch<'_>) -> Result<LossOutput>;

    /// The figures of the validation set. Called only if it has rows, without gradients.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn evaluate(&self) -> Result<Validation>;
}

/// What makes a run what it is, besides its settings. Any texts: they are compared, nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The kind of training.
    pub objective: String,
    /// The model's configuration and heads.
    pub model: String,
    /// A fingerprint of the rows.
    pub data: String,
    /// A fingerprint of the validation rows; empty without any.
    #[serde(default)]
    pub validation: String,
    /// A fingerprint of the model that is learned from; empty without one.
    #[serde(default)]
    pub teacher: String,
}

/// The rows of a matrix that training can reach: the words of the training set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The matrix's name among the parameters.
    pub parameter: String,
    /// The matrix' rows that can get a gradient other than zero, ascending.
    pub rows: Vec<i64>,
}

/// The rows to compute a loss for.
///
/// With accumulation a step's rows are computed in several parts. Each part's loss is divided by
/// what the whole step has (rows, targets), so that the parts' losses, and with them their
/// gradients, add up to those of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepBatch<'a> {
    /// The rows to compute now.
    pub rows: &'a [usize],
    /// All rows of the step: what the loss is a mean over.
    pub step_rows: &'a [usize],
    /// A seed of this step's own, for any random choice that is not libtorch's: a function of the
    /// run's seed and the step, equal for all parts of the step.
    pub seed: u64,
}

/// The loss of a batch: what to differentiate, and what it is made of.
///
/// ```
/// use cs_train::objective::{LossOutput, LossPart};
/// let two = || tch::Tensor::from(2.0f32);
/// let loss = LossOutput { total: two() * 0.7, parts: vec![LossPart { name: "intent", value: two() }] };
/// assert_eq!(loss.parts[0].name, "intent");
/// ```
#[derive(Debug)]
pub struct LossOutput {
    /// The loss, a scalar on the model's device.
    pub total: Tensor,
    /// The loss's parts, unweighted, for the log.
    pub parts: Vec<LossPart>,
}

/// A named part of a loss: a scalar on the model's device.
#[derive(Debug)]
pub struct LossPart {
    /// The part's name: `intent`, `slots`, `sentiment` ….
    pub name: &'static str,
    /// The part's value.
    pub value: Tensor,
}

/// The figures of an evaluation.
///
/// ```
/// use cs_train::objective::Validation;
/// let early = Validation { metric: 0.9, ties: vec![-0.2], ..Validation::default() };
/// let late = Validation { ties: vec![-0.1], ..early.clone() };
/// assert!(late.is_better_than(&early) && !early.is_better_than(&late));
/// let broken = Validation { metric: f64::NAN, ..Validation::default() };
/// assert!(!broken.is_better_than(&early) && early.is_better_than(&broken));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Validation {
    /// The figure that selects weights and stops early; larger is better.
    pub metric: f64,
    /// What decides where the metric is equal, as on a set so easy that every epoch is perfect:
    /// first the first, larger being better.
    pub ties: Vec<f64>,
    /// All figures, by name.
    pub figures: BTreeMap<String, f64>,
    /// Precision over recall, by name; for the record only.
    #[serde(skip)]
    pub curves: BTreeMap<String, PrCurve>,
    /// Distributions, by name; for the record only.
    #[serde(skip)]
    pub distributions: BTreeMap<String, Histogram>,
}

impl Validation {
    /// Whether these weights are better than the `other`'s. NaN is worse than everything.
    #[must_use]
    pub fn is_better_than(&self, other: &Self) -> bool {
        let order = |x: f64| if x.is_nan() { f64::NEG_INFINITY } else { x };
        let rank = |s: &Self| -> Vec<f64> {
            std::iter::once(s.metric)
                .chain(s.ties.iter().copied())
                .map(order)
                .collect()
        };
        rank(self) > rank(other)
    }
}
