//! [`TrainConfig`]: every setting of a training run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::learning_rate::Decay;
use super::precision::TrainPrecision;
use crate::error::{Error, Result};

/// Settings of a training run. Plain data: read it from JSON, change a field, and
/// [`Trainer::new`](crate::run::Trainer::new) checks it once. The trainer writes it to
/// `train_config.json` beside its checkpoints.
///
/// The defaults suit a pre-trained encoder of BERT-base size;
/// [`TrainConfig::preset`] has values for others and for several kinds of data.
///
/// ```
/// use cs_train::schedule::TrainConfig;
///
/// let config = TrainConfig { epochs: 3, ..TrainConfig::default() };
/// assert!(config.validate().is_ok());
/// assert!(TrainConfig { batch_size: 0, ..config }.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training set, at most: early stopping may end sooner. Default 5.
    pub epochs: usize,
    /// Steps of a run, at least, since steps and not epochs decide what a small set teaches: where
    /// [`epochs`](Self::epochs) passes are fewer, more are made, up to ten times as many, and no
    /// early stop comes before. Default 0; 300 in a [`Preset`](crate::schedule::Preset).
    pub min_steps: usize,
    /// Rows in a batch, at most. Default 32.
    pub batch_size: usize,
    /// Tokens in a training batch, at most, special tokens included; a longer row travels
    /// alone. Default 4096.
    pub max_tokens: usize,
    /// Parts that a batch is computed in, one after the other, to save memory; the result is the
    /// same up to rounding. Default 1.
    pub accumulate: usize,
    /// Tokens in a validation batch, at most. Default 8192.
    pub eval_max_tokens: usize,
    /// Also validate every so many steps, besides the end of each epoch; 0 for never. Default 0.
    pub evaluate_every: usize,
    /// Peak learning rate, reached at the end of the warm-up. Default 3e-5.
    pub lr: f64,
    /// Course of the rate after the warm-up. Default linear.
    pub schedule: Decay,
    /// Steps over which the rate rises to its peak; at most a tenth of the run is used.
    /// Default 500.
    pub warmup_steps: usize,
    /// Factor of the rate from one layer to the one below it, heads at the full rate
    /// (Howard and Ruder 2018, section 3.2: 1/2.6). Default 1.
    pub layer_decay: f64,
    /// Decoupled weight decay of matrices (biases and norms have none). Default 0.01.
    pub weight_decay: f64,
    /// Adam's decay rate of the gradient's mean. Default 0.9.
    pub beta1: f64,
    /// Adam's decay rate of the squared gradient's mean. Default 0.999.
    pub beta2: f64,
    /// Adam's guard against division by zero. Default 1e-8.
    pub epsilon: f64,
    /// Gradients are scaled down to this global 2-norm. Default 1.
    pub max_grad_norm: f64,
    /// Number format of the products. Default fp32.
    pub precision: TrainPrecision,
    /// Keeps a running mean of the weights with this decay, evaluates it and makes it the result
    /// (as `torch.optim.swa_utils.get_ema_multi_avg_fn`); 0 for none, 0.99 or 0.999 are usual.
    /// Costs a copy of the weights. Default 0.
    pub ema: f64,
    /// Size of the adversarial perturbation of the word embeddings (FGM, Miyato et al. 2017,
    /// <https://arxiv.org/abs/1605.07725>); 0 for none, 0.5 to 1 are usual. Doubles the work of a
    /// step. Default 0.
    pub fgm: f64,
    /// What a model that is fine-tuned learns by.
    pub loss: LossConfig,
    /// Epochs without a better validation F1 after which training stops. Default 3.
    pub patience: usize,
    /// Gain below which a validation figure does not count as better for that. Default 0.
    pub min_delta: f64,
    /// Steps between checkpoints; 0 for none but at the end or when stopped. Default 500.
    pub checkpoint_every: usize,
    /// Checkpoints kept, the latest. The best weights are kept besides. Default 2.
    pub keep_checkpoints: usize,
    /// Source of every random choice: order of rows, dropout. Default 42.
    pub seed: u64,
}

