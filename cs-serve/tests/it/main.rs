//! Tests of the crate's public interface, a module for each of its modules.
#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure report"
)]

mod assistant;
mod bundles;
#[cfg(feature = "dialogue")]
mod dialogue;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "knowledge")]
mod knowledge;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "redis")]
mod redis_server;
#[cfg(feature = "dialogue")]
mod reply;
#[cfg(feature = "rollout")]
mod rollout;
#[cfg(feature = "route")]
mod route;
#[cfg(feature = "safety")]
mod safety;
