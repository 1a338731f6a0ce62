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
    attention_end: End,
    cross: Option<(CrossAttention, End)>,
    feed_forward: FeedForward,
    feed_forward_end: End,
    place: NormPlace,
    dropout: f64,
}

impl Block {
    pub(super) fn new(model: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let scope = model.layer(layer);
        let end = |output, norm| End::new(scope, stack, [output, norm]);
        let cross = if stack.cross_attention {
            let end = end(Role::CrossAttentionOutput, Role::CrossAttentionNorm)?;
            Some((CrossAttention::new(scope, stack, layer)?, end))
        } else {
            None
        };
        Ok(Self {
            attention: SelfAttention::new(scope, stack, layer)?,
            attention_end: end(Role::AttentionOutput, Role::AttentionNorm)?,
            cross,
            feed_forward: FeedForward::new(scope, stack)?,
            feed_forward_end: end(Role::FeedForwardOut, Role::FeedForwardNorm)?,
            place: stack.norms.place,
            dropout: stack.dropout,
        })
    }

    /// Computes the block's output and, if the plan keeps them, the attention's scores.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]` and `[S, A]`.
    pub(super) fn forward(&self, x: &Tensor, pass: Pass<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let (end, train) = (&self.attention_end, pass.train);
        let (attended, scores) = self.attention.forward(&self.enter(x, end)?, pass)?;
        let mut x = self.leave(x, &attended, end, train)?;
        if let (Some((cross, end)), Some(sources)) = (&self.cross, pass.sources) {
            let attended = cross.forward(&self.enter(&x, end)?, sources, pass.layer)?;
            x = self.leave(&x, &attended, end, train)?;
        }
        let end = &self.feed_forward_end;
        let inner = self.feed_forward.forward(&self.enter(&x, end)?)?;
        Ok((self.leave(&x, &inner, end, train)?, scores))
    }

    /// Computes the keys and values of an encoder's hidden states, if the block attends to them:
    /// `[M, H]` to `[M, 2A, D]`.
    pub(super) fn read(&self, hidden: &Tensor) -> Result<Option<Tensor>> {
        let cross = self.cross.as_ref();
        cross.map(|(cross, _)| cross.read(hidden)).transpose()
    }

    /// Gives what a sublayer reads.
    fn enter(&self, x: &Tensor, end: &End) -> Result<Tensor> {
        match self.place {
            NormPlace::Before => end.norm.forward(x),
            NormPlace::After => Ok(x.shallow_clone()),
        }
    }

    /// Adds what the last layer of a sublayer makes of `inner` to what was there.
    fn leave(&self, x: &Tensor, inner: &Tensor, end: &End, train: bool) -> Result<Tensor> {
        let update = dropout(end.output.forward(inner)?, self.dropout, train)?;
        let sum = update.f_add(x)?;
        match self.place {
            NormPlace::Before => Ok(sum),
            NormPlace::After => end.norm.forward(&sum),
        }
    }
}

/// The last layer of a sublayer, and the norm that comes before the sublayer or after it.
#[derive(Debug)]
struct End {
    output: Linear,
    norm: Norm,
}

impl End {
    fn new(scope: Scope<'_>, stack: &Stack, [output, norm]: [Role; 2]) -> Result<Self> {
        Ok(Self {
            output: Linear::of_block(scope, output, stack)?,
            norm: Norm::new(scope, norm, stack.norms)?,
        })
    }
}

/// The first feed-forward layer of a block.
#[derive(Debug)]
struct FeedForward {
    /// The layer; where it is gated, the gate and it.
    input: Joined,
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
            activation: stack.activation,
            gated: stack.gated,
        })
    }

    /// # Shapes
    /// `[N, H]` gives `[N, M]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = self.input.forward(x)?; // [N, M] or [N, 2M]
        if !self.gated {
            return activate(&inner, self.activation);
        }
        let width = inner.size()[1] / 2;
        let gate = activate(&inner.f_narrow(1, 0, width)?, self.activation)?;
        Ok(gate.f_mul(&inner.f_narrow(1, width, width)?)?)
    }
}
