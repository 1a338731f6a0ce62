//! Training as the examples do it: rows and a base model in, a bundle out.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use cs_data::{Dataset, Tokenizer, Utterance};
use cs_model::{
    BiLstmConfig, Bundle, BundleWriter, Calibration, Device, EncoderConfig, Manifest, Model, Tasks,
};
use cs_train::{
    EvaluateOptions, Evaluation, Observer, TrainConfig, TrainReport, Trainer, evaluate, examples,
    predict, tasks_of,
};
use serde_json::{Value, json};

use crate::error::Result;

/// Longest input of the light model, in tokens.
const LIGHT_MAX_LENGTH: usize = 128;
/// Entries of its vocabulary, at most.
const LIGHT_VOCABULARY: usize = 8000;
/// Width of one direction of its LSTM.
const LIGHT_HIDDEN: usize = 160;

/// What training starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Word pieces learned from the training texts, embeddings and a BiLSTM with fresh weights.
    Light,
    /// The encoder of a Hugging Face folder or of a bundle, with fresh heads.
    Folder(PathBuf),
}

impl FromStr for Base {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "light" {
            Self::Light
        } else {
            Self::Folder(text.into())
        })
    }
}

/// Settings of a run; what is left out follows the encoder.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// Passes over the training rows, at most
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Rows in a batch, at most
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Peak learning rate
    #[arg(long)]
    pub lr: Option<f64>,
    /// Steps until the peak, at most a tenth of the run
    #[arg(long)]
    pub warmup_steps: Option<usize>,
    /// Tokens in a batch, at most
    #[arg(long)]
    pub max_tokens: Option<usize>,
    /// Source of every random choice
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// cpu, cuda or cuda:N; a CUDA device where there is one if left out
    #[arg(long)]
    pub device: Option<Device>,
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

    fn train_config(&self, encoder: &EncoderConfig) -> TrainConfig {
        let suited = TrainConfig::for_encoder(encoder);
        TrainConfig {
            epochs: self.epochs.unwrap_or(suited.epochs),
            batch_size: self.batch_size.unwrap_or(suited.batch_size),
            lr: self.lr.unwrap_or(suited.lr),
            warmup_steps: self.warmup_steps.unwrap_or(suited.warmup_steps),
            max_tokens: self.max_tokens.unwrap_or(suited.max_tokens),
            seed: self.seed,
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
    /// Its figures on the validation rows.
    pub evaluation: Evaluation,
    tokenizer: Tokenizer,
    manifest: Manifest,
    eval_max_tokens: usize,
}

/// The untrained parts.
struct Start {
    model: Model,
    tokenizer: Tokenizer,
    max_length: usize,
    base_model: Option<String>,
    licence: Option<String>,
}

/// Trains on `train`, validates on `eval`, and keeps checkpoints in `out`/checkpoints. Nothing is
/// written before the settings and the rows have been checked. For the light model, libtorch is set
/// to one thread for the whole process.
///
/// # Errors
///
/// A base model that cannot be used, settings out of range, rows without labels, a checkpoint that
/// cannot be written.
pub fn fit(
    (train, eval): (&Dataset, &Dataset),
    base: &Base,
    settings: &Settings,
    out: &Path,
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let tasks = tasks_of(train.iter());
    let mut start = start(base, train, &tasks, settings)?;
    if matches!(start.model.config(), EncoderConfig::BiLstm(_)) {
        // Its products are so small that threads mostly wait for each other, and where another
        // process has a core they wait ten times longer than one thread works.
        tch::set_num_threads(1);
    }
    let config = settings.train_config(start.model.config());
    let prepare =
        |rows: &Dataset| examples(rows.iter(), &start.tokenizer, &tasks, start.max_length);
    let (train_rows, eval_rows) = (prepare(train)?, prepare(eval)?);
    let eval_max_tokens = config.eval_max_tokens;
    let kept = json!({ "config": &config, "train_rows": train.len(), "eval_rows": eval.len() });
    let mut trainer = Trainer::new(&mut start.model, config, out.join("checkpoints"))?;
    let report = trainer.fit(&train_rows, &eval_rows, observer)?;
    let mut fitted = Fitted {
        evaluation: report.best.unwrap_or_default(),
        model: start.model,
        report,
        tokenizer: start.tokenizer,
        manifest: Manifest {
            base_model: start.base_model,
            licence: start.licence,
            data_fingerprint: Some(train.fingerprint()),
            settings: kept,
            ..Manifest::new(tasks, start.max_length)
        },
        eval_max_tokens,
    };
    if fitted.report.best.is_none() {
        // Stopped within the first epoch: nothing was validated yet.
        fitted.evaluation = fitted.evaluate(&eval_rows.rows)?;
    }
    fitted.note_metrics("eval", &fitted.evaluation.clone());
    Ok(fitted)
}

fn start(base: &Base, train: &Dataset, tasks: &Tasks, settings: &Settings) -> Result<Start> {
    let device = settings.device.unwrap_or_else(Device::auto);
    match base {
        Base::Light => {
            let rows: Vec<Utterance> = train.iter().collect();
            let texts = rows.iter().map(|row| row.text.as_str());
            let tokenizer = Tokenizer::train(texts, LIGHT_VOCABULARY)?;
            let config = EncoderConfig::from(BiLstmConfig {
                vocab_size: tokenizer.vocab_size(),
                hidden_size: LIGHT_HIDDEN,
                ..BiLstmConfig::default()
            });
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
    /// Scores the model on other rows. Labels it does not know count as wrong.
    ///
    /// # Errors
    ///
    /// If a row is invalid or the model fails.
    pub fn evaluate(&self, rows: &[Utterance]) -> Result<Evaluation> {
        let (tasks, length) = (&self.manifest.tasks, self.manifest.max_length);
        let prepared = examples(rows.iter().cloned(), &self.tokenizer, tasks, length)?;
        let answers = predict(
            &self.model,
            &prepared,
            self.eval_max_tokens,
            &Calibration::default(),
        )?;
        let options = EvaluateOptions {
            tasks: Some(tasks),
            ..EvaluateOptions::default()
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
