//! Operators on lists of tensors. On CUDA a list takes a handful of kernels instead of one for each
//! tensor; on the CPU it saves the calls' overhead. libtorch checks that lists have the same length
//! and their tensors the same shapes.

use tch::Tensor;

use super::bridge::{Argument, Value, call, call_in_place, unexpected};
use crate::error::Result;

/// Computes the 2-norm of each tensor, as scalars on the tensors' device
/// (`aten::_foreach_norm.Scalar`).
///
/// ```
/// use tch::Tensor;
///
/// let (x, y) = (Tensor::from_slice(&[3.0f32, 4.0]), Tensor::from_slice(&[2.0f32]));
/// let norms = cs_model::ops::foreach_norm(&[&x, &y])?;
/// assert_eq!((norms[0].double_value(&[]), norms[1].double_value(&[])), (5.0, 2.0));
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance for tensors of integers or no tensors.
pub fn foreach_norm(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    let operator = "aten::_foreach_norm.Scalar";
    let mut results = call(operator, &[tensors.into()])?;
    match (results.pop(), results.is_empty()) {
        (Some(Value::Tensors(norms)), true) => Ok(norms),
        _ => Err(unexpected(operator, "a list of tensors", &results)),
    }
}

/// Multiplies each tensor by `factor`, in place (`aten::_foreach_mul_.Scalar`).
///
/// ```
/// let x = tch::Tensor::from_slice(&[3.0f32, 4.0]);
/// cs_model::ops::foreach_mul_(&[&x], 0.5)?;
/// assert_eq!(x.double_value(&[1]), 2.0);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance for no tensors, or for parameters
/// while gradients are on.
pub fn foreach_mul_(tensors: &[&Tensor], factor: f64) -> Result<()> {
    let arguments = [tensors.into(), Argument::Float(factor)];
    call_in_place("aten::_foreach_mul_.Scalar", &arguments)
}

/// Multiplies each tensor by a scalar tensor, in place: unlike with [`foreach_mul_`], the host need
/// not know the factor, as when it is computed on the device (`aten::_foreach_mul_.Tensor`).
///
/// ```
/// use tch::Tensor;
///
/// let x = Tensor::from_slice(&[3.0f32, 4.0]);
/// cs_model::ops::foreach_mul_tensor_(&[&x], &Tensor::from(2.0f32))?;
/// assert_eq!(x.double_value(&[1]), 8.0);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance if `factor` is no scalar.
pub fn foreach_mul_tensor_(tensors: &[&Tensor], factor: &Tensor) -> Result<()> {
    let arguments = [tensors.into(), factor.into()];
    call_in_place("aten::_foreach_mul_.Tensor", &arguments)
}

/// Adds `alpha` times the tensor at the same position of `others` to each tensor, in place
/// (`aten::_foreach_add_.List`).
///
/// ```
/// use tch::Tensor;
///
/// let (x, y) = (Tensor::from_slice(&[3.0f32]), Tensor::from_slice(&[2.0f32]));
/// cs_model::ops::foreach_add_(&[&x], &[&y], 10.0)?;
/// assert_eq!(x.double_value(&[0]), 23.0);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance for lists of different lengths.
pub fn foreach_add_(tensors: &[&Tensor], others: &[&Tensor], alpha: f64) -> Result<()> {
    let arguments = [tensors.into(), others.into(), Argument::Float(alpha)];
    call_in_place("aten::_foreach_add_.List", &arguments)
}

/// Moves each tensor the share `weight` of the way to the tensor at the same position of `ends`, in
/// place: an exponential moving average of decay `1 - weight` (`aten::_foreach_lerp_.Scalar`).
///
/// ```
/// use tch::Tensor;
///
/// let (average, now) = (Tensor::from_slice(&[1.0f32]), Tensor::from_slice(&[2.0f32]));
/// cs_model::ops::foreach_lerp_(&[&average], &[&now], 0.25)?;
/// assert_eq!(average.double_value(&[0]), 1.25);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance for lists of different lengths.
pub fn foreach_lerp_(tensors: &[&Tensor], ends: &[&Tensor], weight: f64) -> Result<()> {
    let arguments = [tensors.into(), ends.into(), Argument::Float(weight)];
    call_in_place("aten::_foreach_lerp_.Scalar", &arguments)
}

/// Copies the tensor at the same position of `sources` into each tensor (`aten::_foreach_copy_`).
///
/// ```
/// use tch::Tensor;
///
/// let (x, y) = (Tensor::from_slice(&[3.0f32]), Tensor::from_slice(&[2.0f32]));
/// cs_model::ops::foreach_copy_(&[&x], &[&y])?;
/// assert_eq!(x.double_value(&[0]), 2.0);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance for lists of different lengths.
pub fn foreach_copy_(tensors: &[&Tensor], sources: &[&Tensor]) -> Result<()> {
    call_in_place("aten::_foreach_copy_", &[tensors.into(), sources.into()])
}

/// Multiplies the gradients of a scaled loss by `inverse_scale`, in place, and sets `found_inf` to
/// 1 if one of them is not finite; otherwise `found_inf` is left alone. Both are one-element f32
/// tensors on the gradients' device (`aten::_amp_foreach_non_finite_check_and_unscale_`;
/// Micikevicius et al. 2018, section 3.2).
///
/// ```
/// use tch::Tensor;
///
/// let (gradient, inf) = (Tensor::from_slice(&[512.0f32]), Tensor::from_slice(&[0.0f32]));
/// let inverse_scale = Tensor::from_slice(&[1.0f32 / 256.0]);
/// cs_model::ops::amp_unscale_(&[&gradient], &inf, &inverse_scale)?;
/// assert_eq!((gradient.double_value(&[0]), inf.double_value(&[0])), (2.0, 0.0));
///
/// let overflown = Tensor::from_slice(&[f32::INFINITY]);
/// cs_model::ops::amp_unscale_(&[&overflown], &inf, &inverse_scale)?;
/// assert_eq!(inf.double_value(&[0]), 1.0);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator), for instance if a scalar has more than one element.
pub fn amp_unscale_(
    gradients: &[&Tensor],
    found_inf: &Tensor,
    inverse_scale: &Tensor,
) -> Result<()> {
    let operator = "aten::_amp_foreach_non_finite_check_and_unscale_";
    let arguments = [gradients.into(), found_inf.into(), inverse_scale.into()];
    call_in_place(operator, &arguments)
}
