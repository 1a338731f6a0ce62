//! Training as the examples do it: rows and a base model in, a bundle out.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use cs_data::{Dataset, Tokenizer, Utterance};
use cs_model::{
    BiLstmConfig, Bundle, BundleWriter, Calibration, Device, EncoderConfig, Manifest, Model,
    SlotHead, Tasks, TransformerConfig,
};
use cs_train::tensorboard::TensorBoard;
use cs_train::{
    Abstention, ClassWeights, Decay, EvaluateOptions, Evaluation, FineTune, LossConfig, Objective,
    Observer, Observers, Precision, Prepared, Preset, TrainConfig, TrainReport, Trainer, calibrate,
    evaluate, examples, predict, tasks_of,
};
use serde_json::{Value, json};

use crate::error::Result;
use crate::interrupt::stop_on_interrupt;

/// Longest input of the light model, in tokens.
pub(crate) const LIGHT_MAX_LENGTH: usize = 128;
/// Entries of its vocabulary, at most.
pub(crate) const LIGHT_VOCABULARY: usize = 8000;
/// Width of one direction of its LSTM.
const LIGHT_HIDDEN: usize = 160;

/// What training starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Word pieces learned from the training texts, embeddings and a BiLSTM with fresh weights.
    Light,
    /// Word pieces likewise, and a transformer of four blocks with fresh weights.
    Mini,
    /// The encoder of a Hugging Face folder or of a bundle, with fresh heads.
    Folder(PathBuf),
}

impl FromStr for Base {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "light" => Self::Light,
            "mini" => Self::Mini,
            folder => Self::Folder(folder.into()),
        })
    }
}

/// Settings of a run; what is left out follows the preset and the encoder.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// Kind of data: general, long-text, small-data, complex or cold-start
    #[arg(long, default_value = "general")]
    pub preset: Preset,
    /// Passes over the training rows, at most
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Rows in a batch, at most
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Peak learning rate
    #[arg(long)]
    pub lr: Option<f64>,
    /// Its course after the warm-up: linear, cosine, constant or inverse-sqrt
    #[arg(long)]
    pub schedule: Option<Decay>,
    /// Steps until the peak, at most a tenth of the run
    #[arg(long)]
    pub warmup_steps: Option<usize>,
    /// Factor of the rate from each layer to the one below
    #[arg(long, value_name = "FACTOR")]
    pub layer_decay: Option<f64>,
    /// Tokens in a batch, at most
    #[arg(long)]
    pub max_tokens: Option<usize>,
    /// Parts that a batch is computed in, to save memory
    #[arg(long, value_name = "PARTS")]
    pub accumulate: Option<usize>,
    /// fp32, bf16 or fp16
    #[arg(long)]
    pub precision: Option<Precision>,
    /// Decay of a running mean of the weights, which becomes the result
    #[arg(long, value_name = "DECAY")]
    pub ema: Option<f64>,
    /// Size of the adversarial perturbation of the word embeddings
    #[arg(long, value_name = "SIZE")]
    pub fgm: Option<f64>,
    /// Weight of the disagreement between two passes with different dropout
    #[arg(long, value_name = "WEIGHT")]
    pub r_drop: Option<f64>,
    /// Share of the target's probability spread over all labels
    #[arg(long, value_name = "SHARE")]
    pub label_smoothing: Option<f64>,
    /// Exponent of the focal loss of the intents
    #[arg(long, value_name = "EXPONENT")]
    pub focal: Option<f64>,
    /// Weights of the intents: none or balanced
    #[arg(long, value_name = "none|balanced", value_parser = class_weights)]
    pub class_weights: Option<ClassWeights>,
    /// How tags are chosen: softmax or crf
    #[arg(long, value_name = "softmax|crf", value_parser = slot_head, default_value = "softmax")]
    pub slots: SlotHead,
    /// Epochs without a gain after which training stops
    #[arg(long)]
    pub patience: Option<usize>,
    /// Steps between checkpoints, 0 for none but at the end
    #[arg(long, value_name = "STEPS")]
    pub checkpoint_every: Option<usize>,
    /// Go on from the latest checkpoint, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Units of each direction of the light model
    #[arg(long, value_name = "UNITS")]
    pub light_hidden: Option<usize>,
    /// Width of the light model's word embeddings
    #[arg(long, value_name = "WIDTH")]
    pub light_words: Option<usize>,
    /// Dropout of the light model
    #[arg(long, value_name = "RATE")]
    pub light_dropout: Option<f64>,
    /// Intent of the rows that are out of scope: it is not learned, and a threshold is chosen below which
    /// there is no intent
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

impl Settings {
    /// What brings the light model furthest in a minute or two.
    pub fn light(seed: u64) -> Self {
        Self {
            epochs: Some(14),
            batch_size: Some(64),
            lr: Some(4e-3),
            seed,
            ..Self::default()
        }
    }

