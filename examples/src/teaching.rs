//! Distillation as the examples do it.

use std::path::{Path, PathBuf};

use clap::Args;
use cs_data::{Dataset, Tokenizer, Utterance};
use cs_model::{Bundle, Device, EncoderConfig, Model};
use cs_train::data::{Example, Prepared, examples};
use cs_train::objective::{Distill, DistillConfig, FineTune, Teacher};
use cs_train::run::Observer;

use crate::base::{Base, Start};
use crate::command::TrainArgs;
use crate::error::{Error, Result};
use crate::fit::{Ready, run_of};
use crate::fitted::Fitted;
use crate::number;
use crate::run::note;
use crate::settings::Settings;
use crate::unseen::warn_unseen;
use crate::variants::variants;

/// Where a light pupil's word embeddings start from the teacher's, they have its usual deviation.
const WORD_DEVIATION: f64 = 0.3;
const WORDS: &str = "embeddings.word_embeddings.weight";

/// A teacher and what it is asked about besides the labelled rows.
#[derive(Debug)]
pub struct Teaching {
    /// The trained model.
    pub teacher: Teacher,
    /// Texts whose labels do not count.
    pub corpus: Vec<Utterance>,
    /// How its answers count.
    pub config: DistillConfig,
}

/// What a teacher is asked, and how its answers count.
#[derive(Debug, Args)]
pub struct DistillArgs {
    /// Texts whose labels, if any, are not looked at
    #[arg(long, value_name = "PATH")]
    pub corpus: Option<PathBuf>,
    /// Variants made of each training text
    #[arg(long, default_value_t = 0)]
    pub copies: usize,
    /// Divides the logits before they are compared
    #[arg(long, default_value_t = 2.0, value_parser = number::above_zero)]
    pub temperature: f64,
    /// Weight of the teacher's answers
    #[arg(long, default_value_t = 1.0, value_parser = number::not_negative)]
    pub soft: f64,
    /// Weight of the labels
    #[arg(long, default_value_t = 0.5, value_parser = number::not_negative)]
    pub hard: f64,
    /// Weight of the hidden states' distance, between transformers
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, value_parser = number::not_negative)]
    pub hidden: f64,
}

impl DistillArgs {
    /// The configuration they stand for.
    pub fn config(&self) -> DistillConfig {
        DistillConfig {
            temperature: self.temperature,
            soft: self.soft,
            hard: self.hard,
            hidden: self.hidden,
            attention: 0.0,
        }
    }

    /// Adds the texts of `--corpus` and the variants of `train` to what the teacher is asked, and warns
    /// of labels it does not know.
    ///
    /// # Errors
    ///
    /// A corpus that cannot be read or has no rows.
    pub fn ask(&self, teaching: &mut Teaching, common: &TrainArgs, train: &Dataset) -> Result<()> {
        if let Some(path) = &self.corpus {
            teaching.corpus = common.format.open_texts(path)?.iter().collect();
            if teaching.corpus.is_empty() {
                return Err(Error::Unfit {
                    path: path.clone(),
                    found: "no rows".to_owned(),
                    expected: "texts",
                });
            }
        }
        let rows: Vec<_> = train.iter().collect();
        warn_unseen(&common.train, &rows, teaching.teacher.tasks());
        let made = variants(train, self.copies, common.settings.seed)?;
        teaching.corpus.extend(made);
        let (labelled, corpus) = (train.len(), teaching.corpus.len());
        note(format_args!(
            "{labelled} labelled rows, {corpus} texts without labels"
        ));
        Ok(())
    }
}

impl Teaching {
    /// Opens a teacher, without a corpus.
    ///
    /// # Errors
    ///
    /// A folder that is no trained model.
    pub fn open(teacher: &Path, device: Option<Device>, config: DistillConfig) -> Result<Self> {
        config.validate()?;
        let device = device.unwrap_or_else(Device::auto);
        Ok(Self {
            teacher: Teacher::open(&Bundle::open(teacher)?, device)?,
            corpus: Vec::new(),
            config,
        })
    }
}

/// Trains a pupil, which has the teacher's heads unless `base` has some; else as [`fit`](crate::fit()).
///
/// # Errors
///
/// As [`fit`](crate::fit()).
pub fn distill(
    data: (&Dataset, Option<&Dataset>),
    teaching: &Teaching,
    base: &Base,
    (settings, out): (&Settings, &Path),
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let teacher = &teaching.teacher;
    // Inner states are of tokens, so that both models must read the same ones.
    let imitates = teaching.config.hidden > 0.0 || teaching.config.attention > 0.0;
    let tokenizer = imitates.then(|| teacher.tokenizer());
    let start = Start::new(base, data.0, teacher.tasks(), settings, tokenizer)?;
    let mut ready = Ready::new(data, start, settings)?;
    if matches!(
        (base, ready.start.model.config()),
        (Base::Light, EncoderConfig::BiLstm(_))
    ) {
        plant_words(teacher, &ready.start.model, &ready.start.tokenizer)?;
    }
    let corpus = bare(examples(
        teaching.corpus.iter().cloned(),
        &ready.start.tokenizer,
        teacher.tasks(),
        ready.start.max_length,
    )?);
    let lessons = teacher.teach_rows(&ready.train)?;
    let about_corpus = teacher.teach_rows(&corpus)?;
    let config = ready.config.clone();
    let eval = ready.eval.as_ref();
    let tuning = FineTune::new(&mut ready.start.model, &ready.train, eval, &config)?;
    let mut objective =
        Distill::new(tuning, teaching.config.clone())?.with_rows(&ready.train, lessons)?;
    if !corpus.examples.is_empty() {
        objective = objective.with_corpus(&corpus, about_corpus)?;
    }
    if imitates {
        objective = objective.imitate(teacher, &ready.start.tokenizer, config.seed)?;
    }
    let report = run_of(&objective, config, (settings, out), observer)?;
    drop(objective);
    ready.finish(report)
}

/// The rows without targets.
fn bare(mut data: Prepared) -> Prepared {
    let bare = |example: Example| Example {
        intent: None,
        tags: None,
        sentiment: None,
        ..example
    };
    data.examples = data.examples.into_iter().map(bare).collect();
    data
}

/// Gives the pupil the teacher's vectors of the words that both know, as far as its width goes.
fn plant_words(teacher: &Teacher, pupil: &Model, tokenizer: &Tokenizer) -> Result<()> {
    let parameters = pupil.parameters();
    let Some((_, table)) = parameters.iter().find(|(name, _)| name == WORDS) else {
        return Ok(());
    };
    let width = table.size2().map_err(cs_train::Error::from)?.1;
    if let Some((rows, vectors)) = teacher.words(tokenizer, width as usize, WORD_DEVIATION)? {
        let rows = tch::Tensor::from_slice(&rows).to_device(table.device());
        let vectors = vectors.to_device(table.device());
        let plant = || table.shallow_clone().f_index_copy_(0, &rows, &vectors);
        let _ = tch::no_grad(plant).map_err(cs_train::Error::from)?;
    }
    Ok(())
}