/// Settings of the [`CombinedLoss`](crate::objective::CombinedLoss) and what fine-tuning adds to
/// it.
///
/// ```
/// let loss = cs_train::schedule::LossConfig::default();
/// assert_eq!((loss.ce_weight, loss.mse_weight, loss.r_drop), (0.7, 0.3, 0.0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// Weight of the cross-entropy side of the loss (intent + slots). Default 0.7.
    pub ce_weight: f64,
    /// Weight of the sentiment's mean squared error. Default 0.3.
    pub mse_weight: f64,
    /// Share of the target's probability that is spread over all intents or tags (Szegedy et al.
    /// 2016, section 7). Default 0.
    pub label_smoothing: f64,
    /// Exponent of the focal loss of the intents (Lin et al. 2017,
    /// <https://arxiv.org/abs/1708.02002>): well recognised rows count less; 0 for none, 2 is
    /// usual. Default 0.
    pub focal_gamma: f64,
    /// Weights of the intents. Default none.
    pub class_weights: ClassWeights,
    /// Weight of the disagreement between two passes with different dropout (R-Drop, Liang et al.
    /// 2021, <https://arxiv.org/abs/2106.14448>); 0 for none, 0.5 to 5 are usual. Doubles the work
    /// of a step. Default 0.
    pub r_drop: f64,
}

/// How much a row counts in the intents' loss.
///
/// ```
/// use cs_train::schedule::ClassWeights;
/// let given: ClassWeights = serde_json::from_str(r#"{"given": {"refund": 2.0}}"#)?;
/// assert_eq!(given, ClassWeights::Given([("refund".into(), 2.0)].into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All intents weigh the same.
    #[default]
    None,
    /// In inverse proportion to the intent's number of rows: rows / (intents × rows of the intent),
    /// as scikit-learn's `balanced`.
    Balanced,
    /// By intent; 1 for those that are not listed.
    Given(BTreeMap<String, f64>),
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            ce_weight: 0.7,
            mse_weight: 0.3,
            label_smoothing: 0.0,
            focal_gamma: 0.0,
            class_weights: ClassWeights::None,
            r_drop: 0.0,
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 5,
            min_steps: 0,
            batch_size: 32,
            max_tokens: 4096,
            accumulate: 1,
            eval_max_tokens: 8192,
            evaluate_every: 0,
            lr: 3e-5,
            schedule: Decay::Linear,
            warmup_steps: 500,
            layer_decay: 1.0,
            weight_decay: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            max_grad_norm: 1.0,
            precision: TrainPrecision::Fp32,
            ema: 0.0,
            fgm: 0.0,
            loss: LossConfig::default(),
            patience: 3,
            min_delta: 0.0,
            checkpoint_every: 500,
            keep_checkpoints: 2,
            seed: 42,
        }
    }
}

impl TrainConfig {
    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        positive("epochs", self.epochs)?;
        positive("batch_size", self.batch_size)?;
        positive("max_tokens", self.max_tokens)?;
        positive("accumulate", self.accumulate)?;
        positive("eval_max_tokens", self.eval_max_tokens)?;
        positive("patience", self.patience)?;
        positive("keep_checkpoints", self.keep_checkpoints)?;
        above_zero("lr", self.lr)?;
        above_zero("epsilon", self.epsilon)?;
        above_zero("max_grad_norm", self.max_grad_norm)?;
        not_negative("weight_decay", self.weight_decay)?;
        not_negative("fgm", self.fgm)?;
        not_negative("min_delta", self.min_delta)?;
        share("beta1", self.beta1)?;
        share("beta2", self.beta2)?;
        share("ema", self.ema)?;
        let decays = self.layer_decay > 0.0 && self.layer_decay <= 1.0;
        check(
            "layer_decay",
            self.layer_decay,
            decays,
            "above 0, at most 1",
        )?;
        self.loss.validate()
    }
}

