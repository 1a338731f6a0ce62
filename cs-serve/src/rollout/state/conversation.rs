//! What is remembered of a conversation.

use serde::{Deserialize, Serialize};

use super::event::Outcome;
use crate::rollout::counts::{Arm, Counts};
use crate::rollout::guardrail::Guardrail;

/// How many rated turns of a conversation are told apart. Further ones are not counted.
const MOST_RATINGS: usize = 64;

/// What is remembered of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Conversation {
    pub(super) arm: Arm,
    /// The step that it began in.
    pub(super) step: usize,
    /// Whether its values count.
    #[serde(rename = "counts")]
    pub(super) is_counted: bool,
    /// When something of it was told last.
    pub(super) last: u64,
    /// Its place in the list of segments of languages, and of intents.
    pub(super) segments: [Option<u8>; 2],
    turns: u32,
    last_turn: u32,
    failed: u32,
    slow: u32,
    out_of_scope: u32,
    is_handed_over: bool,
    is_unsafe: bool,
    ratings: Vec<(u32, f32)>,
}

/// What became of something that was told of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    New,
    Repeated,
    Unknown,
    /// One rated turn more than are told apart.
    Beyond,
}

impl Conversation {
    pub(super) fn new(arm: Arm, step: usize, is_counted: bool, at: u64) -> Self {
        Self {
            arm,
            step,
            is_counted,
            last: at,
            segments: [None; 2],
            turns: 0,
            last_turn: 0,
            failed: 0,
            slow: 0,
            out_of_scope: 0,
            is_handed_over: false,
            is_unsafe: false,
            ratings: Vec::new(),
        }
    }

    /// Whether no turn of it has been told yet.
    pub(super) fn is_new(&self) -> bool {
        self.turns == 0
    }

    /// Whether a turn of it is known to have been answered. Who begins again after that begins another conversation.
    pub(super) fn has_answer(&self) -> bool {
        self.turns > self.failed
    }

    pub(super) fn add_turn(&mut self, turn: u32, outcome: Outcome) -> Told {
        if turn <= self.last_turn {
            return Told::Repeated;
        }
        self.last_turn = turn;
        self.turns += 1;
        self.failed += u32::from(outcome.failed);
        self.slow += u32::from(outcome.slow);
        self.out_of_scope += u32::from(outcome.out_of_scope);
        self.is_handed_over |= outcome.handed_over;
        self.is_unsafe |= outcome.unsafe_reply;
        Told::New
    }

    /// Takes a rating. Of several for a turn the last one counts.
    pub(super) fn rate(&mut self, turn: u32, rating: f32) -> Told {
        if turn == 0 || turn > self.last_turn {
            return Told::Unknown;
        }
        if let Some(known) = self.ratings.iter_mut().find(|it| it.0 == turn) {
            known.1 = rating;
            return Told::New;
        }
        if self.ratings.len() == MOST_RATINGS {
            return Told::Beyond;
        }
        self.ratings.push((turn, rating));
        Told::New
    }

    /// Its values, as [`Guardrail`] says.
    pub(super) fn values(&self) -> Values {
        if self.turns == 0 {
            return Values::default();
        }
        let share_without = |turns: u32| Some(1.0 - f64::from(turns) / f64::from(self.turns));
        let unless = |is_bad: bool| Some(f64::from(u8::from(!is_bad)));
        let mut values = Values::default();
        let mut set = |guardrail: Guardrail, value| values.0[guardrail.index()] = value;
        set(Guardrail::Satisfaction, self.mean_rating());
        set(Guardrail::Errors, share_without(self.failed));
        set(Guardrail::Latency, share_without(self.slow));
        set(Guardrail::Handover, unless(self.is_handed_over));
        set(Guardrail::Safety, unless(self.is_unsafe));
        set(Guardrail::OutOfScope, share_without(self.out_of_scope));
        values
    }

    fn mean_rating(&self) -> Option<f64> {
        let sum: f64 = self.ratings.iter().map(|it| f64::from(it.1)).sum();
        (!self.ratings.is_empty()).then(|| sum / self.ratings.len() as f64)
    }
}

/// A conversation's values, a guardrail each.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Values([Option<f64>; Guardrail::ALL.len()]);

impl Values {
    /// Counts these values of a conversation in place of the ones before.
    pub(super) fn replace(&self, old: &Self, arm: Arm, counts: &mut Counts) {
        for guardrail in Guardrail::ALL {
            let (old, new) = (old.0[guardrail.index()], self.0[guardrail.index()]);
            if old != new {
                counts.tally_mut(arm, guardrail).replace(old, new);
            }
        }
    }
}
