//! Copies of turns, which the candidate understands when nobody needs the machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answering::{Answering, version};
use super::candidate::CandidateConfig;
use super::chat_log::ChatLog;
use super::chats::Chats;
use crate::dialogue::Turn;
use crate::engine::{Handle, Options, Priority};
use crate::error::{BackendError, HttpError};
use crate::log::{Comparison, Difference, Disagreement};
use crate::rollout::RolloutError;
use crate::rollout::shadow::{self, Answered, Report, Shadow, Work};
use crate::route::{Budget, Outcome, Proposal, Refit};
use crate::{Intent, Understanding};

/// The most disagreements that are told.
const LISTED: usize = 20;

/// A turn that the stable model has understood, and that has its reply.
pub(super) struct Copied {
    pub(super) chats: Arc<Chats>,
    pub(super) session: String,
    pub(super) turn: u32,
    /// When it began, in milliseconds since 1970.
    pub(super) at: u64,
    pub(super) understanding: Understanding,
    /// The light model's likeliest intent, if it has read the turn beside a full one.
    pub(super) light: Option<Intent>,
    /// Whether it was not to be heard, so that nothing follows from what it means.
    pub(super) is_blocked: bool,
    /// Where it was logged.
    pub(super) log: Option<Arc<ChatLog>>,
}

/// A candidate that is shown copies of turns.
pub(super) struct Copies {
    shadow: Shadow<Copied>,
    refit: Option<Arc<Mutex<Refit>>>,
}

impl Copies {
    /// Hands a turn on, if there is room for it. Never waits.
    pub(super) fn offer(&self, turn: Copied) {
        self.shadow.offer(turn);
    }

    /// Says what was found so far.
    pub(super) fn report(&self) -> Report {
        self.shadow.report(LISTED)
    }

    /// The threshold that a light model would have in front of the candidate; none without a light model in front of a full
    /// one.
    pub(super) fn threshold(&self) -> Option<Proposal> {
        self.refit.as_deref().map(|it| lock(it).proposal())
    }
}

/// What the shadow asks. With two models that answer as one, the candidate takes the place of both: there is no route to
/// compare.
struct Asking {
    candidate: Handle,
    /// The engines that customers wait for.
    stable: Vec<Handle>,
    options: Options,
    refit: Option<Arc<Mutex<Refit>>>,
}

/// Starts to show a candidate copies of turns; none if it is to see nothing.
pub(super) fn start(
    candidate: &Handle,
    stable: &Answering,
    config: &CandidateConfig,
) -> Result<Option<Copies>, HttpError> {
    let Some(shadow) = config.shadow.clone() else {
        return Ok(None);
    };
    let refit = stable.cascade().map(|_| Refit::new(Budget::default()));
    let refit = refit.map(|it| Arc::new(Mutex::new(it)));
    let stable = stable.engines().into_iter();
    let asking = Asking {
        candidate: candidate.clone(),
        stable: stable.map(|(_, it)| it.clone()).collect(),
        refit: refit.clone(),
        options: Options {
            caller: None,
            priority: Priority::Low,
            deadline: Some(config.slow_after),
        },
    };
    let failed = |error: RolloutError| HttpError::Candidate {
        problem: error.to_string(),
    };
    let shadow = Shadow::start(shadow, asking).map_err(failed)?;
    Ok(Some(Copies { shadow, refit }))
}

fn lock(refit: &Mutex<Refit>) -> MutexGuard<'_, Refit> {
    refit.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work<Copied> for Asking {
    fn answers(&mut self, copied: &Copied) -> Result<[Answered; 2], BackendError> {
        let text = &copied.understanding.text;
        let candidate = self.candidate.understand(text, &self.options)?;
        self.learn(copied, &candidate);
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

    fn differ(&mut self, copied: &Copied, found: &[shadow::Disagreement]) {
        if let Some(log) = &copied.log {
            log.comparison(Comparison {
                time: copied.at,
                conversation: copied.session.clone(),
                turn: copied.turn,
                disagreement: Disagreement {
                    model: version(&self.candidate),
                    differences: found.iter().map(difference).collect(),
                },
            });
        }
    }
}

impl Asking {
    /// Takes note whether a light model says the same, for the threshold that it would have in front of the candidate. Where
    /// they differ, the candidate is taken to be right: at most as much is lost.
    fn learn(&self, copied: &Copied, candidate: &Understanding) {
        let likeliest = candidate.intents.first();
        if let (Some(refit), Some(light), Some(own)) = (&self.refit, &copied.light, likeliest) {
            lock(refit).add(Outcome {
                confidence: light.confidence,
                light_is_right: light.label == own.label,
                full_is_right: true,
            });
        }
    }
}

fn difference(found: &shadow::Disagreement) -> Difference {
    Difference {
        aspect: found.aspect.name().to_owned(),
        stable: found.stable.clone(),
        candidate: found.candidate.clone(),
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
