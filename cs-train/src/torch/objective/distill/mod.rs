//! [`Distill`]: a small model learns what a large one says.

mod config;
mod set;
mod soft;

use std::borrow::Cow;
use std::collections::BTreeSet;

use cs_data::{TokenBatch, Tokenizer};
use cs_model::{InnerStates, Mode, ModelOutput};
use tch::{Kind, Tensor};

pub use self::config::DistillConfig;
use self::set::Set;
pub use self::soft::soft_divergence;
use self::soft::{Places, Soft, Student};
use super::fine_tune::FineTune;
use super::hidden_states::Imitation;
use super::identity::{check_tokens, fingerprint};
use super::loss::{Targets, WeightedSum};
use super::tag_lessons::{WordLessons, log_probabilities, word_rows};
use super::teacher::{Lessons, Teacher, check_labels};
use super::{Identity, LossOutput, Objective, Reached, StepBatch, Validation};
use crate::data::{Example, Prepared};
use crate::error::{Error, Result};

/// Trains a student on what its teacher says about labelled rows and about texts without labels;
/// validates as [`FineTune`] does.
///
/// The loss is `soft · T² · KL(teacher ‖ student)` at the temperature `T`, for intents and for the
/// tags of words (by a conditional random field, each word's tags given its whole text; Wang et al.
/// 2020, section 3.2; either head learns from either), and `soft` times the squared difference of
/// sentiments, weighted with one another as labels are; plus `hard` times the loss of the labels
/// (Hinton et al. 2015, section 2). Every row counts the same: in a batch of which a tenth has
/// labels, the hard part is a tenth of those rows' mean. With [`imitate`](Self::imitate), also the
/// distance of inner states.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_model::{BiLstmConfig, Device, EncoderConfig, Model};
/// use cs_train::objective::{Distill, DistillConfig, FineTune, Objective, Teacher};
/// use cs_train::schedule::TrainConfig;
/// use cs_train::data::{examples, tasks_of};
///
/// let rows = [("退款", "refund"), ("你好", "hello")];
/// let rows = rows.map(|(text, intent)| Utterance::new(intent, text).with_intent(intent));
/// let tasks = tasks_of(&rows)?;
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 50)?;
/// let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..BiLstmConfig::default() };
/// let config = EncoderConfig::from(config);
/// let teacher = Model::new(&config, &tasks, Device::Cpu, 1)?;
/// let teacher = Teacher::new(teacher, tokenizer.clone(), 32)?;
///
/// let train = examples(rows, &tokenizer, &tasks, 32)?;
/// let corpus = examples([Utterance::new("3", "退款?")], &tokenizer, &tasks, 32)?;
/// let (about_train, about_corpus) = (teacher.teach_rows(&train)?, teacher.teach_rows(&corpus)?);
/// let mut student = Model::new(&config, &tasks, Device::Cpu, 2)?;
/// let base = FineTune::new(&mut student, &train, Some(&train), &TrainConfig::default())?;
/// let distill = Distill::new(base, DistillConfig::default())?
///     .with_rows(&train, about_train)?
///     .with_corpus(&corpus, about_corpus)?;
/// assert_eq!(distill.lengths().len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Distill<'a> {
    /// What the student would do without a teacher.
    base: FineTune<'a>,
    config: DistillConfig,
    imitation: Option<Imitation<'a>>,
    /// Fingerprints of whoever taught.
    teachers: BTreeSet<String>,
    sets: Vec<Set<'a>>,
    rows: Vec<SetRow>,
}

/// Where a row is.
#[derive(Debug, Clone, Copy)]
struct SetRow {
    set: usize,
    /// The number of the row in its set.
    row: usize,
}

