//! The names of the tensors of the heads.

use super::role::Role;
use super::table::{Names, Table};

/// The names of the heads, the same on every encoder.
pub const HEADS: Names = Names::new(&Table {
    prefix: None,
    unused: &[],
    roles: &[
        (Role::Intent, "heads.intent.{part}"),
        (Role::Slots, "heads.slots.{part}"),
        (Role::Sentiment, "heads.sentiment.{part}"),
        (Role::SlotTransitions, "heads.slots.transitions"),
        (Role::SlotStart, "heads.slots.start"),
        (Role::SlotEnd, "heads.slots.end"),
    ],
    base: None,
});

/// The beginning of the names of all [heads](HEADS), before a dot.
pub const ALL_HEADS: &str = "heads";
