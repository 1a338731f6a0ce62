//! Memory of a CUDA device, as libtorch's caching allocator counts it.

use std::ffi::c_char;

use super::Device;
use super::bridge::check;
use crate::error::Result;

/// The memory that this process's libtorch holds on a device, in bytes.
///
/// ```
/// // On a machine without CUDA there is nothing to count.
/// let memory = cs_model::ops::cuda_memory(cs_model::Device::Cpu)?;
/// assert_eq!(memory, None);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CudaMemory {
    /// The bytes of all tensors.
    pub allocated: u64,
    /// The bytes taken from the device, in tensors or kept for later ones.
    pub reserved: u64,
    /// The largest number of bytes that were in tensors at once, since the start or
    /// [`reset_cuda_peak`].
    pub peak: u64,
}

/// Gives what libtorch holds on `device`; `None` for the CPU, in a build without CUDA, and before
/// CUDA was first used. Costs some µs, and does not wait for the device.
///
/// # Errors
/// [`Error::Operator`](crate::Error::Operator) for a device that is not there.
pub fn cuda_memory(device: Device) -> Result<Option<CudaMemory>> {
    read(device, false)
}

/// Lets [`CudaMemory::peak`] start anew from what is allocated now; does nothing where there is no
/// CUDA.
///
/// # Errors
/// Those of [`cuda_memory`].
pub fn reset_cuda_peak(device: Device) -> Result<()> {
    read(device, true).map(drop)
}

fn read(device: Device, reset_peak: bool) -> Result<Option<CudaMemory>> {
    let Device::Cuda(index) = device else {
        return Ok(None);
    };
    // libtorch numbers devices by an i8; a larger number is refused like that of any device that is
    // not there.
    let index = i32::from(i8::try_from(index).unwrap_or(i8::MAX));
    let (mut found, mut bytes) = (0, [0; 3]);
    // SAFETY: both variables are ours and large enough; the function writes nothing else.
    let failure =
        unsafe { cs_cuda_memory(index, i32::from(reset_peak), &mut found, bytes.as_mut_ptr()) };
    check("CUDA memory", failure)?;
    let [allocated, reserved, peak] = bytes.map(|count: i64| count.unsigned_abs());
    Ok((found != 0).then_some(CudaMemory {
        allocated,
        reserved,
        peak,
    }))
}

unsafe extern "C" {
    fn cs_cuda_memory(index: i32, reset_peak: i32, found: *mut i32, bytes: *mut i64)
    -> *mut c_char;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_cuda_has_none_and_no_error() {
        if !tch::Cuda::is_available() {
            assert_eq!(cuda_memory(Device::Cuda(0)).unwrap(), None);
            reset_cuda_peak(Device::Cuda(999)).unwrap();
        }
    }
}
