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
    attention_sublayer: Sublayer,
    cross: Option<(CrossAttention, Sublayer)>,
    feed_forward: FeedForward,
    feed_forward_sublayer: Sublayer,
}

impl Block {
    pub(super) fn new(model: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let scope = model.layer(layer);
        let sublayer = |roles| Sublayer::new(scope, stack, roles);
        let cross = if stack.cross_attention {
            let roles = [Role::CrossAttentionOutput, Role::CrossAttentionNorm];
            let attention = CrossAttention::new(scope, stack, layer)?;
            Some((attention, sublayer(roles)?))
        } else {
            None
        };
        Ok(Self {
            attention: SelfAttention::new(scope, stack, layer)?,
            attention_sublayer: sublayer([Role::AttentionOutput, Role::AttentionNorm])?,
            cross,
            feed_forward: FeedForward::new(scope, stack)?,
            feed_forward_sublayer: sublayer([Role::FeedForwardOut, Role::FeedForwardNorm])?,
        })
    }

    /// Computes the block's output and, if the plan keeps them, the attention's scores.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]` and `[S, A]`.
    pub(super) fn forward(&self, x: &Tensor, pass: Pass<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let (sublayer, train) = (&self.attention_sublayer, pass.train);
        let (attended, scores) = self.attention.forward(&sublayer.enter(x)?, pass)?;
        let mut x = sublayer.leave(x, &attended, train)?;
        if let (Some((cross, sublayer)), Some(sources)) = (&self.cross, pass.sources) {
            let attended = cross.forward(&sublayer.enter(&x)?, sources, pass.layer)?;
            x = sublayer.leave(&x, &attended, train)?;
        }
        let sublayer = &self.feed_forward_sublayer;
        let inner = self.feed_forward.forward(&sublayer.enter(&x)?)?;
        Ok((sublayer.leave(&x, &inner, train)?, scores))
    }

    /// Computes the keys and values of an encoder's hidden states, if the block attends to them:
    /// `[M, H]` to `[M, 2A, D]`.
    pub(super) fn read(&self, hidden: &Tensor) -> Result<Option<Tensor>> {
        let cross = self.cross.as_ref();
        cross.map(|(cross, _)| cross.read(hidden)).transpose()
    }
}

/// What each sublayer has: its last layer, and the norm before it, or after it was added to its
/// input.
#[derive(Debug)]
struct Sublayer {
    place: NormPlace,
    norm: Norm,
    output: Linear,
    dropout: f64,
}

impl Sublayer {
    fn new(scope: Scope<'_>, stack: &Stack, [output, norm]: [Role; 2]) -> Result<Self> {
        Ok(Self {
            place: stack.norms.place,
            norm: Norm::new(scope, norm, stack.norms)?,
            output: Linear::of_block(scope, output, stack)?,
            dropout: stack.dropout,
        })
    }

    /// Gives what the sublayer reads of `x`.
    fn enter(&self, x: &Tensor) -> Result<Tensor> {
        match self.place {
            NormPlace::Before => self.norm.forward(x),
            NormPlace::After => Ok(x.shallow_clone()),
        }
    }

    /// Adds to `x` what the last layer makes of its input.
    fn leave(&self, x: &Tensor, input: &Tensor, train: bool) -> Result<Tensor> {
        let update = dropout(self.output.forward(input)?, self.dropout, train)?;
        let sum = update.f_add(x)?;
        match self.place {
            NormPlace::Before => Ok(sum),
            NormPlace::After => self.norm.forward(&sum),
        }
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
