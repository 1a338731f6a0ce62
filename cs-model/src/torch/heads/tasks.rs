//! Intent, slot and sentiment heads.
//!
//! In the shapes, `N` is the number of packed tokens, `B` that of sequences, `H` the hidden width,
//! `C` the number of intents, and `T` that of slot tags.

use tch::{Kind, Tensor};

use crate::config::names::Role;
use crate::error::Result;
use crate::heads::{Pooling, Tasks};
use crate::torch::crf::Crf;
use crate::torch::input::PackedInput;
use crate::torch::layers::{Linear, dropout};
use crate::torch::output::ModelOutput;
use crate::torch::parameters::Scope;
use crate::torch::pooling::pool;

/// A linear layer for each task, and what is learned about sequences of tags.
#[derive(Debug)]
pub(in crate::torch) struct TaskHeads {
    intent: Option<Linear>,
    slots: Option<Linear>,
    crf: Option<Crf>,
    sentiment: Option<Linear>,
    pooling: Pooling,
    dropout: f64,
}

impl TaskHeads {
    /// Makes the heads for `tasks`; `dropout` is its rate on what the heads read, in training.
    pub(in crate::torch) fn new(scope: Scope<'_>, tasks: &Tasks, dropout: f64) -> Result<Self> {
        let head = |present: bool, role| present.then(|| Linear::new(scope, role)).transpose();
        let crf = |tags| {
            let scores = scope.weight(Role::SlotTransitions)?;
            let (start, end) = (scope.weight(Role::SlotStart)?, scope.weight(Role::SlotEnd)?);
            Crf::new(tags, scores, start, end)
        };
        Ok(Self {
            crf: tasks.crf_tags().map(crf).transpose()?,
            intent: head(tasks.intent.is_some(), Role::Intent)?,
            slots: head(tasks.slots.is_some(), Role::Slots)?,
            sentiment: head(tasks.sentiment, Role::Sentiment)?,
            pooling: tasks.pooling,
            dropout,
        })
    }

    /// Computes the heads' results, which are f32 under autocast as well.
    ///
    /// # Shapes
    /// `[N, H]` gives intent logits `[B, C]`, slot logits `[N, T]` and sentiment `[B]` in 0..=1.
    pub(in crate::torch) fn forward(
        &self,
        hidden: &Tensor,
        input: &PackedInput,
        train: bool,
    ) -> Result<ModelOutput> {
        let slots = match &self.slots {
            Some(head) => {
                let hidden = dropout(hidden.shallow_clone(), self.dropout, train)?;
                Some(head.forward(&hidden)?.f_to_kind(Kind::Float)?) // [N, T]
            }
            None => None,
        };
        let mut output = ModelOutput {
            slots,
            crf: self.crf.as_ref().map(Crf::shallow_clone),
            lengths: input.lengths().to_vec(),
            ..ModelOutput::default()
        };
        if self.intent.is_none() && self.sentiment.is_none() {
            return Ok(output);
        }
        let pooled = dropout(pool(hidden, input, self.pooling)?, self.dropout, train)?; // [B, H]
        if let Some(head) = &self.intent {
            output.intent = Some(head.forward(&pooled)?.f_to_kind(Kind::Float)?); // [B, C]
        }
        if let Some(head) = &self.sentiment {
            let logits = head.forward(&pooled)?.f_to_kind(Kind::Float)?; // [B, 1]
            output.sentiment = Some(logits.f_sigmoid()?.f_squeeze_dim(1)?); // [B]
        }
        Ok(output)
    }
}
