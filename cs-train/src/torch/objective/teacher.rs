//! [`Teacher`]: a trained model whose answers another one learns from.
//!
//! `R` rows, `C` intents, `T` slot tags, `V` words of all rows.

use std::collections::HashMap;
use std::ops::Range;

use cs_data::{BatchPlan, Encoding, TagSet, TokenBatch, Tokenizer};
use cs_model::names::Role;
use cs_model::{Bundle, Crf, Device, Mode, Model, ModelOutput, Tasks, on_device};
use tch::{Kind, Tensor};

use super::tag_lessons::{SharedWord, WordLessons, word_rows};
use crate::data::Prepared;
use crate::error::{Error, Result};
use crate::torch::snapshot::sum_of;

/// Tokens and rows in a batch of the teacher, at most.
const BATCH: (usize, usize) = (8192, 256);

/// A trained model with its own tokenizer.
///
/// ```
/// use cs_data::Tokenizer;
/// use cs_model::{BiLstmConfig, Device, Model, Tasks};
/// use cs_train::objective::Teacher;
///
/// let tokenizer = Tokenizer::train(["where is my order"].into_iter(), 60)?;
/// let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..BiLstmConfig::default() };
/// let intents = vec!["status".to_owned(), "refund".to_owned()];
/// let tasks = Tasks { intent: Some(intents), ..Tasks::default() };
/// let model = Model::new(&config.into(), &tasks, Device::Cpu, 1)?;
/// let teacher = Teacher::new(model, tokenizer.clone(), 32)?;
///
/// // The student may have another tokenizer.
/// let encodings = [tokenizer.encode("my order", 16)?];
/// let lessons = teacher.teach(&["my order"], &encodings)?;
/// assert_eq!(lessons.rows(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Teacher {
    model: Model,
    tokenizer: Tokenizer,
    max_length: usize,
    fingerprint: String,
}

/// What a teacher says about rows: its logits, on its device.
///
/// ```
/// use cs_data::Tokenizer;
/// use cs_model::{BiLstmConfig, Device, Model, Tasks};
/// use cs_train::objective::{Lessons, Teacher};
///
/// let tokenizer = Tokenizer::train(["hello"].into_iter(), 30)?;
/// let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..BiLstmConfig::default() };
/// let tasks = Tasks { sentiment: true, ..Tasks::default() };
/// let model = Model::new(&config.into(), &tasks, Device::Cpu, 1)?;
/// let encodings = tokenizer.encode_batch(&["hello", "hello hello"], 16)?;
/// let teacher = Teacher::new(model, tokenizer, 16)?;
/// let lessons: Lessons = teacher.teach(&["hello", "hello hello"], &encodings)?;
/// assert_eq!(lessons.rows(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lessons {
    pub(crate) tasks: Tasks,
    /// A fingerprint of the teacher.
    pub(crate) teacher: String,
    rows: usize,
    /// The logits of the intents, `[R, C]`.
    pub(crate) intent: Option<Tensor>,
    /// The sentiments in 0..=1, `[R]`.
    pub(crate) sentiment: Option<Tensor>,
    pub(crate) slots: Option<WordLessons>,
}

impl Lessons {
    /// The number of rows, `R`.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl Teacher {
    /// A teacher that reads at most `max_length` tokens of a text.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a model without heads: it has nothing to say.
    pub fn new(model: Model, tokenizer: Tokenizer, max_length: usize) -> Result<Self> {
        if model.tasks().is_empty() {
            return Err(Error::Config {
                field: "teacher",
                value: "an encoder without heads".to_owned(),
                expected: "a model trained for a task",
            });
        }
        Ok(Self {
            fingerprint: sum_of(&model.parameters())?,
            model,
            tokenizer,
            max_length,
        })
    }

    /// A teacher that is the model of a bundle.
    ///
    /// # Errors
    ///
    /// As [`Teacher::new`]; [`Error::Model`] if the bundle is damaged.
    pub fn open(bundle: &Bundle, device: Device) -> Result<Self> {
        let model = Model::open(bundle, device)?;
        Self::new(model, bundle.tokenizer()?, bundle.max_length())
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// How it reads texts; a student that imitates inner states reads as it does.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The heads it has, and so the student should have.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        self.model.tasks()
    }