impl<'a> Distill<'a> {
    /// Distillation into the model of `base`, without rows yet; validation is that of `base`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a setting out of range.
    pub fn new(base: FineTune<'a>, config: DistillConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            base,
            config,
            imitation: None,
            teachers: BTreeSet::new(),
            sets: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// Adds rows that teach by their labels, where they have any, and by the teacher's answers.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] without rows; [`Error::Shape`] unless there is a lesson for each;
    /// [`Error::Labels`] if teacher and student differ in the labels of a task they share, or share
    /// none; [`Error::Vocabulary`] if the rows were tokenized for another model.
    pub fn with_rows(self, data: &'a Prepared, lessons: Lessons) -> Result<Self> {
        self.with(data, lessons, true)
    }

    /// Adds rows that teach by the teacher's answers alone.
    ///
    /// # Errors
    ///
    /// As [`with_rows`](Self::with_rows).
    pub fn with_corpus(self, data: &'a Prepared, lessons: Lessons) -> Result<Self> {
        self.with(data, lessons, false)
    }

    /// Has the student's inner states follow the teacher's, by the weights `hidden` and `attention`
    /// of the configuration: `hidden` times the mean squared difference between the teacher's
    /// hidden states and the student's, brought to the teacher's width by a learned projection that
    /// is not kept, after the embeddings and after each block; `attention` times that of the
    /// attention scores before the softmax, head by head where both have as many, else of their
    /// means. Block `i` of the student's `m` follows block `⌈i·n/m⌉` of the teacher's `n`
    /// (TinyBERT; Jiao et al. 2020, equations 7 to 10). `seed` is that of the projections. Costs a
    /// forward pass of the teacher in every step.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] unless both are transformers on one device and `tokenizer`, the student's,
    /// is the teacher's.
    pub fn imitate(
        mut self,
        teacher: &'a Teacher,
        tokenizer: &Tokenizer,
        seed: u64,
    ) -> Result<Self> {
        let imitation = Imitation::new(teacher, self.base.model, tokenizer, seed)?;
        self.imitation = Some(imitation);
        self.teachers.insert(teacher.fingerprint().to_owned());
        Ok(self)
    }

    #[expect(clippy::disallowed_methods, reason = "before any step")]
    fn with(mut self, data: &'a Prepared, lessons: Lessons, labelled: bool) -> Result<Self> {
        let model = self.base.model;
        if data.examples.is_empty() {
            let what = if labelled { "training" } else { "corpus" };
            return Err(Error::Empty { what });
        }
        if lessons.rows() != data.examples.len() {
            return Err(Error::Shape {
                what: "lessons".to_owned(),
                expected: data.examples.len().to_string(),
                found: lessons.rows().to_string(),
            });
        }
        check_labels(&lessons.tasks, model.tasks())?;
        check_tokens(&data.examples, model.config().vocab_size())?;
        self.teachers.insert(lessons.teacher.clone());
        let device: tch::Device = model.device().into();
        let moved = |logits: Tensor| logits.f_to_device(device)?.f_to_kind(Kind::Float);
        let slots = lessons.slots.filter(|_| model.tasks().slots.is_some());
        let for_student =
            |words: WordLessons| words.for_student(model.tasks(), self.config.temperature, device);
        let set = Set {
            examples: &data.examples,
            intent: lessons.intent.map(moved).transpose()?,
            sentiment: lessons.sentiment.map(moved).transpose()?,
            tags: slots.map(for_student).transpose()?,
            labelled,
        };
        let teaches = |row: &usize| set.teaches(*row, model.tasks(), &self.config);
        let rows = (0..set.examples.len()).filter(teaches);
        let of_set = self.sets.len();
        self.rows
            .extend(rows.map(|row| SetRow { set: of_set, row }));
        self.sets.push(set);
        Ok(self)
    }

    fn example(&self, row: usize) -> &'a Example {
        let SetRow { set, row } = self.rows[row];
        &self.sets[set].examples[row]
    }

    fn is_labelled(&self, row: usize) -> bool {
        self.sets[self.rows[row].set].labelled && self.example(row).is_labelled()
    }

    /// The rows' targets; none for rows that teach by the teacher alone.
    fn targets(&self, rows: &[usize]) -> Targets {
        let of_row = |&row: &usize| match self.is_labelled(row) {
            true => Cow::Borrowed(self.example(row)),
            false => Cow::Owned(self.example(row).clone().without_targets()),
        };
        let examples: Vec<Cow<'_, Example>> = rows.iter().map(of_row).collect();
        Targets::pack(examples.iter().map(|example| &**example))
    }

    /// The loss of the labels, by the share of rows that have some; `None` where no row has.
    fn hard(&self, output: &ModelOutput, batch: &StepBatch<'_>) -> Result<Option<Tensor>> {
        let labelled = |rows: &[usize]| rows.iter().filter(|&&row| self.is_labelled(row)).count();
        if self.config.hard == 0.0 || labelled(batch.rows) == 0 {
            return Ok(None);
        }
        let share = labelled(batch.step_rows) as f64 / batch.step_rows.len() as f64;
        let totals = self.base.loss.totals(&self.targets(batch.step_rows));
        let targets = self.targets(batch.rows);
        let loss = self.base.loss_of(output, &targets, &totals)?;
        Ok(Some(loss.total.f_mul_scalar(share)?))
    }

    /// How far the student is from the teacher, set by set, summed over the batch's rows and words.
    fn soft(&self, output: &ModelOutput, rows: &[usize]) -> Result<Soft> {
        let mut soft = Soft::default();
        let student = self.student(output, rows)?;
        for (index, set) in self.sets.iter().enumerate() {
            let places = self.places(index, rows, &student.texts);
            if !places.rows.is_empty() {
                soft.add(&student, set, &places, self.config.temperature)?;
            }
        }
        Ok(soft)
    }

