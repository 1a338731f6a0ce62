//! [`Settings`]: how a model is trained, as far as it is not left to the preset.

use cs_data::{MAX_TEXT_BYTES, Utterance};
use cs_model::{BiLstmConfig, Device, EncoderConfig, SlotHead};

use crate::error::{Error, Result};
use crate::schedule::{ClassWeights, Decay, LossConfig, Preset, TrainConfig, TrainPrecision};

/// Longest input that the preset for long texts asks for, in tokens.
const LONG_MAX_LENGTH: usize = 512;
/// The seed where none is given.
const SEED: u64 = 42;

/// Settings of a run; what is `None` follows the preset and the encoder.
///
/// ```
/// use cs_model::{BiLstmConfig, EncoderConfig};
/// use cs_train::recipe::Settings;
///
/// let settings = Settings { epochs: Some(3), ..Settings::default() };
/// let config = settings.train_config(&EncoderConfig::from(BiLstmConfig::light(8000)));
/// // Who asks for epochs gets these, even if they are few steps.
/// assert_eq!((config.epochs, config.min_steps), (3, 0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The kind of data. Default general.
    pub preset: Preset,
    /// Passes over the training rows, at most; left out, more where they are too few steps.
    pub epochs: Option<usize>,
    /// Longest input in tokens, special ones included; the rest of a text is cut off. Left out:
    /// 128, or what the start's folder says, and 512 with the preset for long texts.
    pub max_length: Option<usize>,
    /// Rows in a batch, at most.
    pub batch_size: Option<usize>,
    /// Peak learning rate.
    pub lr: Option<f64>,
    /// The course of the learning rate after the warm-up.
    pub schedule: Option<Decay>,
    /// Steps until the peak, at most a tenth of the run.
    pub warmup_steps: Option<usize>,
    /// Factor of the rate from each layer to the one below.
    pub layer_decay: Option<f64>,
    /// Tokens in a batch, at most.
    pub max_tokens: Option<usize>,
    /// Parts that a batch is computed in, to save memory.
    pub accumulate: Option<usize>,
    /// The precision of products in training.
    pub precision: Option<TrainPrecision>,
    /// Decay of a running mean of the weights, which becomes the result.
    pub ema: Option<f64>,
    /// Size of the adversarial perturbation of the word embeddings.
    pub fgm: Option<f64>,
    /// Weight of the disagreement between two passes with different dropout.
    pub r_drop: Option<f64>,
    /// Share of the target's probability spread over all labels.
    pub label_smoothing: Option<f64>,
    /// Exponent of the focal loss of the intents.
    pub focal: Option<f64>,
    /// Weights of the intents.
    pub class_weights: Option<ClassWeights>,
    /// How tags are chosen. Left out: by a conditional random field in the light model, else by
    /// softmax.
    pub slots: Option<SlotHead>,
    /// Epochs without a gain after which training stops.
    pub patience: Option<usize>,
    /// Steps between checkpoints, 0 for none but at the end.
    pub checkpoint_every: Option<usize>,
    /// Whether to go on from the latest checkpoint, if there is one. Default no.
    pub resume: bool,
    /// Units of each direction of the light model.
    pub light_hidden: Option<usize>,
    /// Width of the light model's word embeddings.
    pub light_words: Option<usize>,
    /// Dropout of the light model.
    pub light_dropout: Option<f64>,
    /// Share of the words that the light model's training reads as unknown ones.
    pub light_word_dropout: Option<f64>,
    /// Intent of the rows that are out of scope: it is not learned, and a threshold is chosen below
    /// which there is no intent.
    pub oos_label: Option<String>,
    /// Source of every random choice. Default 42.
    pub seed: u64,
    /// Where training is computed; a CUDA device where there is one if left out.
    pub device: Option<Device>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            epochs: None,
            max_length: None,
            batch_size: None,
            lr: None,
            schedule: None,
            warmup_steps: None,
            layer_decay: None,
            max_tokens: None,
            accumulate: None,
            precision: None,
            ema: None,
            fgm: None,
            r_drop: None,
            label_smoothing: None,
            focal: None,
            class_weights: None,
            slots: None,
            patience: None,
            checkpoint_every: None,
            resume: false,
            light_hidden: None,
            light_words: None,
            light_dropout: None,
            light_word_dropout: None,
            oos_label: None,
            seed: SEED,
            device: None,
        }
    }
}

