//! Settings of a training run, as the examples' arguments say them.

use std::path::Path;

use clap::Args;
use cs_model::{Device, EncoderConfig, SlotHead};
use cs_train::recipe::{self, Recipe, Start};
use cs_train::schedule::{ClassWeights, Decay, Preset, TrainConfig, TrainPrecision};

use crate::defaults::stated;
use crate::interrupt::stop_flag;
use crate::number;

/// Settings of a run; what is left out follows the preset and the encoder.
#[derive(Debug, Clone, Default, Args)]
#[command(mut_args(stated))]
pub struct Settings {
    /// Kind of data: general, long-text, small-data, complex or cold-start
    #[arg(long, default_value = "general")]
    pub preset: Preset,
    /// Passes over the training rows, at most; left out, more where they are fewer than 300 steps
    /// (900 for light)
    #[arg(long, value_parser = number::positive)]
    pub epochs: Option<usize>,
    /// Longest input in tokens, special ones included; the rest of a text is cut off. Left out:
    /// 128, or what the model's folder says, and 512 with the preset long-text
    #[arg(long, value_name = "TOKENS")]
    pub max_length: Option<usize>,
    /// Rows in a batch, at most
    #[arg(long, value_parser = number::positive)]
    pub batch_size: Option<usize>,
    /// Peak learning rate
    #[arg(long, value_parser = number::above_zero)]
    pub lr: Option<f64>,
    /// Its course after the warm-up: linear, cosine, constant or inverse-sqrt
    #[arg(long)]
    pub schedule: Option<Decay>,
    /// Steps until the peak, at most a tenth of the run
    #[arg(long)]
    pub warmup_steps: Option<usize>,
    /// Factor of the rate from each layer to the one below
    #[arg(long, value_name = "FACTOR", value_parser = number::factor)]
    pub layer_decay: Option<f64>,
    /// Tokens in a batch, at most
    #[arg(long, value_parser = number::positive)]
    pub max_tokens: Option<usize>,
    /// Parts that a batch is computed in, to save memory
    #[arg(long, value_name = "PARTS", value_parser = number::positive)]
    pub accumulate: Option<usize>,
    /// fp32, bf16 or fp16
    #[arg(long)]
    pub precision: Option<TrainPrecision>,
    /// Decay of a running mean of the weights, which becomes the result
    #[arg(long, value_name = "DECAY", value_parser = number::share)]
    pub ema: Option<f64>,
    /// Size of the adversarial perturbation of the word embeddings
    #[arg(long, value_name = "SIZE", value_parser = number::not_negative)]
    pub fgm: Option<f64>,
    /// Weight of the disagreement between two passes with different dropout
    #[arg(long, value_name = "WEIGHT", value_parser = number::not_negative)]
    pub r_drop: Option<f64>,
    /// Share of the target's probability spread over all labels
    #[arg(long, value_name = "SHARE", value_parser = number::share)]
    pub label_smoothing: Option<f64>,
    /// Exponent of the focal loss of the intents
    #[arg(long, value_name = "EXPONENT", value_parser = number::not_negative)]
    pub focal: Option<f64>,
    /// Weights of the intents: none or balanced
    #[arg(long, value_name = "none|balanced", value_parser = class_weights)]
    pub class_weights: Option<ClassWeights>,
    /// How tags are chosen: softmax or crf
    #[arg(long, value_name = "softmax|crf", value_parser = slot_head)]
    pub slots: Option<SlotHead>,
    /// Epochs without a gain after which training stops
    #[arg(long, value_parser = number::positive)]
    pub patience: Option<usize>,
    /// Steps between checkpoints, 0 for none but at the end
    #[arg(long, value_name = "STEPS")]
    pub checkpoint_every: Option<usize>,
    /// Go on from the latest checkpoint, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Units of each direction of the light model
    #[arg(long, value_name = "UNITS", value_parser = number::positive)]
    pub light_hidden: Option<usize>,
    /// Width of the light model's word embeddings
    #[arg(long, value_name = "WIDTH", value_parser = number::positive)]
    pub light_words: Option<usize>,
    /// Dropout of the light model
    #[arg(long, value_name = "RATE", value_parser = number::share)]
    pub light_dropout: Option<f64>,
    /// Share of the words that the light model's training reads as unknown ones
    #[arg(long, value_name = "SHARE")]
    pub light_word_dropout: Option<f64>,
    /// Intent of the rows that are out of scope: it is not learned, and a threshold is chosen below
    /// which there is no intent
    #[arg(long, value_name = "LABEL")]
    pub oos_label: Option<String>,
    /// Source of every random choice
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// cpu, cuda or cuda:N; a CUDA device where there is one if left out
    #[arg(long)]
    pub device: Option<Device>,
}

fn slot_head(text: &str) -> Result<SlotHead, String> {
    match text {
        "softmax" => Ok(SlotHead::Softmax),
        "crf" => Ok(SlotHead::Crf),
        _ => Err(format!("{text:?}, expected softmax or crf")),
    }
}

fn class_weights(text: &str) -> Result<ClassWeights, String> {
    match text {
        "none" => Ok(ClassWeights::None),
        "balanced" => Ok(ClassWeights::Balanced),
        _ => Err(format!("{text:?}, expected none or balanced")),
    }
}

impl From<&Settings> for recipe::Settings {
    fn from(given: &Settings) -> Self {
        let given = given.clone();
        Self {
            preset: given.preset,
            epochs: given.epochs,
            max_length: given.max_length,
            batch_size: given.batch_size,
            lr: given.lr,
            schedule: given.schedule,
            warmup_steps: given.warmup_steps,
            layer_decay: given.layer_decay,
            max_tokens: given.max_tokens,
            accumulate: given.accumulate,
            precision: given.precision,
            ema: given.ema,
            fgm: given.fgm,
            r_drop: given.r_drop,
            label_smoothing: given.label_smoothing,
            focal: given.focal,
            class_weights: given.class_weights,
            slots: given.slots,
            patience: given.patience,
            checkpoint_every: given.checkpoint_every,
            resume: given.resume,
            light_hidden: given.light_hidden,
            light_words: given.light_words,
            light_dropout: given.light_dropout,
            light_word_dropout: given.light_word_dropout,
            oos_label: given.oos_label,
            seed: given.seed,
            device: given.device,
        }
    }
}

impl Settings {
    /// The recipe for a model in `out`, whose run a signal stops.
    pub fn recipe(&self, start: &Start, out: &Path) -> Recipe {
        Recipe {
            settings: self.into(),
            stop: stop_flag(),
            ..Recipe::new(start.clone(), out)
        }
    }

    /// The settings of a run with this encoder.
    pub fn train_config(&self, encoder: &EncoderConfig) -> TrainConfig {
        recipe::Settings::from(self).train_config(encoder)
    }
}
