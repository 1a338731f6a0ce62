//! Scripted conversations, played against a service: [`Script`] is one, [`Player`] plays it.

mod player;
mod script;

pub use player::{Failure, Played, Player};
pub use script::{Expected, Line, Script};
