//! Tests of what the crate shows, a module for each of its modules.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic, in its helpers too"
)]

#[cfg(feature = "torch")]
mod adamw;
mod calibration;
mod common;
#[cfg(feature = "torch")]
mod distill;
#[cfg(feature = "torch")]
mod encoders;
mod evaluation;
#[cfg(feature = "torch")]
mod fine_tune;
#[cfg(feature = "torch")]
mod importance;
#[cfg(feature = "torch")]
mod loss;
#[cfg(feature = "torch")]
mod masked_lm;
mod masking;
mod metric_properties;
mod metrics;
mod report;
#[cfg(feature = "torch")]
mod resume;
mod schedule;
#[cfg(feature = "torch")]
mod train_loop;
#[cfg(feature = "torch")]
mod trainer;
