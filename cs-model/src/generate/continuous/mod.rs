//! Continuous batching: conversations join and leave between steps (Yu et al. 2022, "Orca: A
//! Distributed Serving System for Transformer-Based Generative Models", section 3).

mod batch;
mod conversations;
mod member;
mod pages;
mod turns;

pub use batch::{Advance, BatchLimits, ContinuousBatch, Ended};
pub use conversations::{Conversations, Page, Part};
