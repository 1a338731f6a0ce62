//! The transformer block, one for every configuration.
//!
//! In the shapes, `N` is the number of packed tokens, `H` the hidden width, `M` the intermediate
//! width, `A` the number of heads, and `S` that of pairs of a query and a key.

use tch::Tensor;

use super::attention::{AttentionPlan, SelfAttention};
use super::layers::{LayerNorm, Linear, activate, dropout};
use super::parameters::Scope;
use crate::config::names::Role;
use crate::config::{Activation, Stack};
use crate::error::Result;

/// Self-attention and a two-layer perceptron, each added to its input and then normalised
/// (post-norm; Vaswani et al. 2017, section 3.1).
#[derive(Debug)]
pub(super) struct Block {
    attention: SelfAttention,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
    activation: Activation,
    dropout: f64,
}

impl Block {
    pub(super) fn new(model: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let (scope, eps) = (model.layer(layer), stack.norm_eps);
        Ok(Self {
            attention: SelfAttention::new(scope, stack, layer)?,
            attention_output: Linear::new(scope, Role::AttentionOutput)?,
            attention_norm: LayerNorm::new(scope, Role::AttentionNorm, eps)?,
            intermediate: Linear::new(scope, Role::FeedForwardIn)?,
            output: Linear::new(scope, Role::FeedForwardOut)?,
            output_norm: LayerNorm::new(scope, Role::FeedForwardNorm, eps)?,
            activation: stack.activation,
            dropout: stack.dropout,
        })
    }

    /// Computes the block's output and, if the plan keeps them, the attention's scores.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]` and `[S, A]`.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        plan: &AttentionPlan,
        train: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let (attended, scores) = self.attention.forward(x, plan, train)?;
        let attended = dropout(
            self.attention_output.forward(&attended)?,
            self.dropout,
            train,
        )?;
        let x = self.attention_norm.forward(&attended.f_add(x)?)?;
        let inner = activate(&self.intermediate.forward(&x)?, self.activation)?; // [N, M]
        let inner = dropout(self.output.forward(&inner)?, self.dropout, train)?;
        let output = self.output_norm.forward(&inner.f_add(&x)?)?;
        Ok((output, scores))
    }
}