    /// Checks that it can teach a student with these heads: that they share a task, and that the
    /// tasks they share have the same labels in the same order. Slot heads of different kinds get
    /// along: what is handed on is how likely a word's tags are, by either.
    ///
    /// # Errors
    ///
    /// [`Error::Labels`] with the first position where they differ.
    pub fn check_labels(&self, student: &Tasks) -> Result<()> {
        check_labels(self.tasks(), student)
    }

    /// Its logits for `texts`, which a student reads as `encodings`. One forward pass over all
    /// texts; keeps `R·C + V·T` numbers.
    ///
    /// Tags are handed on by words: those that both tokenizers cut alike and both models read; how
    /// likely the tags of one are may depend on all words that the teacher reads. A text longer
    /// than the teacher reads is judged by its beginning.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] unless there is an encoding for each text; [`Error::Data`] if tokenizing
    /// fails; [`Error::Model`] if the model does.
    pub fn teach(&self, texts: &[&str], encodings: &[Encoding]) -> Result<Lessons> {
        if texts.len() != encodings.len() {
            return Err(Error::Shape {
                what: "encodings to teach".to_owned(),
                expected: texts.len().to_string(),
                found: encodings.len().to_string(),
            });
        }
        let own = self.tokenizer.encode_batch(texts, self.max_length)?;
        let lengths: Vec<usize> = own.iter().map(|encoding| encoding.ids.len()).collect();
        let plan = BatchPlan {
            max_tokens: BATCH.0,
            max_sequences: BATCH.1,
            shuffle: None,
        };
        let _guard = tch::no_grad_guard();
        let mut notes = Notes::default();
        for rows in plan.batches(&lengths) {
            let batch = TokenBatch::pack(rows.iter().map(|&row| &own[row].ids[..]));
            let output = self.model.forward(&batch, Mode::Eval)?;
            let texts = rows.iter().map(|&row| Readings {
                own: &own[row],
                student: &encodings[row],
            });
            notes.add_words(&output, &texts.collect::<Vec<_>>())?;
            notes.intent.extend(output.intent);
            notes.sentiment.extend(output.sentiment);
            notes.crf = output.crf;
        }
        notes.finish(self, texts.len())
    }

    /// [`teach`](Self::teach) about the rows of a data set.
    ///
    /// # Errors
    ///
    /// As [`teach`](Self::teach).
    pub fn teach_rows(&self, data: &Prepared) -> Result<Lessons> {
        let texts: Vec<&str> = data.rows.iter().map(|row| row.text.as_str()).collect();
        let encodings = data.examples.iter().map(|example| example.encoding.clone());
        self.teach(&texts, &encodings.collect::<Vec<_>>())
    }

    /// The word embeddings of the tokens of `vocabulary` that the teacher knows too, in their
    /// order, reduced to their `width` principal components and scaled to the standard deviation
    /// `deviation`: what a light student starts from. Rows the teacher does not know are absent.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`] if libtorch fails.
    pub fn words(
        &self,
        vocabulary: &Tokenizer,
        width: usize,
        deviation: f64,
    ) -> Result<Option<(Vec<i64>, Tensor)>> {
        let name = self.model.config().names().weight(Role::WordEmbeddings);
        let parameters = self.model.parameters();
        let table = parameters.iter().find(|(known, _)| *known == name);
        let ids = 0..vocabulary.vocab_size() as u32;
        let known = ids.filter_map(|id| Some((id, self.tokenizer.id(&vocabulary.token(id)?)?)));
        let (own, theirs): (Vec<i64>, Vec<i64>) = known
            .map(|(own, theirs)| (i64::from(own), i64::from(theirs)))
            .unzip();
        let Some((_, table)) = table.filter(|_| own.len() > 1) else {
            return Ok(None);
        };
        let _guard = tch::no_grad_guard();
        let theirs = on_device(&theirs, table.device())?;
        let words = table.f_index_select(0, &theirs)?.f_to_kind(Kind::Double)?; // [V, H]
        let words = principal_components(&words, width)?;
        let scale = deviation / f64::try_from(words.f_std(true)?)?.max(f64::MIN_POSITIVE);
        Ok(Some((
            own,
            words.f_mul_scalar(scale)?.f_to_kind(Kind::Float)?,
        )))
    }
}

