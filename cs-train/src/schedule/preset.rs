//! [`Preset`]: settings for kinds of data.

use cs_model::{Architecture, EncoderConfig};
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;

/// Settings for a kind of data, as practice with customer-service text has found them.
///
/// | preset | for | batch | rate | epochs | warm-up |
/// | --- | --- | --- | --- | --- | --- |
/// | `General` | most data | 32 (16–32) | 3e-5 | 5 (3–5) | 500 |
/// | `LongText` | e-mails, whole dialogues | 16 (8–16) | 3e-5 | 5 | 500 |
/// | `SmallData` | a few hundred rows | 32 | 1e-5 | 5 | 500 |
/// | `Complex` | many labels, several tasks | 32 | 3e-5 | 10 (8–10) | 500 |
/// | `ColdStart` | labels the encoder has seen nothing of | 32 | 3e-5 | 5 | 1000 (200–1000) |
///
/// In brackets the range in which to try. The rates are for an encoder of BERT-base's width.
/// Narrower ones learn next to nothing at them, so [`TrainConfig::preset`] scales them: by a power
/// law through a factor of 1 at a hidden size of 768 and 6⅔ at 384 (MiniLM: 2e-4 instead of 3e-5),
/// the result within 1e-5/3 and 1e-3. A BiLSTM learns from scratch: 200 times the rate (6e-3), 2.4
/// times the epochs, twice the batch. Every preset makes at least 300 steps
/// ([`TrainConfig::min_steps`]; 900 from scratch): a few hundred rows learn next to nothing in 60.
/// A warm-up longer than a tenth of the run is shortened when the run is planned.
///
/// ```
/// use cs_model::{BertConfig, EncoderConfig};
/// use cs_train::schedule::{Preset, TrainConfig};
///
/// let mini = EncoderConfig::from(BertConfig { hidden_size: 384, ..Default::default() });
/// let config = TrainConfig::preset("long-text".parse()?, &mini);
/// assert_eq!(config.batch_size, 16);
/// assert!((config.lr - 2e-4).abs() < 1e-9);
/// assert_eq!(Preset::LongText.config().lr, 3e-5);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// For most data.
    #[default]
    General,
    /// For e-mails and whole dialogues.
    LongText,
    /// For a few hundred rows.
    SmallData,
    /// For many labels and several tasks.
    Complex,
    /// Labels the encoder has seen nothing of.
    ColdStart,
}

/// The width that the table's rates are for, BERT-base's, and what they are scaled by at half of
/// it.
const BASE_WIDTH: f64 = 768.0;
const AT_HALF: f64 = 20.0 / 3.0;
/// The learning rate of an LSTM that starts with random weights.
const FROM_SCRATCH: f64 = 6e-3 / 3e-5;
const FROM_SCRATCH_EPOCHS: (usize, usize) = (12, 5);
const FROM_SCRATCH_STEPS: usize = 3;
const FROM_SCRATCH_BATCH: usize = 2;

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 5] = [
        Self::General,
        Self::LongText,
        Self::SmallData,
        Self::Complex,
        Self::ColdStart,
    ];

    /// The name: `general`, `long-text`, `small-data`, `complex` or `cold-start`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::LongText => "long-text",
            Self::SmallData => "small-data",
            Self::Complex => "complex",
            Self::ColdStart => "cold-start",
        }
    }

    /// The table's settings as they stand, for an encoder of BERT-base's width.
    #[must_use]
    pub fn config(self) -> TrainConfig {
        let general = TrainConfig {
            min_steps: 300,
            ..TrainConfig::default()
        };
        match self {
            Self::General => general,
            Self::LongText => TrainConfig {
                batch_size: 16,
                ..general
            },
            Self::SmallData => TrainConfig {
                lr: 1e-5,
                ..general
            },
            Self::Complex => TrainConfig {
                epochs: 10,
                ..general
            },
            Self::ColdStart => TrainConfig {
                warmup_steps: 1000,
                ..general
            },
        }
    }
}

impl std::str::FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{text:?}, expected one of {names}")
        })
    }
}

impl TrainConfig {
    /// The settings of `preset` with rate and epochs that suit `encoder`, see [`Preset`]. Logs what
    /// it scaled.
    #[must_use]
    pub fn preset(preset: Preset, encoder: &EncoderConfig) -> Self {
        let table = preset.config();
        let suited = match encoder.architecture() {
            Architecture::BiLstm(_) => Self {
                lr: table.lr * FROM_SCRATCH,
                epochs: table.epochs * FROM_SCRATCH_EPOCHS.0 / FROM_SCRATCH_EPOCHS.1,
                min_steps: table.min_steps * FROM_SCRATCH_STEPS,
                batch_size: table.batch_size * FROM_SCRATCH_BATCH,
                ..table.clone()
            },
            Architecture::Transformer(stack) => Self {
                lr: scaled(table.lr, stack.hidden_size),
                ..table.clone()
            },
        };
        if suited.lr != table.lr {
            tracing::info!(
                preset = preset.name(),
                from = table.lr,
                to = suited.lr,
                hidden_size = encoder.hidden_size(),
                "the preset's learning rate was scaled to suit the encoder"
            );
        }
        suited
    }
}

fn scaled(lr: f64, hidden_size: usize) -> f64 {
    let factor = (BASE_WIDTH / hidden_size.max(1) as f64).powf(AT_HALF.log2());
    (lr * factor).clamp(1e-5 / 3.0, 1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_model::{BertConfig, BiLstmConfig};

    #[test]
    fn the_table_holds_the_guides_values() {
        let rows = Preset::ALL.map(|preset| {
            let c = preset.config();
            assert!(c.validate().is_ok());
            assert_eq!(preset.name().parse(), Ok(preset));
            (preset.name(), c.batch_size, c.lr, c.epochs, c.warmup_steps)
        });
        assert_eq!(
            rows,
            [
                ("general", 32, 3e-5, 5, 500),
                ("long-text", 16, 3e-5, 5, 500),
                ("small-data", 32, 1e-5, 5, 500),
                ("complex", 32, 3e-5, 10, 500),
                ("cold-start", 32, 3e-5, 5, 1000),
            ]
        );
        assert!("huge".parse::<Preset>().unwrap_err().contains("cold-start"));
    }

    #[test]
    fn rates_follow_the_width() {
        for (width, lr) in [(384, 2e-4), (768, 3e-5), (32, 1e-3), (8192, 1e-5 / 3.0)] {
            assert!((scaled(3e-5, width) - lr).abs() < 1e-12, "{width}");
        }
        let small = |encoder: EncoderConfig| TrainConfig::preset(Preset::SmallData, &encoder);
        assert!((small(BertConfig::default().into()).lr - 1e-5).abs() < 1e-12);
        let light = small(BiLstmConfig::default().into());
        assert!((light.lr - 2e-3).abs() < 1e-9);
        assert_eq!((light.epochs, light.min_steps), (12, 900));
        assert_eq!(light.batch_size, 64);
    }
}