    fn bilstm(&self, vocab_size: usize) -> BiLstmConfig {
        let usual = BiLstmConfig::default();
        BiLstmConfig {
            vocab_size,
            hidden_size: self.light_hidden.unwrap_or(LIGHT_HIDDEN),
            embedding_size: self.light_words.unwrap_or(usual.embedding_size),
            dropout: self.light_dropout.unwrap_or(usual.dropout),
            ..usual
        }
    }

    /// The row, without its intent if that means out of scope.
    fn in_scope(&self, mut row: Utterance) -> Utterance {
        let foreign = |intent: &String| self.oos_label.as_ref() == Some(intent);
        row.intent = row.intent.filter(|intent| !foreign(intent));
        row
    }

    pub(crate) fn train_config(&self, encoder: &EncoderConfig) -> TrainConfig {
        let suited = TrainConfig::preset(self.preset, encoder);
        let loss = suited.loss.clone();
        TrainConfig {
            epochs: self.epochs.unwrap_or(suited.epochs),
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

/// A trained model and how it came about.
#[derive(Debug)]
pub struct Fitted {
    /// The model with its best weights.
    pub model: Model,
    /// How the run went.
    pub report: TrainReport,
    /// Its figures on the validation rows, if there were any.
    pub evaluation: Option<Evaluation>,
    tokenizer: Tokenizer,
    manifest: Manifest,
    eval_max_tokens: usize,
    oos_label: Option<String>,
}

/// The untrained parts.
pub(crate) struct Start {
    pub(crate) model: Model,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) max_length: usize,
    base_model: Option<String>,
    licence: Option<String>,
}

/// Everything a run needs, read and checked; nothing is written yet.
pub(crate) struct Ready {
    pub(crate) start: Start,
    pub(crate) config: TrainConfig,
    pub(crate) train: Prepared,
    pub(crate) eval: Option<Prepared>,
    tasks: Tasks,
    fingerprint: String,
    oos_label: Option<String>,
}

/// Trains on `train`, validates on `eval`, keeps checkpoints in `out`/checkpoints and records the
/// run for TensorBoard in `out`/runs. Nothing is
/// written before the settings and the rows have been checked. For the light model, libtorch is set
/// to one thread for the whole process.
///
/// # Errors
///
/// A base model that cannot be used, settings out of range, rows without labels, a checkpoint that
/// cannot be written.
pub fn fit(
    data: (&Dataset, Option<&Dataset>),
    base: &Base,
    settings: &Settings,
    out: &Path,
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let tasks = Tasks {
        slot_head: settings.slots,
        ..tasks_of(data.0.iter().map(|row| settings.in_scope(row)))
    };
    let mut ready = Ready::new(data, base, tasks, settings, None)?;
    let config = ready.config.clone();
    let eval = ready.eval.as_ref();
    let objective = FineTune::new(&mut ready.start.model, &ready.train, eval, &config)?;
    let report = run_of(&objective, config, (settings, out), observer)?;
    ready.finish(report)
}

/// Runs an objective, with checkpoints and a recording in `out`.
pub(crate) fn run_of(
    objective: &dyn Objective,
    config: TrainConfig,
    (settings, out): (&Settings, &Path),
    observer: &mut dyn Observer,
) -> Result<TrainReport> {
    let trainer = Trainer::new(config, out.join("checkpoints"))?.resume(settings.resume);
    let mut board = TensorBoard::new(out.join("runs"))?;
    let mut stop = stop_on_interrupt();
    let mut observers = Observers(vec![observer, &mut board, &mut stop]);
    Ok(trainer.run(objective, &mut observers)?)
}

impl Ready {
    pub(crate) fn new(
        (train, eval): (&Dataset, Option<&Dataset>),
        base: &Base,
        tasks: Tasks,
        settings: &Settings,
        tokenizer: Option<&Tokenizer>,
    ) -> Result<Self> {
        let start = start(base, train, &tasks, settings, tokenizer)?;
        if matches!(start.model.config(), EncoderConfig::BiLstm(_)) {
            // Its products are so small that threads mostly wait for each other, and where another
            // process has a core they wait ten times longer than one thread works.
            tch::set_num_threads(1);
        }
        let prepare =
            |rows: &Dataset| examples(rows.iter(), &start.tokenizer, &tasks, start.max_length);
        let (train_rows, eval_rows) = (prepare(train)?, eval.map(prepare).transpose()?);
        Ok(Self {
            config: settings.train_config(start.model.config()),
            train: train_rows,
            eval: eval_rows,
            start,
            tasks,
            fingerprint: train.fingerprint(),
            oos_label: settings.oos_label.clone(),
        })
    }

    /// The trained model, calibrated and scored on the validation rows, if there are any.
    pub(crate) fn finish(self, report: TrainReport) -> Result<Fitted> {
        let eval_rows = self.eval.as_ref().map_or(0, |rows| rows.rows.len());
        let kept = json!({
            "config": &self.config, "train_rows": self.train.rows.len(), "eval_rows": eval_rows,
        });
        let mut fitted = Fitted {
            evaluation: None,
            model: self.start.model,
            report,
            tokenizer: self.start.tokenizer,
            manifest: Manifest {
                base_model: self.start.base_model,
                licence: self.start.licence,
                data_fingerprint: Some(self.fingerprint),
                settings: kept,
                ..Manifest::new(self.tasks, self.start.max_length)
            },
            eval_max_tokens: self.config.eval_max_tokens,
            oos_label: self.oos_label,
        };
        if let Some(rows) = self.eval {
            fitted.calibrate(&rows)?;
            let evaluation = fitted.evaluate(&rows.rows)?;
            fitted.note_metrics("eval", &evaluation);
            fitted.evaluation = Some(evaluation);
        }
        Ok(fitted)
    }
}

/// `tokenizer`: for a base without one, instead of one learned from the texts.
fn start(
    base: &Base,
    train: &Dataset,
    tasks: &Tasks,
    settings: &Settings,
    tokenizer: Option<&Tokenizer>,
) -> Result<Start> {
    let device = settings.device.unwrap_or_else(Device::auto);
    match base {
        Base::Light | Base::Mini => {
            let rows: Vec<Utterance> = train.iter().collect();
            let texts = rows.iter().map(|row| row.text.as_str());
            let tokenizer = match tokenizer {
                Some(tokenizer) => tokenizer.clone(),
                None => Tokenizer::train(texts, LIGHT_VOCABULARY)?,
            };
            let words = tokenizer.vocab_size();
            let config = match base {
                Base::Mini => EncoderConfig::from(TransformerConfig::mini(words)),
                _ => settings.bilstm(words).into(),
            };
            Ok(Start {
                model: Model::new(&config, tasks, device, settings.seed)?,
                tokenizer,
                max_length: LIGHT_MAX_LENGTH,
                base_model: None,
                licence: None,
            })
        }
        Base::Folder(folder) => {
            let bundle = Bundle::open(folder)?;
            let manifest = bundle.manifest();
            let name = folder
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            Ok(Start {
                model: Model::from_pretrained(&bundle, tasks, device, settings.seed)?,
                tokenizer: bundle.tokenizer()?,
                max_length: bundle.max_length(),
                base_model: manifest.and_then(|m| m.base_model.clone()).or(name),
                licence: manifest.and_then(|m| m.licence.clone()),
            })
        }
    }
}

impl Fitted {
    /// Fits the temperatures to rows that were not trained on and, if some of them are out of scope, the
    /// threshold below which there is no intent.
    fn calibrate(&mut self, rows: &Prepared) -> Result<()> {
        let oos = self.oos_label.as_deref();
        let foreign = |row: &Utterance| oos.is_some() && row.intent.as_deref() == oos;
        let threshold = rows
            .rows
            .iter()
            .any(foreign)
            .then_some(Abstention::Balanced);
        let length = self.eval_max_tokens;
        self.manifest.calibration = calibrate(&self.model, rows, length, oos, threshold)?;
        Ok(())
    }

    /// Scores the model on other rows. Labels it does not know count as wrong.
    ///
    /// # Errors
    ///
    /// If a row is invalid or the model fails.
    pub fn evaluate(&self, rows: &[Utterance]) -> Result<Evaluation> {
        let (tasks, length) = (&self.manifest.tasks, self.manifest.max_length);
        let prepared = examples(rows.iter().cloned(), &self.tokenizer, tasks, length)?;
        // The figures about confidence want to see what is below the threshold as well.
        let calibration = Calibration {
            abstain_below: None,
            ..self.manifest.calibration
        };
        let answers = predict(&self.model, &prepared, self.eval_max_tokens, &calibration)?;
        let options = EvaluateOptions {
            tasks: Some(tasks),
            oos_label: self.oos_label.as_deref(),
            abstain_below: self.manifest.calibration.abstain_below,
        };
        Ok(evaluate(rows, &answers, &options)?)
    }

    /// Puts figures into the bundle's manifest, as `SET.FIGURE`.
    pub fn note_metrics(&mut self, set: &str, evaluation: &Evaluation) {
        let figures = serde_json::to_value(evaluation).unwrap_or(Value::Null);
        for (name, figure) in figures.as_object().into_iter().flatten() {
            if let Some(figure) = figure.as_f64() {
                self.manifest
                    .metrics
                    .insert(format!("{set}.{name}"), figure);
            }
        }
    }

    /// The heads and their labels.
    pub fn tasks(&self) -> &Tasks {
        &self.manifest.tasks
    }

    /// Writes the bundle.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written; a bundle that was there before stays whole.
    pub fn write(&self, out: &Path) -> Result<()> {
        let mut writer = BundleWriter::new(out)?;
        writer.write("config.json", &self.model.config().to_json()?)?;
        writer.write("tokenizer.json", &self.tokenizer.to_json()?)?;
        writer.write_with(Bundle::WEIGHTS, |path| self.model.save_weights(path))?;
        writer.finish(self.manifest.clone())?;
        Ok(())
    }
}