/// The projections of the rows of `x`, less their mean, on the directions in which they vary most;
/// zeros after them if there are fewer than `width`. `[V, H]` to `[V, width]`.
fn principal_components(x: &Tensor, width: usize) -> Result<Tensor> {
    let centred = x.f_sub(&x.f_mean_dim([0i64].as_slice(), true, Kind::Double)?)?;
    let covariance = centred.f_tr()?.f_matmul(&centred)?;
    let (_, directions) = covariance.f_linalg_eigh("L")?; // [H, H], the least first
    let (have, width) = (x.size2()?.1, width as i64);
    let kept = have.min(width);
    let largest = directions.f_narrow(1, have - kept, kept)?.f_flip([1i64])?;
    let projected = centred.f_matmul(&largest)?;
    Ok(projected.f_constant_pad_nd([0, width - kept])?)
}

/// Lessons while they are written, a batch each.
#[derive(Default)]
struct Notes {
    intent: Vec<Tensor>,
    sentiment: Vec<Tensor>,
    logits: Vec<Tensor>,
    crf: Option<Crf>,
    read: Vec<Range<usize>>,
    shared: Vec<Range<usize>>,
    words: Vec<SharedWord>,
}

/// A text as its teacher and its student read it.
#[derive(Clone, Copy)]
struct Readings<'a> {
    own: &'a Encoding,
    student: &'a Encoding,
}

impl Notes {
    /// Notes the logits of the teacher's words, and which of them the student has as well.
    fn add_words(&mut self, output: &ModelOutput, texts: &[Readings<'_>]) -> Result<()> {
        let Some(logits) = &output.slots else {
            return Ok(());
        };
        let selected = word_rows(texts.iter().map(|text| text.own));
        let selected: Vec<i64> = selected.iter().flatten().map(|&row| row as i64).collect();
        let selected = on_device(&selected, logits.device())?;
        self.logits.push(logits.f_index_select(0, &selected)?);
        for text in texts {
            let (own, student) = (text.own.word_list(), text.student.word_list());
            let first = self.read.last().map_or(0, |read| read.end);
            self.read.push(first..first + own.len());
            let places: HashMap<_, _> = own
                .into_iter()
                .map(|word| word.range)
                .zip(first..)
                .collect();
            let start = self.words.len();
            for (number, word) in student.iter().enumerate() {
                let read = places.get(&word.range);
                self.words
                    .extend(read.map(|&read| SharedWord { read, number }));
            }
            self.shared.push(start..self.words.len());
        }
        Ok(())
    }

    fn finish(self, teacher: &Teacher, rows: usize) -> Result<Lessons> {
        let joined = |parts: &[Tensor]| match parts {
            [] => Ok(None),
            parts => Tensor::f_cat(parts, 0).map(Some),
        };
        Ok(Lessons {
            tasks: teacher.tasks().clone(),
            teacher: teacher.fingerprint.clone(),
            rows,
            intent: joined(&self.intent)?,
            sentiment: joined(&self.sentiment)?,
            slots: joined(&self.logits)?.map(|logits| WordLessons {
                logits,
                crf: self.crf,
                read: self.read,
                shared: self.shared,
                words: self.words,
            }),
        })
    }
}

/// Checks that the tasks that teacher and student share have the same labels in the same order.
pub(super) fn check_labels(teacher: &Tasks, student: &Tasks) -> Result<()> {
    let mut shared = teacher.sentiment && student.sentiment;
    for (task, theirs, own) in [
        (
            "intents",
            teacher.intent.as_deref(),
            student.intent.as_deref(),
        ),
        ("slots", tags_of(teacher), tags_of(student)),
    ] {
        let (Some(theirs), Some(own)) = (theirs, own) else {
            continue;
        };
        shared = true;
        if theirs != own {
            let difference = difference(theirs, own);
            return Err(Error::Labels { task, difference });
        }
    }
    match shared {
        true => Ok(()),
        false => Err(Error::Labels {
            task: "tasks",
            difference: "none in common".to_owned(),
        }),
    }
}

fn tags_of(tasks: &Tasks) -> Option<&[String]> {
    tasks.slots.as_ref().map(TagSet::tags)
}

/// The first position where the lists differ.
fn difference(teacher: &[String], student: &[String]) -> String {
    let at = |list: &[String], i: usize| match list.get(i) {
        Some(label) => format!("{label:?}"),
        None => "nothing".to_owned(),
    };
    let first = (0..teacher.len().max(student.len())).find(|&i| teacher.get(i) != student.get(i));
    let first = first.unwrap_or_default();
    format!(
        "at {first}, {} against the pupil's {}",
        at(teacher, first),
        at(student, first)
    )
}
