//! From gradients to changed weights: the optimiser and what goes with it.

mod adamw;
mod ema;
mod fgm;
mod layer_decay;

pub(crate) use adamw::Moments;
pub use adamw::{AdamW, Gradients};
pub(crate) use ema::Ema;
pub(crate) use fgm::Fgm;
