//! The same figures for parts of the traffic.

use serde::{Deserialize, Serialize};

use crate::rollout::counts::Counts;

/// What a part of the traffic has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    /// The language of the first turn.
    Language,
    /// The intent of the first turn.
    Intent,
}

/// The most segments of a kind. What is not among the first of them is `other`.
const MOST: usize = 64;

/// A part of the traffic, which is reported and decides nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The language or intent.
    pub name: String,
    /// What was counted of it in this step.
    pub counts: Counts,
}

/// The segments of a kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Segments(pub(super) Vec<Segment>);

impl Segments {
    /// The place of a segment, which is made if it is new.
    pub(super) fn place(&mut self, name: &str) -> u8 {
        let name = if self.0.len() + 1 >= MOST && !self.0.iter().any(|it| it.name == name) {
            "other"
        } else {
            name
        };
        let place = self.0.iter().position(|it| it.name == name);
        let place = place.unwrap_or_else(|| {
            self.0.push(Segment {
                name: name.to_owned(),
                counts: Counts::default(),
            });
            self.0.len() - 1
        });
        u8::try_from(place).unwrap_or(u8::MAX)
    }

    pub(super) fn counts_mut(&mut self, place: u8) -> Option<&mut Counts> {
        self.0.get_mut(usize::from(place)).map(|it| &mut it.counts)
    }

    /// Forgets what was counted; places stay.
    pub(super) fn clear(&mut self) {
        for segment in &mut self.0 {
            segment.counts = Counts::default();
        }
    }
}
