//! The transformer block, one for every configuration.
//!
//! In the shapes, `N` is the number of packed tokens, `H` the hidden width, `M` the inner width,
//! `A` the number of heads, and `S` that of pairs of a query and a key.

use tch::Tensor;

use super::attention::{CrossAttention, Pass, SelfAttention};
use super::layers::{Joined, Linear, Norm, activate, dropout};
use super::parameters::Scope;
use crate::config::names::Role;
use crate::config::{Activation, NormPlace, Stack};
use crate::error::Result;

/// Self-attention, in a decoder with an encoder attention to what that has read, and feed-forward
/// layers, each added to its input, with a norm before or after (Vaswani et al. 2017, section 3.1;
/// Xiong et al. 2020, figure 1).
#[derive(Debug)]
pub(super) struct Block {
    attention: SelfAttention,
    attention_output: Linear,
    attention_norm: Norm,
    cross: Option<Cross>,
    feed_forward: FeedForward,
    feed_forward_norm: Norm,
    place: NormPlace,
    dropout: f64,
}

impl Block {
    pub(super) fn new(model: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let (scope, norms) = (model.layer(layer), stack.norms);
        Ok(Self {
            attention: SelfAttention::new(scope, stack, layer)?,
            attention_output: Linear::of_block(scope, Role::AttentionOutput, stack)?,
            attention_norm: Norm::new(scope, Role::AttentionNorm, norms)?,
            cross: stack
                .cross_attention
                .then(|| Cross::new(scope, stack, layer))
                .transpose()?,
            feed_forward: FeedForward::new(scope, stack)?,
            feed_forward_norm: Norm::new(scope, Role::FeedForwardNorm, norms)?,
            place: norms.place,
            dropout: stack.dropout,
        })
    }

    /// Computes the block's output and, if the plan keeps them, the attention's scores.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]` and `[S, A]`.
    pub(super) fn forward(&self, x: &Tensor, pass: Pass<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let (norm, train) = (&self.attention_norm, pass.train);
        let (attended, scores) = self.attention.forward(&self.enter(x, norm)?, pass)?;
        let update = self.attention_output.forward(&attended)?;
        let mut x = self.leave(x, update, norm, train)?;
        if let Some((cross, sources)) = self.cross.as_ref().zip(pass.sources) {
            let read = self.enter(&x, &cross.norm)?;
            let attended = cross.attention.forward(&read, sources, pass.layer)?;
            let update = cross.output.forward(&attended)?;
            x = self.leave(&x, update, &cross.norm, train)?;
        }
        let norm = &self.feed_forward_norm;
        let update = self.feed_forward.forward(&self.enter(&x, norm)?)?;
        Ok((self.leave(&x, update, norm, train)?, scores))
    }

    /// Computes the keys and values of an encoder's hidden states, if the block attends to them:
    /// `[M, H]` to `[M, 2A, D]`.
    pub(super) fn read(&self, hidden: &Tensor) -> Result<Option<Tensor>> {
        let cross = self.cross.as_ref();
        cross.map(|cross| cross.attention.read(hidden)).transpose()
    }

    /// Gives what a sublayer reads.
    fn enter(&self, x: &Tensor, norm: &Norm) -> Result<Tensor> {
        match self.place {
            NormPlace::Before => norm.forward(x),
            NormPlace::After => Ok(x.shallow_clone()),
        }
    }

    /// Adds what a sublayer computed to what was there.
    fn leave(&self, x: &Tensor, update: Tensor, norm: &Norm, train: bool) -> Result<Tensor> {
        let sum = dropout(update, self.dropout, train)?.f_add(x)?;
        match self.place {
            NormPlace::Before => Ok(sum),
            NormPlace::After => norm.forward(&sum),
        }
    }
}

/// The attention of a block to what an encoder has read.
#[derive(Debug)]
struct Cross {
    attention: CrossAttention,
    output: Linear,
    norm: Norm,
}

impl Cross {
    fn new(scope: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        Ok(Self {
            attention: CrossAttention::new(scope, stack, layer)?,
            output: Linear::new(scope, Role::CrossAttentionOutput)?,
            norm: Norm::new(scope, Role::CrossAttentionNorm, stack.norms)?,
        })
    }
}

/// The feed-forward layers of a block.
#[derive(Debug)]
struct FeedForward {
    /// The first layer; where it is gated, the gate and it.
    input: Joined,
    output: Linear,
    activation: Activation,
    gated: bool,
}

impl FeedForward {
    fn new(scope: Scope<'_>, stack: &Stack) -> Result<Self> {
        let mut input = Vec::new();
        if stack.gated {
            input.push(Linear::of_block(scope, Role::FeedForwardGate, stack)?);
        }
        input.push(Linear::of_block(scope, Role::FeedForwardIn, stack)?);
        Ok(Self {
            input: Joined::new(input)?,
            output: Linear::of_block(scope, Role::FeedForwardOut, stack)?,
            activation: stack.activation,
            gated: stack.gated,
        })
    }

    /// # Shapes
    /// `[N, H]` gives `[N, H]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = self.input.forward(x)?; // [N, M] or [N, 2M]
        let inner = if self.gated {
            let width = inner.size()[1] / 2;
            let gate = activate(&inner.f_narrow(1, 0, width)?, self.activation)?;
            gate.f_mul(&inner.f_narrow(1, width, width)?)? // [N, M]
        } else {
            activate(&inner, self.activation)?
        };
        self.output.forward(&inner)
    }
}