impl Settings {
    pub(crate) fn bilstm(&self, vocab_size: usize) -> BiLstmConfig {
        let usual = BiLstmConfig::light(vocab_size);
        BiLstmConfig {
            hidden_size: self.light_hidden.unwrap_or(usual.hidden_size),
            embedding_size: self.light_words.unwrap_or(usual.embedding_size),
            dropout: self.light_dropout.unwrap_or(usual.dropout),
            word_dropout: self.light_word_dropout.unwrap_or(usual.word_dropout),
            ..usual
        }
    }

    /// Longest input in tokens: the one asked for, else `usual`, or much for long texts.
    ///
    /// # Errors
    ///
    /// [`Error::MaxLength`] for a length for which the encoder has no positions.
    pub(crate) fn max_length(&self, usual: usize, encoder: &EncoderConfig) -> Result<usize> {
        let most = encoder.max_positions().unwrap_or(MAX_TEXT_BYTES);
        match self.max_length {
            Some(length) if !(3..=most).contains(&length) => Err(Error::MaxLength { length, most }),
            Some(length) => Ok(length),
            None if self.preset == Preset::LongText => Ok(usual.max(LONG_MAX_LENGTH.min(most))),
            None => Ok(usual),
        }
    }

    /// The row, without its intent if that means out of scope.
    pub(crate) fn in_scope(&self, mut row: Utterance) -> Utterance {
        let foreign = |intent: &String| self.oos_label.as_ref() == Some(intent);
        row.intent = row.intent.filter(|intent| !foreign(intent));
        row
    }

    /// The settings of a run with this encoder.
    #[must_use]
    pub fn train_config(&self, encoder: &EncoderConfig) -> TrainConfig {
        let suited = TrainConfig::preset(self.preset, encoder);
        let loss = suited.loss.clone();
        TrainConfig {
            epochs: self.epochs.unwrap_or(suited.epochs),
            min_steps: self.epochs.map_or(suited.min_steps, |_| 0),
            batch_size: self.batch_size.unwrap_or(suited.batch_size),
            lr: self.lr.unwrap_or(suited.lr),
            schedule: self.schedule.unwrap_or(suited.schedule),
            warmup_steps: self.warmup_steps.unwrap_or(suited.warmup_steps),
            layer_decay: self.layer_decay.unwrap_or(suited.layer_decay),
            max_tokens: self.max_tokens.unwrap_or(suited.max_tokens),
            accumulate: self.accumulate.unwrap_or(suited.accumulate),
            precision: self.precision.unwrap_or(suited.precision),
            ema: self.ema.unwrap_or(suited.ema),
            fgm: self.fgm.unwrap_or(suited.fgm),
            patience: self.patience.unwrap_or(suited.patience),
            checkpoint_every: self.checkpoint_every.unwrap_or(suited.checkpoint_every),
            seed: self.seed,
            loss: LossConfig {
                r_drop: self.r_drop.unwrap_or(loss.r_drop),
                label_smoothing: self.label_smoothing.unwrap_or(loss.label_smoothing),
                focal_gamma: self.focal.unwrap_or(loss.focal_gamma),
                class_weights: self.class_weights.clone().unwrap_or(loss.class_weights),
                ..loss
            },
            ..suited
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_model::BertConfig;

    #[test]
    fn long_texts_are_read_as_far_as_the_encoder_goes() {
        let length = |max_length, preset, positions| {
            let encoder = EncoderConfig::from(BertConfig {
                max_position_embeddings: positions,
                ..BertConfig::default()
            });
            let settings = Settings {
                max_length,
                preset,
                ..Settings::default()
            };
            let length = settings.max_length(128, &encoder);
            length.map_err(|error| error.to_string())
        };
        assert_eq!(length(None, Preset::General, 512), Ok(128));
        assert_eq!(length(None, Preset::LongText, 512), Ok(512));
        assert_eq!(length(None, Preset::LongText, 256), Ok(256));
        assert_eq!(length(Some(200), Preset::LongText, 512), Ok(200));
        let line = "max_length is 600; expected 3 to 512, the encoder's limit";
        assert_eq!(length(Some(600), Preset::General, 512), Err(line.into()));
        let settings = Settings::default();
        let light = EncoderConfig::from(settings.bilstm(100));
        assert_eq!(settings.max_length(128, &light).unwrap(), 128);
    }

    #[test]
    fn epochs_asked_for_are_the_epochs_made() {
        let encoder = EncoderConfig::from(BertConfig::default());
        let min_steps = |epochs| {
            let settings = Settings {
                epochs,
                ..Settings::default()
            };
            settings.train_config(&encoder).min_steps
        };
        assert_eq!((min_steps(None), min_steps(Some(1))), (300, 0));
    }
}
