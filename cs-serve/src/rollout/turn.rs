//! What a service asks and tells of a turn.

use std::fmt;

use super::counts::Arm;
use super::state::Outcome;

/// What is rolled out, in place of what.
#[derive(Debug, Clone)]
pub struct Candidates<'a> {
    /// The version of the stable model, such as its fingerprint.
    pub stable: &'a str,
    /// The version of the candidate.
    pub candidate: &'a str,
}

/// A turn that comes in.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// The conversation.
    pub conversation: &'a str,
    /// The customer, if known.
    pub customer: Option<&'a str>,
    /// The number of the turn, from 1. The first one begins another conversation if an answered turn of the name is known.
    pub turn: u32,
}

/// Which model answers a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assigned {
    /// The model.
    pub arm: Arm,
    /// Whether the conversation has had the candidate until now, and has the stable model from now on.
    pub switched: bool,
}

/// A turn that was answered.
#[derive(Clone, Copy)]
pub struct Observation<'a> {
    /// The conversation.
    pub conversation: &'a str,
    /// The number of the turn, from 1.
    pub turn: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// The customer's language.
    pub language: Option<&'a str>,
    /// The intent.
    pub intent: Option<&'a str>,
}

/// A customer's rating of a turn.
#[derive(Clone, Copy)]
pub struct Rating<'a> {
    /// The conversation.
    pub conversation: &'a str,
    /// The number of the turn, from 1.
    pub turn: u32,
    /// The rating, in 0..=1: 0 or 1 of who was satisfied or not.
    pub rating: f64,
}

/// Without names.
impl fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

/// Without names.
impl fmt::Debug for Observation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation")
            .field("turn", &self.turn)
            .field("outcome", &self.outcome)
            .field("language", &self.language)
            .field("intent", &self.intent)
            .finish_non_exhaustive()
    }
}

/// Without names.
impl fmt::Debug for Rating<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rating")
            .field("turn", &self.turn)
            .field("rating", &self.rating)
            .finish_non_exhaustive()
    }
}
