//! Layers that treat every token alike.
//!
//! In the shapes, `N` is the number of packed tokens, `I` that of inputs and `O` that of outputs of
//! a layer, and `H` the hidden width.

use tch::{Kind, Tensor};

use super::parameters::Scope;
use crate::config::Activation;
use crate::config::names::Role;
use crate::error::Result;

/// An affine map: `x Wᵀ + b`.
#[derive(Debug)]
pub(super) struct Linear {
    /// The matrix, `[O, I]`.
    pub(super) weight: Tensor,
    /// The bias, `[O]`.
    pub(super) bias: Tensor,
}

impl Linear {
    pub(super) fn new(scope: Scope<'_>, role: Role) -> Result<Self> {
        Ok(Self {
            weight: scope.weight(role)?,
            bias: scope.bias(role)?,
        })
    }

    /// Applies the map to each row.
    ///
    /// # Shapes
    /// `[N, I]` gives `[N, O]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_linear(&self.weight, Some(&self.bias))?)
    }
}

/// Layer normalisation (Ba et al. 2016) over the last dimension.
#[derive(Debug)]
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    pub(super) fn new(scope: Scope<'_>, role: Role, eps: f64) -> Result<Self> {
        Ok(Self {
            weight: scope.weight(role)?,
            bias: scope.bias(role)?,
            eps,
        })
    }

    /// Normalises each row, in f32 whatever the input is, so that what blocks add up stays in f32.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let shape = self.weight.size();
        let x = x.f_to_kind(Kind::Float)?;
        Ok(x.f_layer_norm(&shape, Some(&self.weight), Some(&self.bias), self.eps, true)?)
    }
}

/// Applies `activation` to each number.
pub(super) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    Ok(match activation {
        Activation::Gelu => x.f_gelu("none")?,
        Activation::GeluNew => x.f_gelu("tanh")?,
        Activation::Relu => x.f_relu()?,
    })
}

/// Applies dropout while training; else gives the input itself.
pub(super) fn dropout(x: Tensor, probability: f64, train: bool) -> Result<Tensor> {
    if train && probability > 0.0 {
        Ok(x.f_dropout(probability, true)?)
    } else {
        Ok(x)
    }
}
