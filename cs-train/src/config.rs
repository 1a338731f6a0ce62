//! [`TrainConfig`]: every setting of a training run.

use cs_model::EncoderConfig;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings of a training run. Plain data: read it from JSON, change a field, and
/// [`Trainer::new`](crate::Trainer::new) checks it once.
///
/// The defaults suit a pre-trained encoder of BERT-base size; [`TrainConfig::for_encoder`]
/// proposes a learning rate and a number of epochs for another one.
///
/// ```
/// use cs_train::TrainConfig;
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
    /// Rows in a batch, at most. Default 32.
    pub batch_size: usize,
    /// Tokens in a training batch, at most, special tokens included; a longer row travels
    /// alone. Default 4096.
    pub max_tokens: usize,
    /// Tokens in a validation batch, at most. Default 8192.
    pub eval_max_tokens: usize,
    /// Peak learning rate, reached at the end of the warm-up. Default 3e-5.
    pub lr: f64,
    /// Steps over which the rate rises to its peak; at most a tenth of the run is used.
    /// Default 500.
    pub warmup_steps: usize,
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
    /// Weight of the cross-entropy side of the loss (intent + slots). Default 0.7.
    pub ce_weight: f64,
    /// Weight of the sentiment's mean squared error. Default 0.3.
    pub mse_weight: f64,
    /// Epochs without a better validation F1 after which training stops. Default 3.
    pub patience: usize,
    /// Source of every random choice: order of rows, dropout. Default 42.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 5,
            batch_size: 32,
            max_tokens: 4096,
            eval_max_tokens: 8192,
            lr: 3e-5,
            warmup_steps: 500,
            weight_decay: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            max_grad_norm: 1.0,
            ce_weight: 0.7,
            mse_weight: 0.3,
            patience: 3,
            seed: 42,
        }
    }
}

impl TrainConfig {
    /// The defaults, with a learning rate and a number of epochs that suit `encoder`.
    ///
    /// A BiLSTM trains from scratch: 1e-3, 15 epochs. A transformer is fine-tuned, the wider
    /// the gentler: a power law through 2e-4 at a hidden size of 384 (MiniLM) and 3e-5 at 768
    /// (BERT-base), within 1e-5 and 1e-3.
    ///
    /// ```
    /// # use cs_model::{EncoderConfig, TransformerConfig};
    /// let bert = EncoderConfig::Transformer(TransformerConfig::default());
    /// let lr = cs_train::TrainConfig::for_encoder(&bert).lr;
    /// assert!((lr - 3e-5).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn for_encoder(encoder: &EncoderConfig) -> Self {
        match encoder {
            EncoderConfig::BiLstm(_) => Self {
                lr: 1e-3,
                epochs: 15,
                ..Self::default()
            },
            EncoderConfig::Transformer(config) => Self {
                lr: transformer_lr(config.hidden_size),
                ..Self::default()
            },
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        positive("epochs", self.epochs)?;
        positive("batch_size", self.batch_size)?;
        positive("max_tokens", self.max_tokens)?;
        positive("eval_max_tokens", self.eval_max_tokens)?;
        positive("patience", self.patience)?;
        let finite = |field, value: f64, ok: bool, expected| {
            if value.is_finite() && ok {
                return Ok(());
            }
            Err(Error::Config {
                field,
                value: value.to_string(),
                expected,
            })
        };
        let above = "a finite number above 0";
        let not_below = "a finite number of at least 0";
        let rate = "a number in 0..1";
        finite("lr", self.lr, self.lr > 0.0, above)?;
        finite("epsilon", self.epsilon, self.epsilon > 0.0, above)?;
        finite(
            "max_grad_norm",
            self.max_grad_norm,
            self.max_grad_norm > 0.0,
            above,
        )?;
        finite(
            "weight_decay",
            self.weight_decay,
            self.weight_decay >= 0.0,
            not_below,
        )?;
        finite(
            "ce_weight",
            self.ce_weight,
            self.ce_weight >= 0.0,
            not_below,
        )?;
        finite(
            "mse_weight",
            self.mse_weight,
            self.mse_weight >= 0.0,
            not_below,
        )?;
        finite("beta1", self.beta1, (0.0..1.0).contains(&self.beta1), rate)?;
        finite("beta2", self.beta2, (0.0..1.0).contains(&self.beta2), rate)
    }
}

fn transformer_lr(hidden_size: usize) -> f64 {
    let (mini, base) = (2e-4_f64, 3e-5_f64);
    let exponent = (mini / base).log2();
    let lr = mini * (384.0 / hidden_size.max(1) as f64).powf(exponent);
    lr.clamp(1e-5, 1e-3)
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
    fn rates_follow_the_width() {
        assert!((transformer_lr(384) - 2e-4).abs() < 1e-12);
        assert!((transformer_lr(768) - 3e-5).abs() < 1e-12);
        assert_eq!(transformer_lr(32), 1e-3);
        assert_eq!(transformer_lr(4096), 1e-5);
    }

    #[test]
    fn every_bad_setting_is_named() {
        let good = TrainConfig::default();
        assert!(good.validate().is_ok());
        let cases = [
            (
                "epochs",
                TrainConfig {
                    epochs: 0,
                    ..good.clone()
                },
            ),
            (
                "lr",
                TrainConfig {
                    lr: f64::NAN,
                    ..good.clone()
                },
            ),
            (
                "lr",
                TrainConfig {
                    lr: -1.0,
                    ..good.clone()
                },
            ),
            (
                "beta2",
                TrainConfig {
                    beta2: 1.0,
                    ..good.clone()
                },
            ),
            (
                "weight_decay",
                TrainConfig {
                    weight_decay: -0.1,
                    ..good.clone()
                },
            ),
            (
                "max_grad_norm",
                TrainConfig {
                    max_grad_norm: f64::INFINITY,
                    ..good.clone()
                },
            ),
            (
                "patience",
                TrainConfig {
                    patience: 0,
                    ..good
                },
            ),
        ];
        for (name, config) in cases {
            let Err(Error::Config { field, .. }) = config.validate() else {
                panic!("{name} passed")
            };
            assert_eq!(field, name);
        }
    }

    #[test]
    fn json_fills_defaults_and_rejects_typos() {
        let config: TrainConfig = serde_json::from_str(r#"{"lr": 0.01}"#).unwrap();
        assert_eq!(config.lr, 0.01);
        assert_eq!(config.epochs, 5);
        assert!(serde_json::from_str::<TrainConfig>(r#"{"epoch": 3}"#).is_err());
    }
}
