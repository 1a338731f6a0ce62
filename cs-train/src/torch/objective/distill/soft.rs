//! How far a student's answers are from its teacher's.

use cs_model::{ModelOutput, on_device};
use tch::{Kind, Reduction, Tensor};

use super::set::Set;
use crate::error::Result;
use crate::torch::objective::tag_lessons::divergence;

/// `T² · Σ KL(softmax(teacher / T) ‖ softmax(student / T))`, a sum over rows of logits, at the
/// temperature `T`; the factor keeps the gradients' size whatever the temperature (Hinton et al.
/// 2015, section 2).
///
/// # Shapes
///
/// `[B, C]` and `[B, C]` to a scalar.
///
/// # Errors
///
/// [`Error::Torch`](crate::Error::Torch) if the shapes differ.
///
/// ```
/// use cs_train::objective::soft_divergence;
/// use tch::Tensor;
/// let logits = |a: f32, b: f32| Tensor::from_slice2(&[[a, b]]);
/// assert!(soft_divergence(&logits(1.0, 3.0), &logits(2.0, 4.0), 2.0)?.double_value(&[]).abs() < 1e-6);
/// assert!(soft_divergence(&logits(1.0, 3.0), &logits(3.0, 1.0), 2.0)?.double_value(&[]) > 1.0);
/// # Ok::<(), cs_train::Error>(())
/// ```
pub fn soft_divergence(student: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor> {
    let soften = |logits: &Tensor| -> Result<Tensor> {
        let logits = logits.f_to_kind(Kind::Float)?.f_div_scalar(temperature)?;
        Ok(logits.f_log_softmax(-1, Kind::Float)?)
    };
    let divergence = soften(student)?.f_kl_div(&soften(teacher)?, Reduction::Sum, true)?;
    Ok(divergence.f_mul_scalar(temperature * temperature)?)
}

/// What a student says of a batch.
pub(super) struct Student<'o> {
    pub(super) output: &'o ModelOutput,
    /// The rows of each text's words in the batch; none where no teacher teaches tags.
    pub(super) texts: Vec<Vec<usize>>,
    /// The logarithms of the probabilities of the words' tags, `[W, T]`.
    pub(super) tags: Option<Tensor>,
}

/// How far the student is from the teacher; `None` for a task that either does not have.
#[derive(Debug, Default)]
pub(super) struct Soft {
    pub(super) intent: Option<Tensor>,
    pub(super) slots: Option<Tensor>,
    pub(super) sentiment: Option<Tensor>,
}

/// Where a batch's rows of one set, and their words, are in the batch and in the lessons.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) batch_rows: Vec<i64>,
    pub(super) rows: Vec<i64>,
    pub(super) batch_words: Vec<i64>,
    pub(super) words: Vec<i64>,
}

impl Soft {
    /// Adds the distances of a set's rows, whose places are given, at a temperature.
    pub(super) fn add(
        &mut self,
        student: &Student<'_>,
        set: &Set<'_>,
        places: &Places,
        temperature: f64,
    ) -> Result<()> {
        if let (Some(student), Some(teacher)) = (&student.output.intent, &set.intent) {
            let student = select(student, &places.batch_rows)?;
            let teacher = select(teacher, &places.rows)?;
            let divergence = soft_divergence(&student, &teacher, temperature)?;
            add(&mut self.intent, divergence)?;
        }
        if let (Some(student), Some(teacher)) = (&student.output.sentiment, &set.sentiment) {
            let student = select(student, &places.batch_rows)?;
            let teacher = select(teacher, &places.rows)?;
            let student = student.f_to_kind(Kind::Float)?;
            let error = student.f_mse_loss(&teacher, Reduction::Sum)?;
            add(&mut self.sentiment, error)?;
        }
        if let (Some(student), Some(teacher)) = (&student.tags, &set.tags)
            && !places.words.is_empty()
        {
            let student = select(student, &places.batch_words)?;
            let teacher = select(&teacher.probabilities, &places.words)?;
            add(
                &mut self.slots,
                divergence(&student, &teacher, temperature)?,
            )?;
        }
        Ok(())
    }
}

fn select(tensor: &Tensor, rows: &[i64]) -> Result<Tensor> {
    Ok(tensor.f_index_select(0, &on_device(rows, tensor.device())?)?)
}

fn add(sum: &mut Option<Tensor>, more: Tensor) -> Result<()> {
    *sum = Some(match sum.take() {
        Some(sum) => sum.f_add(&more)?,
        None => more,
    });
    Ok(())
}
