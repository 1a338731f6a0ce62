//! A turn of a conversation that has been given a model, and what became of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::canary::Canary;
use super::telling::Heard;
use crate::Understanding;
use crate::dialogue::Told;
use crate::reply::{Language, Source};
use crate::rollout::{Arm, Arrival, Outcome};
use crate::safety;

/// A turn of a conversation that has been given a model. If what finds its reply panics, it has failed.
pub(super) struct Watched {
    canary: Arc<Canary>,
    conversation: String,
    arm: Arm,
    turn: u32,
    began: Instant,
    /// Why the stable model had to answer in the candidate's stead.
    lapse: Option<Lapse>,
}

/// Why the stable model answers in the candidate's stead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lapse {
    /// It has failed, or taken too long.
    Failed,
    /// Its queue was full. That is no error, as it is none where the stable model's is; but the turn was not answered in time.
    Refused,
}

impl Watched {
    pub(super) fn new(
        canary: &Arc<Canary>,
        arrival: &Arrival<'_>,
        arm: Arm,
        began: Instant,
    ) -> Self {
        Self {
            canary: Arc::clone(canary),
            conversation: arrival.conversation.to_owned(),
            arm,
            turn: arrival.turn,
            began,
            lapse: None,
        }
    }

    pub(super) fn arm(&self) -> Arm {
        self.arm
    }

    /// Notes why the stable model has understood the turn, if it was the candidate's.
    pub(super) fn by_stable(mut self, lapse: Option<Lapse>) -> Self {
        self.lapse = lapse;
        self
    }

    /// Has the roll-out told what became of a turn that has its reply, once.
    pub(super) fn has_reply(&self, understanding: &Understanding, told: &Told) {
        if told.is_repeated {
            return;
        }
        let config = &self.canary.candidate().config;
        let intent = understanding.intent.as_ref().map(|it| it.label.as_str());
        let mut evidence = told.reply.evidence.iter();
        let outcome = Outcome {
            failed: self.lapse == Some(Lapse::Failed),
            slow: self.lapse == Some(Lapse::Refused) || self.began.elapsed() > config.slow_after,
            handed_over: evidence.any(|it| it.source == Source::Handover),
            unsafe_reply: told
                .filtered
                .is_some_and(|it| it.reply == safety::Action::Block),
            out_of_scope: intent.is_none_or(|it| it == config.out_of_scope),
        };
        let language = Language::of(&understanding.text).map(|it| match it {
            Language::Zh => "zh",
            Language::En => "en",
        });
        self.observe(Heard::Turn {
            conversation: self.conversation.clone(),
            turn: told.turn,
            outcome,
            language,
            intent: intent.map(str::to_owned),
            at: self.canary.candidate().now(),
        });
    }

    /// Has the roll-out told that a turn has no answer.
    pub(super) fn has_no_reply(&self) {
        self.observe(Heard::Turn {
            conversation: self.conversation.clone(),
            turn: self.turn,
            outcome: Outcome {
                failed: true,
                ..Outcome::default()
            },
            language: None,
            intent: None,
            at: self.canary.candidate().now(),
        });
    }

    fn observe(&self, heard: Heard) {
        let candidate = self.canary.candidate();
        candidate.turns[self.arm as usize].fetch_add(1, Ordering::Relaxed);
        let count = match self.lapse {
            Some(Lapse::Failed) => Some(&candidate.failed),
            Some(Lapse::Refused) => Some(&candidate.refused),
            None => None,
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.canary.tell(heard);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.has_no_reply();
        }
    }
}
