//! How much may be read and answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a graph may hold and a question may cost, so that no file and no query takes the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The length of a literal in bytes; by default 1 MB.
    pub literal_bytes: usize,
    /// The rows of an answer; by default 100,000.
    pub rows: usize,
    /// The facts that a SPARQL query may look at, which also bounds what it keeps in memory; by
    /// default 5,000,000.
    pub facts: usize,
    /// The milliseconds that a question may take; by default 2,000.
    pub millis: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            literal_bytes: 1_000_000,
            rows: 100_000,
            facts: 5_000_000,
            millis: 2_000,
        }
    }
}

impl Limits {
    /// Gives the time that a question may take.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_millis(self.millis)
    }
}
