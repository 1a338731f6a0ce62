//! What a slot head says of a word's tags, and how far a student's head is from its teacher's.
//!
//! `V` words that a teacher reads, `W` of them that its student reads as well, `T` slot tags.

use std::ops::Range;

use cs_data::{Encoding, TagSet};
use cs_model::{Crf, SlotHead, Tasks, on_device};
use tch::{Kind, Reduction, Tensor};

use crate::error::Result;

/// Texts whose sequences of tags are summed over at once.
const TEXTS: usize = 1024;

/// The logarithms of the probabilities of each word's tags at a temperature: a softmax of its
/// logits, or, with a conditional random field, given its whole text. Logits of a field alone say
/// nothing: as much may be in its transitions.
///
/// # Shapes
///
/// `[N, T]` logits and the rows of each text's words to `[W, T]`, text by text.
pub(super) fn log_probabilities(
    logits: &Tensor,
    crf: Option<&Crf>,
    texts: &[Vec<usize>],
    temperature: f64,
) -> Result<Tensor> {
    if let Some(crf) = crf {
        return Ok(crf.log_marginals(logits, texts, temperature)?);
    }
    let rows: Vec<i64> = texts.iter().flatten().map(|&row| row as i64).collect();
    let rows = on_device(&rows, logits.device())?;
    let mut logits = logits.f_index_select(0, &rows)?.f_to_kind(Kind::Float)?;
    if temperature != 1.0 {
        logits = logits.f_div_scalar(temperature)?;
    }
    Ok(logits.f_log_softmax(-1, Kind::Float)?)
}

/// The rows of each text's words, by their first tokens, in a packed batch of these encodings.
pub(super) fn word_rows<'a>(encodings: impl Iterator<Item = &'a Encoding>) -> Vec<Vec<usize>> {
    let mut first = 0;
    encodings
        .map(|encoding| {
            let words = encoding.word_list().into_iter();
            let rows = words.map(|word| first + word.first).collect();
            first += encoding.ids.len();
            rows
        })
        .collect()
}

/// `T² · Σ KL(teacher ‖ student)` of distributions at the temperature `T`.
///
/// # Shapes
///
/// `[W, T]` logarithms of the student's and `[W, T]` probabilities of the teacher's to a scalar.
pub(super) fn divergence(student: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor> {
    let divergence = student.f_kl_div(teacher, Reduction::Sum, false)?;
    Ok(divergence.f_mul_scalar(temperature * temperature)?)
}

/// A teacher's slot logits, and the words that its student reads alike.
#[derive(Debug)]
pub(crate) struct WordLessons {
    /// The logits, `[V, T]`, on the teacher's device.
    pub(crate) logits: Tensor,
    /// The conditional random field of a teacher that has one.
    pub(crate) crf: Option<Crf>,
    /// The range of each text's words in `V`.
    pub(crate) read: Vec<Range<usize>>,
    /// The range of each text's words in `W`.
    pub(crate) shared: Vec<Range<usize>>,
    /// Each of the `W` words.
    pub(crate) words: Vec<SharedWord>,
}

/// A word that a teacher and its student read alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedWord {
    /// The position of the word in `V`.
    pub(crate) read: usize,
    /// The number of the word among the student's words of its text.
    pub(crate) number: usize,
}

impl WordLessons {
    /// What a student with these heads is to say, at a temperature, on its own device.
    ///
    /// A student with a conditional random field can only give sequences of tags that IOB2 allows.
    /// What it is to learn of a teacher that judges each word by itself is the teacher's
    /// distribution given that the sequence is one of those.
    #[expect(clippy::disallowed_methods, reason = "before any step")]
    pub(super) fn for_student(
        &self,
        student: &Tasks,
        temperature: f64,
        device: tch::Device,
    ) -> Result<TagLessons> {
        let _guard = tch::no_grad_guard();
        let legal = match (&self.crf, &student.slots, student.slot_head) {
            (None, Some(tags), SlotHead::Crf) => Some(indifferent(tags, self.logits.device())?),
            _ => None,
        };
        let crf = self.crf.as_ref().or(legal.as_ref());
        let texts: Vec<Vec<usize>> = self.read.iter().cloned().map(Range::collect).collect();
        let parts = texts.chunks(TEXTS);
        let parts = parts.map(|part| log_probabilities(&self.logits, crf, part, temperature));
        let logarithms = Tensor::f_cat(&parts.collect::<Result<Vec<_>>>()?, 0)?; // [V, T]
        let shared: Vec<i64> = self.words.iter().map(|word| word.read as i64).collect();
        let shared = on_device(&shared, self.logits.device())?;
        Ok(TagLessons {
            probabilities: logarithms
                .f_index_select(0, &shared)?
                .f_exp()?
                .f_to_device(device)?,
            shared: self.shared.clone(),
            numbers: self.words.iter().map(|word| word.number).collect(),
        })
    }
}

