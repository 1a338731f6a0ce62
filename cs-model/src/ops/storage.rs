//! The bytes of a tensor.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};

/// Makes a tensor on the CPU, whose bytes, row-major, are written by `fill`: from a file straight to
/// where they stay.
///
/// ```
/// use cs_model::ops::tensor_of_bytes;
/// use tch::Kind;
///
/// let tensor = tensor_of_bytes(&[2], Kind::Float, |bytes| {
///     bytes.copy_from_slice(&[0, 0, 128, 63, 0, 0, 0, 192]);
///     Ok(())
/// })?;
/// assert_eq!(Vec::<f32>::try_from(tensor).unwrap(), [1.0, -2.0]);
/// # Ok::<(), cs_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Tch`] if memory runs out, and those of `fill`.
pub fn tensor_of_bytes(
    shape: &[usize],
    kind: Kind,
    fill: impl FnOnce(&mut [u8]) -> Result<()>,
) -> Result<Tensor> {
    let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    let tensor = Tensor::f_empty(&shape, (kind, tch::Device::Cpu))?;
    let count = tensor.numel() * kind.elt_size_in_bytes();
    if count > 0 {
        // SAFETY: a fresh tensor is contiguous and has these bytes, and no other handle to it is
        // there yet. They come from libtorch's allocator and are written before they are read.
        let bytes = unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), count) };
        fill(bytes)?;
    } else {
        fill(&mut [])?;
    }
    Ok(tensor)
}

/// Copies the bytes of a tensor, row-major, from whatever device it is on.
///
/// # Errors
/// [`Error::Tch`] if memory runs out.
#[expect(clippy::disallowed_methods, reason = "the bytes have to be waited for")]
pub fn tensor_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let tensor = tensor.f_detach()?.f_to(tch::Device::Cpu)?.f_contiguous()?;
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor
        .f_copy_data_u8(&mut bytes, tensor.numel())
        .map_err(Error::from)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_there_and_back() {
        for kind in [Kind::Float, Kind::Half, Kind::BFloat16] {
            let tensor = Tensor::from_slice(&[1.0_f32, -0.5, 3.0, 8.0, 0.25, 2.0]).to_kind(kind);
            let turned = tensor.view([2, 3]).tr(); // not contiguous
            let bytes = tensor_bytes(&turned).unwrap();
            let again = tensor_of_bytes(&[3, 2], kind, |own| {
                own.copy_from_slice(&bytes);
                Ok(())
            });
            assert_eq!(again.unwrap(), turned);
        }
        let none = tensor_of_bytes(&[0, 4], Kind::Float, |_| Ok(())).unwrap();
        assert!(tensor_bytes(&none).unwrap().is_empty());
    }

    #[test]
    fn memory_that_is_not_there_is_an_error_that_says_how_much() {
        let error = tensor_of_bytes(&[1 << 50], Kind::Float, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("4503599627370496"), "{error}");
    }
}