impl LossConfig {
    fn validate(&self) -> Result<()> {
        not_negative("loss.ce_weight", self.ce_weight)?;
        not_negative("loss.mse_weight", self.mse_weight)?;
        not_negative("loss.focal_gamma", self.focal_gamma)?;
        not_negative("loss.r_drop", self.r_drop)?;
        share("loss.label_smoothing", self.label_smoothing)?;
        if let ClassWeights::Given(weights) = &self.class_weights {
            for &weight in weights.values() {
                above_zero("loss.class_weights", weight)?;
            }
        }
        // The focal loss is defined for one right answer.
        if self.focal_gamma > 0.0 {
            let none = self.label_smoothing == 0.0;
            check(
                "loss.label_smoothing",
                self.label_smoothing,
                none,
                "0 with a focal loss",
            )?;
        }
        Ok(())
    }
}

fn check(field: &'static str, value: f64, ok: bool, expected: &'static str) -> Result<()> {
    if value.is_finite() && ok {
        return Ok(());
    }
    Err(Error::Config {
        field,
        value: value.to_string(),
        expected,
    })
}

fn above_zero(field: &'static str, value: f64) -> Result<()> {
    check(field, value, value > 0.0, "a finite number above 0")
}

fn not_negative(field: &'static str, value: f64) -> Result<()> {
    check(field, value, value >= 0.0, "a finite number of at least 0")
}

fn share(field: &'static str, value: f64) -> Result<()> {
    check(
        field,
        value,
        (0.0..1.0).contains(&value),
        "a number in 0..1",
    )
}

fn positive(field: &'static str, value: usize) -> Result<()> {
    if value > 0 {
        return Ok(());
    }
    Err(Error::Config {
        field,
        value: value.to_string(),
        expected: "at least 1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_setting_is_named() {
        type Change = fn(&mut TrainConfig);
        let cases: [(&str, Change); 16] = [
            ("epochs", |c| c.epochs = 0),
            ("accumulate", |c| c.accumulate = 0),
            ("keep_checkpoints", |c| c.keep_checkpoints = 0),
            ("lr", |c| c.lr = f64::NAN),
            ("lr", |c| c.lr = -1.0),
            ("beta2", |c| c.beta2 = 1.0),
            ("ema", |c| c.ema = 1.0),
            ("layer_decay", |c| c.layer_decay = 0.0),
            ("weight_decay", |c| c.weight_decay = -0.1),
            ("fgm", |c| c.fgm = -0.1),
            ("max_grad_norm", |c| c.max_grad_norm = f64::INFINITY),
            ("loss.ce_weight", |c| c.loss.ce_weight = -0.1),
            ("loss.r_drop", |c| c.loss.r_drop = f64::NAN),
            ("loss.label_smoothing", |c| c.loss.label_smoothing = 1.0),
            ("loss.label_smoothing", |c| {
                (c.loss.label_smoothing, c.loss.focal_gamma) = (0.1, 2.0);
            }),
            ("loss.class_weights", |c| {
                c.loss.class_weights = ClassWeights::Given([("a".into(), 0.0)].into());
            }),
        ];
        assert!(TrainConfig::default().validate().is_ok());
        for (field, change) in cases {
            let mut config = TrainConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{field} is ")), "{error}");
        }
    }

    #[test]
    fn a_partial_file_keeps_the_defaults_and_a_typo_is_refused() {
        let json = r#"{"epochs": 3, "schedule": "cosine", "loss": {"r_drop": 1.0}}"#;
        let config: TrainConfig = serde_json::from_str(json).unwrap();
        assert_eq!((config.epochs, config.lr), (3, TrainConfig::default().lr));
        assert_eq!(
            (config.schedule, config.loss.ce_weight),
            (Decay::Cosine, 0.7)
        );
        assert!(serde_json::from_str::<TrainConfig>(r#"{"epoch": 3}"#).is_err());
        assert!(serde_json::from_str::<TrainConfig>(r#"{"loss": {"mse": 3}}"#).is_err());
    }
}
