//! What the example `rollout` does: traffic, recorded or simulated, through a roll-out on a virtual clock.

mod args;
mod replay;
mod runs;
mod traffic;

pub use args::{RolloutArgs, Simulate};
pub use replay::{Played, Replay};
pub use runs::Runs;
pub use traffic::{Talk, Talks};
