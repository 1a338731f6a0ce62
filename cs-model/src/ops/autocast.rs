//! Mixed precision.

use std::ffi::c_char;
use std::marker::PhantomData;

use super::Device;
use super::bridge::check;
use crate::error::Result;

/// A floating-point type of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HalfPrecision {
    /// bfloat16, with 8 bits of exponent, as f32 has, and 7 of fraction: it needs no loss scaling.
    Bf16,
    /// IEEE 754 binary16, with 5 bits of exponent and 10 of fraction: small gradients vanish unless
    /// the loss is scaled ([`amp_unscale_`](super::amp_unscale_)).
    Fp16,
}

/// A guard that, while it lives, lets libtorch compute matrix products of this thread in 16 bits,
/// as PyTorch's `torch.autocast` does. What needs range stays in f32; [`Model`](crate::Model) sees
/// to that for softmax, norms, recurrences and the heads' results on either kind of device.
/// Parameters stay f32; the copies of them in 16 bits are made once and kept until the outermost
/// guard is dropped. Guards nest: dropping one brings back what was set before it.
///
/// The backward pass belongs outside of the guard, as it uses the types of the forward pass by
/// itself.
///
/// ```
/// use cs_model::Device;
/// use cs_model::ops::{Autocast, HalfPrecision};
/// use tch::{Kind, Tensor};
///
/// let x = Tensor::ones([2, 2], (Kind::Float, tch::Device::Cpu));
/// let guard = Autocast::new(Device::Cpu, HalfPrecision::Bf16)?;
/// assert_eq!(x.matmul(&x).kind(), Kind::BFloat16);
/// drop(guard);
/// assert_eq!(x.matmul(&x).kind(), Kind::Float);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "autocast ends when this is dropped"]
pub struct Autocast {
    device: i32,
    was_enabled: i32,
    was_type: i32,
    /// A marker that keeps the guard on its thread: the setting is the thread's, so it must end
    /// there.
    thread: PhantomData<*const ()>,
}

impl Autocast {
    /// Switches autocast on for operators on `device`'s kind (CPU or CUDA).
    ///
    /// # Errors
    /// [`Error::Operator`](crate::Error::Operator) if libtorch refuses.
    pub fn new(device: Device, precision: HalfPrecision) -> Result<Self> {
        Self::enter(device, true, precision)
    }

    /// Switches autocast off for operators on `device`'s kind, for what has to stay in f32 within
    /// another guard.
    ///
    /// # Errors
    /// [`Error::Operator`](crate::Error::Operator) if libtorch refuses.
    pub fn off(device: Device) -> Result<Self> {
        Self::enter(device, false, HalfPrecision::Bf16)
    }

    /// Whether this thread computes in 16 bits on `device`'s kind.
    pub fn is_on(device: Device) -> bool {
        // SAFETY: a plain number, one of the two that libtorch knows.
        unsafe { cs_autocast_is_on(number(device)) != 0 }
    }

    fn enter(device: Device, enabled: bool, precision: HalfPrecision) -> Result<Self> {
        let device = number(device);
        let half = i32::from(precision == HalfPrecision::Fp16);
        let (mut was_enabled, mut was_type) = (0, 0);
        // SAFETY: both variables are ours; the function writes nothing else.
        let failure = unsafe {
            cs_autocast_enter(
                device,
                i32::from(enabled),
                half,
                &mut was_enabled,
                &mut was_type,
            )
        };
        check("autocast", failure)?;
        Ok(Self {
            device,
            was_enabled,
            was_type,
            thread: PhantomData,
        })
    }
}

/// Gives libtorch's number of the device's kind.
fn number(device: Device) -> i32 {
    match device {
        Device::Cpu => 0,
        Device::Cuda(_) => 1,
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // SAFETY: plain numbers; those of `enter`, on the same thread.
        let failure = unsafe { cs_autocast_leave(self.device, self.was_enabled, self.was_type) };
        let left = check("autocast", failure);
        debug_assert!(left.is_ok(), "{left:?}");
    }
}

unsafe extern "C" {
    fn cs_autocast_is_on(device: i32) -> i32;
    fn cs_autocast_enter(
        device: i32,
        enabled: i32,
        half: i32,
        was_enabled: *mut i32,
        was_type: *mut i32,
    ) -> *mut c_char;
    fn cs_autocast_leave(device: i32, was_enabled: i32, was_type: i32) -> *mut c_char;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    fn kinds() -> [Kind; 2] {
        let x = Tensor::ones([2, 2], (Kind::Float, tch::Device::Cpu));
        let product = x.matmul(&x).kind();
        [product, x.softmax(-1, None::<Kind>).kind()]
    }

    #[test]
    fn guards_nest_and_restore() {
        let enter = |precision| Autocast::new(Device::Cpu, precision).unwrap();
        assert_eq!(kinds(), [Kind::Float; 2]);
        let outer = enter(HalfPrecision::Bf16);
        assert_eq!(kinds(), [Kind::BFloat16, Kind::Float]);
        let inner = enter(HalfPrecision::Fp16);
        assert_eq!(kinds(), [Kind::Half, Kind::Float]);
        drop(inner);
        assert_eq!(kinds(), [Kind::BFloat16, Kind::Float]);
        assert!(Autocast::is_on(Device::Cpu) && !Autocast::is_on(Device::Cuda(0)));
        let off = Autocast::off(Device::Cpu).unwrap();
        assert_eq!(kinds(), [Kind::Float; 2]);
        drop(off);
        // Another thread is not concerned.
        std::thread::spawn(|| assert_eq!(kinds(), [Kind::Float; 2]))
            .join()
            .unwrap();
        // CUDA's switch is another one, and is there in a build without CUDA.
        drop(Autocast::new(Device::Cuda(0), HalfPrecision::Fp16).unwrap());
        assert_eq!(kinds(), [Kind::BFloat16, Kind::Float]);
        drop(outer);
        assert_eq!(kinds(), [Kind::Float; 2]);
    }

    #[test]
    fn a_changed_parameter_is_cast_anew_once_the_guard_is_gone() {
        let weight = Tensor::ones([1, 1], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let x = Tensor::ones([1, 1], (Kind::Float, tch::Device::Cpu));
        let product = || {
            let _guard = Autocast::new(Device::Cpu, HalfPrecision::Bf16).unwrap();
            x.matmul(&weight).double_value(&[0, 0])
        };
        assert_eq!(product(), 1.0);
        let _ = tch::no_grad(|| weight.shallow_clone().fill_(3.0));
        assert_eq!(product(), 3.0);
    }
}
