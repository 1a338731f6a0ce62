//! From gradients to changed weights: the optimiser and what goes with it.

mod adamw;
mod ema;
mod fgm;
mod gradients;
mod layer_decay;

pub use adamw::AdamW;
pub(crate) use adamw::Moments;
pub(crate) use ema::Ema;
pub(crate) use fgm::Fgm;
pub use gradients::Gradients;
