//! Layers that treat every token alike.
//!
//! In the shapes, `N` is the number of packed tokens, `I` that of inputs and `O` that of outputs of
//! a layer, and `H` the hidden width.

use tch::Tensor;

use super::parameters::Scope;
use crate::config::names::Role;
use crate::config::{Activation, NormKind, Norms, Stack};
use crate::error::Result;

/// An affine map: `x Wᵀ + b`.
#[derive(Debug)]
pub(super) struct Linear {
    /// The matrix, `[O, I]`, or `[I, O]` if it is transposed.
    pub(super) weight: Tensor,
    transposed: bool,
    /// The bias, `[O]`.
    pub(super) bias: Option<Tensor>,
}

impl Linear {
    pub(super) fn new(scope: Scope<'_>, role: Role) -> Result<Self> {
        Ok(Self {
            weight: scope.weight(role)?,
            transposed: false,
            bias: scope.optional_bias(role),
        })
    }

    /// Makes a layer of a block, whose matrix may be stored the other way round.
    pub(super) fn of_block(scope: Scope<'_>, role: Role, stack: &Stack) -> Result<Self> {
        Ok(Self {
            transposed: stack.conv1d,
            ..Self::new(scope, role)?
        })
    }

    /// Applies the map to each row.
    ///
    /// # Shapes
    /// `[N, I]` gives `[N, O]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.transposed {
            return Ok(x.f_linear(&self.weight.f_tr()?, self.bias.as_ref())?);
        }
        Ok(x.f_linear(&self.weight, self.bias.as_ref())?)
    }
}

/// Linear layers of one input, whose outputs lie side by side.
#[derive(Debug)]
pub(super) struct Joined {
    parts: Vec<Linear>,
    /// The matrices of all parts, one below the other, and their biases; `None` while they are
    /// trained.
    whole: Option<Linear>,
}

impl Joined {
    /// Joins layers. Weights that are not trained are moved into one tensor, of which each stays a
    /// part.
    pub(super) fn new(mut parts: Vec<Linear>) -> Result<Self> {
        let trained = parts.iter().any(|part| part.weight.requires_grad());
        let whole = match parts.as_mut_slice() {
            [_] => parts.pop(),
            _ if trained => None,
            parts => {
                let whole = cat(parts)?;
                let _guard = tch::no_grad_guard();
                share(&whole.weight, parts.iter_mut().map(|part| &mut part.weight))?;
                if let Some(bias) = &whole.bias {
                    share(bias, parts.iter_mut().filter_map(|part| part.bias.as_mut()))?;
                }
                Some(whole)
            }
        };
        Ok(Self { parts, whole })
    }

    /// Applies all layers in one product.
    ///
    /// # Shapes
    /// `[N, I]` gives `[N, O]`, `O` the sum of the layers' outputs.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.whole {
            Some(whole) => whole.forward(x),
            None => cat(&self.parts)?.forward(x),
        }
    }
}

/// Copies matrices, none of them transposed, and biases into one below the other.
fn cat(parts: &[Linear]) -> Result<Linear> {
    let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
    let biases: Vec<&Tensor> = parts.iter().filter_map(|part| part.bias.as_ref()).collect();
    let bias = if biases.is_empty() {
        None
    } else {
        Some(Tensor::f_cat(&biases, 0)?)
    };
    Ok(Linear {
        weight: Tensor::f_cat(&weights, 0)?,
        transposed: false,
        bias,
    })
}

/// Makes each part, and every other handle to it, the rows of `whole` that are equal to it.
fn share<'a>(whole: &Tensor, parts: impl Iterator<Item = &'a mut Tensor>) -> Result<()> {
    let mut start = 0;
    for part in parts {
        let rows = part.size()[0];
        part.f_set_data(&whole.f_narrow(0, start, rows)?)?;
        start += rows;
    }
    Ok(())
}

/// A normalisation over the last dimension.
#[derive(Debug)]
pub(super) struct Norm {
    kind: NormKind,
    weight: Tensor,
    bias: Option<Tensor>,
    eps: f64,
}

impl Norm {
    pub(super) fn new(scope: Scope<'_>, role: Role, norms: Norms) -> Result<Self> {
        Ok(Self {
            kind: norms.kind,
            weight: scope.weight(role)?,
            bias: scope.optional_bias(role),
            eps: norms.eps,
        })
    }

    /// Normalises each row, in the type of the factors whatever the input is, so that what blocks
    /// add up stays in f32 under autocast.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let shape = self.weight.size();
        let x = x.f_to_kind(self.weight.kind())?;
        let (weight, bias) = (Some(&self.weight), self.bias.as_ref());
        Ok(match self.kind {
            NormKind::Layer => x.f_layer_norm(&shape, weight, bias, self.eps, true)?,
            NormKind::Rms => x.f_rms_norm(&shape, weight, self.eps)?,
        })
    }
}

/// Applies `activation` to each number.
pub(super) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    Ok(match activation {
        Activation::Gelu => x.f_gelu("none")?,
        Activation::GeluNew => x.f_gelu("tanh")?,
        Activation::Relu => x.f_relu()?,
        Activation::Silu => x.f_silu()?,
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
