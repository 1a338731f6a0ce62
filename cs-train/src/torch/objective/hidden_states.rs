//! [`Imitation`]: a student's inner states follow its teacher's.
//!
//! `N` packed tokens, `H` the student's and `G` the teacher's width, `S` the sum of the lengths'
//! squares, `A` heads.

use cs_data::{TokenBatch, Tokenizer};
use cs_model::{InnerStates, Mode, Model};
use tch::{Kind, Reduction, Tensor};

use super::teacher::Teacher;
use crate::error::{Error, Result};

/// Standard deviation of a fresh projection.
const DEVIATION: f64 = 0.02;

/// The teacher, asked at every step, and what brings the student's hidden states to its width.
#[derive(Debug)]
pub(super) struct Imitation<'a> {
    teacher: &'a Model,
    /// The number of the teacher's block that each block of the student imitates, from 1;
    /// embeddings are 0.
    blocks: Vec<usize>,
    /// The projections, `[G, H]`, for the embeddings and each block of the student. They are
    /// trained, and not kept.
    projections: Vec<Tensor>,
}

/// How far a batch's inner states are from the teacher's, mean over layers and over widths or
/// heads.
#[derive(Debug)]
pub(super) struct Distance {
    /// The distance, summed over the batch's tokens.
    pub(super) hidden: Tensor,
    /// Summed over the pairs of tokens of each sequence.
    pub(super) attention: Tensor,
}

impl<'a> Imitation<'a> {
    pub(super) fn new(
        teacher: &'a Teacher,
        student: &Model,
        tokenizer: &Tokenizer,
        seed: u64,
    ) -> Result<Self> {
        let (model, own) = (teacher.model(), teacher.tokenizer());
        let (theirs, ours) = (blocks_of("teacher", model)?, blocks_of("pupil", student)?);
        if own.to_json()? != tokenizer.to_json()? {
            return Err(Error::Config {
                field: "the pupil's tokenizer",
                value: "another one than the teacher's".to_owned(),
                expected: "the teacher's, so that inner states are of the same tokens",
            });
        }
        if model.device() != student.device() {
            return Err(Error::Config {
                field: "the teacher's device",
                value: model.device().to_string(),
                expected: "the pupil's",
            });
        }
        let size = |model: &Model| model.config().hidden_size() as i64;
        let shape = [size(model), size(student)]; // [G, H]
        let options = (Kind::Float, student.device().into());
        tch::manual_seed(seed as i64);
        let projection = |_| -> Result<Tensor> {
            let fresh = Tensor::f_randn(shape, options)?.f_mul_scalar(DEVIATION)?;
            Ok(fresh.f_set_requires_grad(true)?)
        };
        Ok(Self {
            teacher: model,
            blocks: (1..=ours)
                .map(|block| (block * theirs).div_ceil(ours))
                .collect(),
            projections: (0..=ours).map(projection).collect::<Result<_>>()?,
        })
    }

    /// What is trained besides the student.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, Tensor)> {
        let named = self.projections.iter().enumerate();
        named.map(|(i, tensor)| (format!("distill.projection.{i}"), tensor.shallow_clone()))
    }

    pub(super) fn distance(&self, batch: &TokenBatch, student: &InnerStates) -> Result<Distance> {
        let (_, teacher) =
            tch::no_grad(|| self.teacher.forward_with_inner_states(batch, Mode::Eval))?;
        let mut hidden = Vec::with_capacity(self.projections.len());
        let blocks = std::iter::once(&0).chain(&self.blocks);
        for ((ours, projection), &block) in student.hidden.iter().zip(&self.projections).zip(blocks)
        {
            let ours = ours.f_to_kind(Kind::Float)?;
            let ours = ours.f_linear(projection, None::<Tensor>)?; // [N, G]
            hidden.push(mean_squares(&ours, &teacher.hidden[block])?);
        }
        let mut attention = Vec::with_capacity(self.blocks.len());
        for (ours, &block) in student.attention.iter().zip(&self.blocks) {
            let theirs = &teacher.attention[block - 1];
            attention.push(if ours.size() == theirs.size() {
                mean_squares(ours, theirs)?
            } else {
                // Heads that cannot be paired are compared by their mean.
                mean_squares(&mean_of_heads(ours)?, &mean_of_heads(theirs)?)?
            });
        }
        let mean = |layers: &[Tensor]| Tensor::f_stack(layers, 0)?.f_mean(Kind::Float);
        Ok(Distance {
            hidden: mean(&hidden)?,
            attention: mean(&attention)?,
        })
    }
}

/// How often a transformer runs a block.
fn blocks_of(field: &'static str, model: &Model) -> Result<usize> {
    let stack = model.config().stack().ok_or_else(|| Error::Config {
        field,
        value: format!("a {}", model.config().model_type()),
        expected: "a transformer, to hand hidden states and attention on",
    })?;
    Ok(stack.depth())
}

/// The squared difference of each row, the mean of its numbers, summed over the rows.
fn mean_squares(ours: &Tensor, theirs: &Tensor) -> Result<Tensor> {
    let (ours, theirs) = (ours.f_to_kind(Kind::Float)?, theirs.f_to_kind(Kind::Float)?);
    let columns = ours.size2()?.1;
    let sum = ours.f_mse_loss(&theirs, Reduction::Sum)?;
    Ok(sum.f_div_scalar(columns as f64)?)
}

/// `[S, A]` to `[S, 1]`.
fn mean_of_heads(scores: &Tensor) -> Result<Tensor> {
    Ok(scores.f_mean_dim(1, true, Kind::Float)?)
}
