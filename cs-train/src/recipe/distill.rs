//! [`Teaching`]: a large model that a small one learns from.

use std::path::Path;

use cs_data::{Tokenizer, Utterance};
use cs_model::names::Role;
use cs_model::{Bundle, Device, Model};

use super::fit::Ready;
use super::fitted::Fitted;
use super::start::{Parts, Start};
use super::{Recipe, Rows};
use crate::data::{Example, Prepared, examples};
use crate::error::Result;
use crate::torch::objective::{Distill, DistillConfig, FineTune, Teacher};
use crate::torch::run::Observer;

/// Where a light student's word embeddings start from the teacher's, they have its usual deviation.
const WORD_DEVIATION: f64 = 0.3;

/// A teacher and what it is asked about besides the labelled rows.
///
/// ```no_run
/// use cs_data::Utterance;
/// use cs_train::objective::DistillConfig;
/// use cs_train::recipe::{Recipe, Rows, Start, Teaching};
/// use cs_train::run::Silent;
///
/// # let (rows, texts) = (Rows::default(), Vec::<Utterance>::new());
/// let mut teaching = Teaching::open("teacher".as_ref(), None, DistillConfig::default())?;
/// teaching.corpus = texts;
/// let recipe = Recipe::new(Start::Light, "student");
/// let student = recipe.distill(rows, &teaching, &mut Silent)?;
/// student.write("student".as_ref())?;
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug)]
pub struct Teaching {
    /// The trained model.
    pub teacher: Teacher,
    /// Texts whose labels do not count.
    pub corpus: Vec<Utterance>,
    /// How its answers count.
    pub config: DistillConfig,
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

    /// Whether the student follows inner states. These are of tokens, so that both models must read
    /// the same ones.
    fn imitates(&self) -> bool {
        self.config.hidden > 0.0 || self.config.attention > 0.0
    }
}

impl Recipe {
    /// Makes or opens the student and reads the rows.
    ///
    /// # Errors
    ///
    /// As [`Recipe::prepare`].
    pub fn prepare_student(&self, rows: Rows, teaching: &Teaching) -> Result<Ready<'_>> {
        let teacher = &teaching.teacher;
        let tokenizer = teaching.imitates().then(|| teacher.tokenizer());
        let (settings, tasks) = (&self.settings, teacher.tasks());
        let parts = Parts::new(&self.start, &rows.train, tasks, settings, tokenizer)?;
        Ready::new(self, parts, rows)
    }
}

impl Ready<'_> {
    /// Trains by the labels and by the teacher's answers; see [`Recipe::distill`].
    ///
    /// # Errors
    ///
    /// As [`Ready::fit`], and a student whose labels are not the teacher's.
    pub fn distill(mut self, teaching: &Teaching, observer: &mut dyn Observer) -> Result<Fitted> {
        let (recipe, teacher) = (self.recipe, &teaching.teacher);
        if recipe.start == Start::Light {
            plant_words(teacher, &self.parts.model, &self.parts.tokenizer)?;
        }
        let corpus = without_targets(examples(
            teaching.corpus.iter().cloned(),
            &self.parts.tokenizer,
            teacher.tasks(),
            self.parts.max_length,
        )?);
        let lessons = teacher.teach_rows(&self.train)?;
        let about_corpus = teacher.teach_rows(&corpus)?;
        let config = self.config.clone();
        let eval = self.eval.as_ref();
        let tuning = FineTune::new(&mut self.parts.model, &self.train, eval, &config)?;
        let mut objective =
            Distill::new(tuning, teaching.config.clone())?.with_rows(&self.train, lessons)?;
        if !corpus.examples.is_empty() {
            objective = objective.with_corpus(&corpus, about_corpus)?;
        }
        if teaching.imitates() {
            objective = objective.imitate(teacher, &self.parts.tokenizer, config.seed)?;
        }
        let report = recipe.run(&objective, config, observer)?;
        drop(objective);
        self.finish(report)
    }
}

/// The rows without targets.
fn without_targets(mut data: Prepared) -> Prepared {
    let examples = data.examples.into_iter();
    data.examples = examples.map(Example::without_targets).collect();
    data
}

/// Gives the student the teacher's vectors of the words that both know, as far as its width goes.
fn plant_words(teacher: &Teacher, student: &Model, tokenizer: &Tokenizer) -> Result<()> {
    let parameters = student.parameters();
    let name = student.config().names().weight(Role::WordEmbeddings);
    let Some((_, table)) = parameters.iter().find(|(known, _)| *known == name) else {
        return Ok(());
    };
    let width = table.size2()?.1;
    if let Some((rows, vectors)) = teacher.words(tokenizer, width as usize, WORD_DEVIATION)? {
        let rows = tch::Tensor::from_slice(&rows).to_device(table.device());
        let vectors = vectors.to_device(table.device());
        let plant = || table.shallow_clone().f_index_copy_(0, &rows, &vectors);
        let _ = tch::no_grad(plant)?;
    }
    Ok(())
}
