//! What a run is told, and what follows from it alone: pure functions of their arguments.

mod config;
mod early_stopping;
mod learning_rate;
mod precision;
mod preset;

pub use config::{ClassWeights, LossConfig, TrainConfig};
pub use early_stopping::{EarlyStopping, StoppingDecision};
pub use learning_rate::{Decay, Schedule};
pub use precision::{LossScaler, TrainPrecision};
pub use preset::Preset;
