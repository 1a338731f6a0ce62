//! [`Phases`]: where the time of training goes.

use std::time::Instant;

use serde::Serialize;

/// Seconds by kind of work. On CUDA the host runs ahead of the device: there a phase is the time
/// that the host took to ask for the work, and `wait` the time that it waited for the device.
///
/// ```
/// use cs_train::run::Phases;
/// let mut phases = Phases { forward: 1.0, backward: 2.0, ..Phases::default() };
/// phases.add(&Phases { optimizer: 0.5, rest: 0.5, ..Phases::default() });
/// assert_eq!(phases.total(), 4.0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Phases {
    /// Packing the rows and computing the loss.
    pub forward: f64,
    /// Computing the gradients.
    pub backward: f64,
    /// Reading loss and gradient norm: waiting for the device.
    pub wait: f64,
    /// Clipping, updating weights and their running mean.
    pub optimizer: f64,
    /// Everything else: choosing rows, telling observers.
    pub rest: f64,
}

impl Phases {
    /// Adds the phases of another step.
    pub fn add(&mut self, other: &Self) {
        self.forward += other.forward;
        self.backward += other.backward;
        self.wait += other.wait;
        self.optimizer += other.optimizer;
        self.rest += other.rest;
    }

    /// The seconds of all phases together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.forward + self.backward + self.wait + self.optimizer + self.rest
    }
}

/// Hands out the time since it was last asked.
#[derive(Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let seconds = now.duration_since(self.0).as_secs_f64();
        self.0 = now;
        seconds
    }
}