/// A conditional random field that prefers no sequence of tags to another, of those that IOB2
/// allows.
fn indifferent(tags: &TagSet, device: tch::Device) -> Result<Crf> {
    let count = tags.tags().len() as i64;
    let zeros = |shape: &[i64]| Tensor::f_zeros(shape, (Kind::Float, device));
    Ok(Crf::new(
        tags,
        zeros(&[count, count])?,
        zeros(&[count])?,
        zeros(&[count])?,
    )?)
}

/// What a student is to say of the tags of words.
#[derive(Debug)]
pub(super) struct TagLessons {
    /// The probabilities of the tags, `[W, T]`.
    pub(super) probabilities: Tensor,
    /// The range of each text's words in `W`.
    pub(super) shared: Vec<Range<usize>>,
    /// The number of each of the `W` words among the student's words of its text.
    numbers: Vec<usize>,
}

/// A word whose tags a student is taught.
pub(super) struct TaughtWord {
    /// The position of the word in `W`.
    pub(super) lesson: usize,
    /// The number of the word among the student's words of its text.
    pub(super) number: usize,
}

impl TagLessons {
    /// The words of a text whose tags are taught.
    pub(super) fn of_text(&self, text: usize) -> impl Iterator<Item = TaughtWord> {
        self.shared[text].clone().map(|lesson| TaughtWord {
            lesson,
            number: self.numbers[lesson],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn tensor(value: &Value) -> Tensor {
        let rows: Result<Vec<Vec<f32>>, _> = serde_json::from_value(value.clone());
        rows.map_or_else(
            |_| {
                let numbers: Vec<f32> = serde_json::from_value(value.clone()).unwrap();
                Tensor::from_slice(&numbers)
            },
            |rows| Tensor::from_slice2(&rows),
        )
    }

    /// Logits, and the scores of a conditional random field.
    fn model(value: &Value) -> [Tensor; 4] {
        ["logits", "transitions", "start", "end"]
            .map(|name| tensor(&value[name]).set_requires_grad(true))
    }

    fn crf(tags: &TagSet, [_, transitions, start, end]: &[Tensor; 4]) -> Crf {
        let [t, s, e] = [transitions, start, end].map(Tensor::shallow_clone);
        Crf::new(tags, t, s, e).unwrap()
    }

    #[test]
    fn every_pair_of_heads_is_compared_as_by_listing_all_sequences() {
        let all = include_str!("../../../tests/reference/tag_distillation.json");
        let all: Value = serde_json::from_str(all).unwrap();
        let tags = serde_json::from_value(all["tags"].clone()).unwrap();
        let tags = TagSet::new(tags, cs_data::Scheme::Iob2).unwrap();
        let lengths: Vec<usize> = serde_json::from_value(all["lengths"].clone()).unwrap();
        let mut first = 0;
        let read: Vec<Range<usize>> = lengths
            .iter()
            .map(|length| {
                first += length;
                first - length..first
            })
            .collect();
        let texts: Vec<Vec<usize>> = read.iter().cloned().map(Range::collect).collect();
        let pairs = all["pairs"].as_array().unwrap();
        assert_eq!(pairs.len(), 8);
        for pair in pairs {
            let is_crf = |name: &str| pair[name] == "crf";
            let temperature = pair["temperature"].as_f64().unwrap();
            let (own, theirs) = (model(&all["pupil"]), model(&all["teacher"]));
            let lessons = WordLessons {
                logits: theirs[0].shallow_clone(),
                crf: is_crf("teacher_head").then(|| crf(&tags, &theirs)),
                read: read.clone(),
                shared: read.clone(),
                words: (0..first)
                    .map(|read| SharedWord { read, number: 0 })
                    .collect(),
            };
            let slot_head = match is_crf("pupil_head") {
                true => SlotHead::Crf,
                false => SlotHead::default(),
            };
            let tasks = Tasks {
                slots: Some(tags.clone()),
                slot_head,
                ..Tasks::default()
            };
            let lessons = lessons.for_student(&tasks, temperature, tch::Device::Cpu);
            let field = is_crf("pupil_head").then(|| crf(&tags, &own));
            let student = log_probabilities(&own[0], field.as_ref(), &texts, temperature).unwrap();
            let loss = divergence(&student, &lessons.unwrap().probabilities, temperature).unwrap();
            let (found, expected) = (loss.double_value(&[]), pair["loss"].as_f64().unwrap());
            assert!((found - expected).abs() < 1e-4, "{found} {pair}");
            loss.backward();
            for (name, tensor_of) in ["logits", "transitions", "start", "end"].iter().zip(&own) {
                let expected = tensor(&pair["gradient"][name]);
                let found = tensor_of.grad();
                if found.defined() {
                    let off = (found - expected).abs().max().double_value(&[]);
                    assert!(off < 1e-4, "{name}: {off} {pair}");
                } else {
                    assert_eq!(expected.abs().max().double_value(&[]), 0.0, "{name}");
                }
            }
        }
    }
}