    /// What the student says of a batch.
    fn student<'o>(&self, output: &'o ModelOutput, rows: &[usize]) -> Result<Student<'o>> {
        let mut student = Student {
            output,
            texts: Vec::new(),
            tags: None,
        };
        let taught = self.sets.iter().any(|set| set.tags.is_some());
        if let Some(logits) = output.slots.as_ref().filter(|_| taught) {
            student.texts = word_rows(rows.iter().map(|&row| &self.example(row).encoding));
            let (crf, temperature) = (output.crf.as_ref(), self.config.temperature);
            let tags = log_probabilities(logits, crf, &student.texts, temperature)?; // [W, T]
            student.tags = Some(tags);
        }
        Ok(student)
    }

    /// Where a batch's rows of one set, and their words, are; `texts` has the words of each row of
    /// the batch.
    fn places(&self, set: usize, rows: &[usize], texts: &[Vec<usize>]) -> Places {
        let tags = self.sets[set].tags.as_ref();
        let (mut places, mut first) = (Places::default(), 0);
        for (place, &row) in rows.iter().enumerate() {
            let of = self.rows[row];
            if of.set == set {
                places.batch_rows.push(place as i64);
                places.rows.push(of.row as i64);
            }
            if let Some(tags) = tags.filter(|_| of.set == set) {
                for word in tags.of_text(of.row) {
                    places.words.push(word.lesson as i64);
                    places.batch_words.push((first + word.number) as i64);
                }
            }
            first += texts.get(place).map_or(0, Vec::len);
        }
        places
    }

    /// The parts of the loss that compare inner states, over all rows of the step.
    fn inner(
        &self,
        sum: &mut WeightedSum,
        tokens: &TokenBatch,
        taps: &InnerStates,
        step_rows: &[usize],
    ) -> Result<()> {
        let Some(imitation) = &self.imitation else {
            return Ok(());
        };
        let distance = imitation.distance(tokens, taps)?;
        let lengths = step_rows
            .iter()
            .map(|&row| self.example(row).encoding.ids.len() as f64);
        let (mut all, mut pairs) = (0.0, 0.0);
        for length in lengths {
            all += length;
            pairs += length * length;
        }
        let (hidden, attention) = (self.config.hidden, self.config.attention);
        sum.add("hidden", Some(distance.hidden), all, hidden)?;
        sum.add("attention", Some(distance.attention), pairs, attention)
    }

    /// Words of the rows whose tags the teacher teaches.
    fn words(&self, rows: &[usize]) -> usize {
        let words = |&row: &usize| {
            let SetRow { set, row } = self.rows[row];
            let tags = self.sets[set].tags.as_ref();
            tags.map_or(0, |tags| tags.shared[row].len())
        };
        rows.iter().map(words).sum()
    }
}

impl Objective for Distill<'_> {
    fn identity(&self) -> Identity {
        let examples: Vec<&Example> = (0..self.rows.len()).map(|row| self.example(row)).collect();
        Identity {
            objective: format!("distillation {:?}", self.config),
            data: fingerprint(&examples),
            teacher: self.teachers.iter().cloned().collect::<Vec<_>>().join(" "),
            ..self.base.identity()
        }
    }

    fn parameters(&self) -> Vec<(String, Tensor)> {
        let projections = self.imitation.iter().flat_map(Imitation::parameters);
        self.base
            .parameters()
            .into_iter()
            .chain(projections)
            .collect()
    }

    fn lengths(&self) -> Vec<usize> {
        let rows = 0..self.rows.len();
        rows.map(|row| self.example(row).encoding.ids.len())
            .collect()
    }

    fn row_id(&self, row: usize) -> String {
        self.example(row).id.clone()
    }

    fn validation_rows(&self) -> usize {
        self.base.validation_rows()
    }

    fn reached(&self) -> Option<Reached> {
        let ids = (0..self.rows.len()).flat_map(|row| &self.example(row).encoding.ids);
        let mut rows: Vec<i64> = ids.map(|&id| i64::from(id)).collect();
        rows.sort_unstable();
        rows.dedup();
        let reached = self.base.reached()?;
        Some(Reached { rows, ..reached })
    }

    fn loss(&self, batch: &StepBatch<'_>) -> Result<LossOutput> {
        let ids = batch
            .rows
            .iter()
            .map(|&row| &self.example(row).encoding.ids[..]);
        let (tokens, model) = (TokenBatch::pack(ids), self.base.model);
        let (output, taps) = match &self.imitation {
            Some(_) => model.forward_with_inner_states(&tokens, Mode::Train)?,
            None => (model.forward(&tokens, Mode::Train)?, InnerStates::default()),
        };
        let hard = self.hard(&output, batch)?;
        let soft = self.soft(&output, batch.rows)?;
        let rows = batch.step_rows.len() as f64;
        let words = self.words(batch.step_rows) as f64;
        let (weight, labels) = (self.config.soft, &self.base.loss);
        let mut sum = WeightedSum::default();
        sum.add("hard", hard, 1.0, self.config.hard)?;
        sum.add("intent", soft.intent, rows, weight * labels.ce_weight)?;
        sum.add("slots", soft.slots, words, weight * labels.ce_weight)?;
        sum.add(
            "sentiment",
            soft.sentiment,
            rows,
            weight * labels.mse_weight,
        )?;
        self.inner(&mut sum, &tokens, &taps, batch.step_rows)?;
        sum.finish()
    }

    fn evaluate(&self) -> Result<Validation> {
        self.base.evaluate()
    }
}
