//! From tensors to plain numbers.

use tch::Tensor;

use crate::error::Result;
use crate::heads::Matrix;

/// Copies a tensor of two dimensions to a matrix.
pub(super) fn matrix(tensor: &Tensor) -> Result<Matrix> {
    let (rows, cols) = tensor.size2()?;
    Matrix::new(rows as usize, cols as usize, numbers(tensor)?)
}

/// Copies the numbers of a tensor of f32, row after row.
#[expect(clippy::disallowed_methods, reason = "numbers have to be waited for")]
pub(super) fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    let tensor = tensor.f_detach()?.f_to(tch::Device::Cpu)?.f_contiguous()?;
    let mut numbers = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut numbers, tensor.numel())?;
    Ok(numbers)
}
