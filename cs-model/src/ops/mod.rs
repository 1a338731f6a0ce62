//! Operators of libtorch that tch does not wrap, called through libtorch's dispatcher, and the few
//! switches and figures that are no operators.
//!
//! Each function is one operator, under the same name without the leading underscore and the
//! overload. Its arguments are checked, and libtorch's exceptions become
//! [`Error::Operator`](crate::Error::Operator). A call costs some 2 to 5 µs beside the work.
//! Tensors given to an operator whose name ends in `_` are changed in place, although they are
//! borrowed: a [`Tensor`](tch::Tensor) is a handle.
//!
//! - [`fused_adamw`]: one optimiser step over all parameters at once.
//! - [`foreach_norm`], [`foreach_mul_`], [`foreach_mul_tensor_`], [`foreach_add_`],
//!   [`foreach_lerp_`], [`foreach_copy_`]: lists of tensors as one, for gradient norms and
//!   clipping, accumulation and moving averages.
//! - [`amp_unscale_`]: gradients of a scaled loss, and whether they overflowed.
//! - [`flash_attention`]: attention on packed sequences, on CUDA.
//! - [`Autocast`]: mixed precision while it lives.
//! - [`pin_memory`]: where copies to CUDA start from without a wait.
//! - [`cuda_memory`]: what libtorch has allocated.
//! - [`tensor_of_bytes`], [`tensor_bytes`]: a tensor's numbers as files have them.

mod adamw;
mod attention;
mod autocast;
mod bridge;
mod device;
mod foreach;
mod memory;
mod storage;
mod transfer;

pub use adamw::{FusedAdamW, fused_adamw};
pub use attention::{FlashAttention, KeySlots, flash_attention, flash_attention_supports};
pub use autocast::{Autocast, HalfPrecision};
pub use device::Device;
pub use foreach::{
    amp_unscale_, foreach_add_, foreach_copy_, foreach_lerp_, foreach_mul_, foreach_mul_tensor_,
    foreach_norm,
};
pub use memory::{CudaMemory, cuda_memory, reset_cuda_peak};
pub use storage::{tensor_bytes, tensor_of_bytes};
pub use transfer::{on_device, pin_memory};
