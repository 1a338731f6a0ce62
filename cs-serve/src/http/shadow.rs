//! Copies of turns, which the candidate understands when nobody needs the machine.

use std::sync::Arc;

use super::candidate::CandidateConfig;
use super::chats::Chats;
use crate::Understanding;
use crate::dialogue::Turn;
use crate::engine::{Handle, Options, Priority};
use crate::error::{BackendError, HttpError};
use crate::rollout::RolloutError;
use crate::rollout::shadow::{Answered, Report, Shadow, Work};

/// The most disagreements that are told.
const LISTED: usize = 20;

/// A turn that the stable model has understood, and that has its reply.
pub(super) struct Copied {
    pub(super) chats: Arc<Chats>,
    pub(super) session: String,
    pub(super) turn: u32,
    pub(super) understanding: Understanding,
    /// Whether it was not to be heard, so that nothing follows from what it means.
    pub(super) is_blocked: bool,
}

/// What the shadow asks. With two models that answer as one, the candidate takes the place of both: there is no route to
/// compare.
struct Asking {
    candidate: Handle,
    /// The engines that customers wait for.
    stable: Vec<Handle>,
    options: Options,
}

/// Starts to show a candidate copies of turns; none if it is to see nothing.
pub(super) fn start(
    candidate: &Handle,
    stable: Vec<Handle>,
    config: &CandidateConfig,
) -> Result<Option<Shadow<Copied>>, HttpError> {
    let Some(shadow) = config.shadow.clone() else {
        return Ok(None);
    };
    let asking = Asking {
        candidate: candidate.clone(),
        stable,
        options: Options {
            caller: None,
            priority: Priority::Low,
            deadline: Some(config.slow_after),
        },
    };
    let failed = |error: RolloutError| HttpError::Candidate {
        problem: error.to_string(),
    };
    Shadow::start(shadow, asking).map(Some).map_err(failed)
}

/// Says what was found so far.
pub(super) fn report(shadow: Option<&Shadow<Copied>>) -> Option<Report> {
    shadow.map(|it| it.report(LISTED))
}

impl Work<Copied> for Asking {
    fn answers(&mut self, copied: &Copied) -> Result<[Answered; 2], BackendError> {
        let text = &copied.understanding.text;
        let candidate = self.candidate.understand(text, &self.options)?;
        let answered = |understanding: &Understanding| Answered {
            understanding: understanding.clone(),
            route: None,
            reply: copied.foresee(understanding),
        };
        Ok([&copied.understanding, &candidate].map(answered))
    }

    fn is_needed(&self, copied: &Copied) -> bool {
        let computes = |engine: &Handle| {
            let snapshot = engine.snapshot();
            snapshot.queue_texts > 0 || snapshot.running > 0
        };
        copied.chats.is_replying() || self.stable.iter().any(computes)
    }
}

impl Copied {
    /// What would come of it, understood so; none if nothing does, or its session is gone.
    fn foresee(&self, understanding: &Understanding) -> Option<(String, String)> {
        let turn = Turn {
            session: &self.session,
            turn: Some(self.turn),
            text: &understanding.text,
            understanding,
            parts: &[], // by either model: what a text says first is compared
        };
        let foreseen = (!self.is_blocked).then(|| self.chats.foresee(&turn))?;
        foreseen.ok().map(|it| (it.next, it.text))
    }
}
