//! What a candidate may not make worse.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A figure that is watched: a value in 0..=1 for each conversation, of which more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guardrail {
    /// The mean of a conversation's ratings. One without ratings has no value.
    Satisfaction,
    /// The share of its turns that did not fail.
    Errors,
    /// The share of its turns that were answered within the latency budget.
    Latency,
    /// 1 if no person had to take over.
    Handover,
    /// 1 if nothing of it was stopped for safety.
    Safety,
    /// The share of its turns that were in scope.
    OutOfScope,
}

impl Guardrail {
    /// All of them, in the order of their [`index`](Self::index).
    pub const ALL: [Self; 6] = [
        Self::Satisfaction,
        Self::Errors,
        Self::Latency,
        Self::Handover,
        Self::Safety,
        Self::OutOfScope,
    ];

    /// Gives its place in [`ALL`](Self::ALL).
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// Gives its name in files: `satisfaction`, `errors`, `latency`, `handover`, `safety` or `out-of-scope`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Satisfaction => "satisfaction",
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Handover => "handover",
            Self::Safety => "safety",
            Self::OutOfScope => "out-of-scope",
        }
    }
}

impl fmt::Display for Guardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How much less of a figure is too much: relative drops, each a share of what the stable model has.
/// From 80 % satisfied to 72 % is a drop of 0.1.
///
/// ```
/// use cs_serve::rollout::Margins;
///
/// let errors = Margins::default().scaled(0.1);
/// assert!((errors.most - 0.01).abs() < 1e-12); // of 99.5 % without an error, 98.5 % is too little
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margins {
    /// A drop that nobody minds. 0.03 by default.
    pub slight: f64,
    /// The drop from which a candidate goes, once it is sure that the drop is more than slight. 0.08 by
    /// default.
    pub marked: f64,
    /// The drop that has to be ruled out before more conversations get the candidate. 0.1 by default.
    pub most: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            slight: 0.03,
            marked: 0.08,
            most: 0.1,
        }
    }
}

impl Margins {
    /// Gives margins that are so many times as wide.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self {
            slight: self.slight * by,
            marked: self.marked * by,
            most: self.most * by,
        }
    }

    pub(super) fn are_ordered(self) -> bool {
        0.0 <= self.slight
            && self.slight < self.marked
            && self.marked <= self.most
            && self.most < 1.0
    }
}
