//! The engine's rules: what is let in, what goes next, how fast it is, what hangs.
//!
//! These are structures without a clock, a thread or a lock: whoever calls them passes the time, so
//! that their tests simulate hours in milliseconds.

mod admission;
mod class;
mod queue;
mod rate;
mod slots;

pub(super) use admission::{Ask, Pace, Refusal};
pub(super) use queue::{Batch, Entry, Limits, Queue, Sender, Size};
pub(super) use rate::Rate;
pub(super) use slots::Slots;

#[cfg(test)]
mod tests;

/// A point in time, as the time since the engine's start.
pub(super) type Moment = std::time::Duration;
