//! What computes with libtorch: losses, the optimiser, and the loop around them.

pub mod inference;
pub mod objective;
pub mod optim;
pub mod run;
mod snapshot;
