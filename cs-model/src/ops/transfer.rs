//! Numbers on their way to a device.

use tch::Tensor;

use super::bridge::{Value, call, unexpected};
use crate::error::Result;

/// Copies numbers to a device, as a vector. To CUDA they go by way of pinned memory, so that the
/// host does not wait for the device, as it would at each other copy.
///
/// ```
/// let numbers = cs_model::on_device(&[1_i64, 2, 3], tch::Device::Cpu)?;
/// assert_eq!((numbers.size(), numbers.kind()), (vec![3], tch::Kind::Int64));
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Tch`](crate::Error::Tch) or [`Error::Operator`](crate::Error::Operator) if memory runs out.
pub fn on_device<T: tch::kind::Element>(
    numbers: &[T],
    device: impl Into<tch::Device>,
) -> Result<Tensor> {
    let (tensor, device) = (Tensor::f_from_slice(numbers)?, device.into());
    match device {
        tch::Device::Cpu => Ok(tensor),
        _ => Ok(pin_memory(&tensor)?.f_to_device_(device, tensor.kind(), true, false)?),
    }
}

/// Copies a tensor to page-locked memory, from which copies to CUDA run while the host goes on. The
/// memory is of libtorch's own default device, as naming one is deprecated and warned of.
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator) without CUDA, or if memory runs out.
pub fn pin_memory(tensor: &Tensor) -> Result<Tensor> {
    const OPERATOR: &str = "aten::pin_memory";
    let mut results = call(OPERATOR, &[tensor.into()])?;
    match (results.pop(), results.is_empty()) {
        (Some(Value::Tensor(pinned)), true) => Ok(pinned),
        _ => Err(unexpected(OPERATOR, "a tensor", &results)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_cuda_pins_nothing() {
        if !tch::Cuda::is_available() {
            let text = pin_memory(&Tensor::from(1.0f32)).unwrap_err().to_string();
            assert!(text.starts_with("aten::pin_memory: "), "{text}");
        }
    }
}
