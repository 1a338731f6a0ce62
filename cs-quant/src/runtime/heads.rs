//! Pooling and the task heads. In the shapes, `B` is the number of sequences, `N` that of tokens,
//! `H` the hidden width, `C` the number of intents, and `T` that of tags.

use std::sync::Arc;

use cs_model::names::{HEADS, Role};
use cs_model::{HeadOutput, Matrix, Pooling, Tasks, Transitions};

use crate::error::{Error, Result};
use crate::format::source::WeightSource;
use crate::kernel::gemm::{QuantScratch, Weights};
use crate::kernel::math::Act;
use crate::kernel::memory::grow;
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct TaskHeads {
    intent: Option<Weights>,
    slots: Option<Weights>,
    transitions: Option<Arc<Transitions>>,
    sentiment: Option<Weights>,
    pooling: Pooling,
}

impl TaskHeads {
    pub(crate) fn load(tasks: &Tasks, width: usize, source: &WeightSource) -> Result<Self> {
        let head = |role: Role, outputs: Option<usize>| {
            let load = |n| source.named(HEADS).dense(role, [n, width], true);
            outputs.map(load).transpose()
        };
        Ok(Self {
            intent: head(Role::Intent, tasks.intent.as_ref().map(Vec::len))?,
            slots: head(
                Role::Slots,
                tasks.slots.as_ref().map(|tags| tags.tags().len()),
            )?,
            transitions: match tasks.crf_tags() {
                Some(tags) => Some(Arc::new(source.transitions(tags)?)),
                None => None,
            },
            sentiment: head(Role::Sentiment, tasks.sentiment.then_some(1))?,
            pooling: tasks.pooling,
        })
    }

    /// Computes the heads' results.
    ///
    /// # Shapes
    ///
    /// `hidden` is `[N, H]`, and `offsets` is `[B + 1]`.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        hidden: &Matrix,
        offsets: &[u32],
        scratch: &mut QuantScratch,
    ) -> Result<HeadOutput> {
        let pooled = if self.intent.is_some() || self.sentiment.is_some() {
            pool(self.pooling, hidden, offsets) // [B, H]
        } else {
            Matrix::zeros(0, hidden.cols)
        };
        let mut apply = |weights: &Option<Weights>, x: &Matrix| {
            let Some(weights) = weights else {
                return Ok(None);
            };
            let mut data = Vec::new();
            grow(&mut data, x.rows.saturating_mul(weights.outputs()))?;
            scratch.reserve(x.rows, x.cols)?;
            weights.apply(team, &x.data, Act::None, &mut data, scratch);
            let (rows, cols) = (x.rows, weights.outputs());
            Ok::<_, Error>(Some(Matrix { rows, cols, data }))
        };
        let sigmoid = |logits: Matrix| {
            let logits = logits.data.into_iter();
            logits.map(|x| 1.0 / (1.0 + (-x).exp())).collect()
        };
        Ok(HeadOutput {
            intent: apply(&self.intent, &pooled)?,
            slots: apply(&self.slots, hidden)?,
            transitions: self.transitions.clone(),
            sentiment: apply(&self.sentiment, &pooled)?.map(sigmoid),
            pooled: (pooled.rows > 0).then_some(pooled),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let heads = [&self.intent, &self.slots, &self.sentiment];
        heads.into_iter().flatten().map(Weights::bytes).sum()
    }
}

/// Pools the hidden states to one row per sequence, `[B, H]`. No sequence is empty.
pub(crate) fn pool(pooling: Pooling, hidden: &Matrix, offsets: &[u32]) -> Matrix {
    let mut pooled = Matrix::zeros(offsets.len().saturating_sub(1), hidden.cols);
    for (i, ends) in offsets.windows(2).enumerate() {
        let (start, end) = (ends[0] as usize, ends[1] as usize);
        let row = pooled.row_mut(i);
        row.copy_from_slice(hidden.row(start));
        let rest = match pooling {
            Pooling::Cls => start + 1..start + 1,
            Pooling::Mean | Pooling::Max => start + 1..end,
        };
        for token in rest {
            for (sum, &h) in row.iter_mut().zip(hidden.row(token)) {
                *sum = if pooling == Pooling::Max {
                    sum.max(h)
                } else {
                    *sum + h
                };
            }
        }
        if pooling == Pooling::Mean {
            let count = (end - start) as f32;
            row.iter_mut().for_each(|sum| *sum /= count);
        }
    }
    pooled
}
