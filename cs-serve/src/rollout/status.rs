//! What is to be shown of a roll-out.

use serde::{Deserialize, Serialize};

use super::counts::Arm;
use super::decide::{Decision, Figure, figures};
use super::state::{Event, Phase, Point, Segment, SegmentKind, State, Uncounted};

/// All that is to be shown of a roll-out. Nothing of a conversation is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Where it stands.
    pub phase: Phase,
    /// The version of the stable model.
    pub stable: String,
    /// The version of the candidate.
    pub candidate: String,
    /// The candidate's share of new conversations in each step.
    pub shares: Vec<f64>,
    /// The step, from 0.
    pub step: usize,
    /// The share that the candidate has now.
    pub share: f64,
    /// How long the step has been under way, or how long it is since the promotion, in milliseconds.
    pub elapsed_ms: u64,
    /// The conversations that have begun in the step with the stable model, and with the candidate.
    pub begun: [u64; 2],
    /// What the rules say, and the figures that it follows from.
    pub decision: Decision,
    /// The figures of languages.
    pub languages: Vec<SegmentStatus>,
    /// The figures of intents.
    pub intents: Vec<SegmentStatus>,
    /// What was told and not counted.
    pub uncounted: Uncounted,
    /// The points of the curves.
    pub curve: Vec<Point>,
    /// The decisions so far.
    pub history: Vec<Event>,
    /// Whether a rollback is in force that could not be written yet.
    pub is_unsaved: bool,
}

/// The figures of a part of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentStatus {
    /// The language or intent.
    pub name: String,
    /// Its figures. Each has bounds as if it were the only one: of many, some are off by chance.
    pub figures: Vec<Figure>,
}

impl Status {
    pub(super) fn of(state: &State, unsaved: Option<&Event>) -> Self {
        let opened = state.opened();
        let segment = |it: &Segment| SegmentStatus {
            name: it.name.clone(),
            figures: figures(&opened.config, &it.counts),
        };
        let segments = |kind| state.segments(kind).iter().map(segment).collect();
        Self {
            phase: unsaved.map_or(state.phase(), |_| Phase::RolledBack),
            stable: opened.stable.clone(),
            candidate: opened.candidate.clone(),
            shares: opened.config.shares.clone(),
            step: state.step(),
            share: unsaved.map_or(state.share(), |_| 0.0),
            elapsed_ms: u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX),
            begun: [state.begun(Arm::Stable), state.begun(Arm::Canary)],
            decision: state.decision(),
            languages: segments(SegmentKind::Language),
            intents: segments(SegmentKind::Intent),
            uncounted: state.uncounted(),
            curve: state.curve().to_vec(),
            history: state.history().iter().chain(unsaved).cloned().collect(),
            is_unsaved: unsaved.is_some(),
        }
    }
}
