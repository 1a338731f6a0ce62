//! Checkpoints: all that a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a folder `step-00000500` with `state.json` and `tensors.safetensors`; the best
//! weights are a file `best-00000313.safetensors` of their own, under the model's names. Each is
//! made in a hidden temporary folder, synced, and moved to its place by renaming.

mod folder;
mod state;

pub(crate) use folder::{CONFIG, Checkpoints};
pub(crate) use state::{Best, Exact, FORMAT_VERSION, Progress, State, check_config, config_value};
