//! A candidate beside the models that answer: whose turn is whose.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::http::StatusCode;

use super::answering::{Answering, QUICK, first, version};
use super::blocking::on_thread;
use super::candidate::Candidate;
use super::labels::other_labels;
use super::shadow::{self, Copied, Copies};
use super::telling::{Heard, Telling};
use super::watched::{Lapse, Watched};
use crate::Understanding;
use crate::engine::{Options, Priority};
use crate::error::HttpError;
use crate::rollout::shadow::Report;
use crate::rollout::{Action, Arm, Arrival, Phase, Plan, RolloutError, Status};
use crate::route::Proposal;

/// The candidate of an interface, with the copies that it gets.
pub(super) struct Canary {
    candidate: Arc<Candidate>,
    telling: Telling,
    shadow: Option<Copies>,
}

impl Canary {
    /// Puts a candidate beside models that it may take the place of.
    pub(super) fn new(candidate: Candidate, stable: &Answering) -> Result<Self, HttpError> {
        let refuse = |problem| Err(HttpError::Candidate { problem });
        let status = candidate.rollout.status();
        if let Some(problem) = other_labels(stable, &candidate.engine) {
            return refuse(problem);
        }
        for (what, found, expected) in [
            ("stable", &status.stable, stable.version()),
            ("candidate", &status.candidate, version(&candidate.engine)),
        ] {
            if *found != expected {
                return refuse(format!(
                    "the roll-out's {what} model is {found:?}, expected {expected:?}, which is loaded"
                ));
            }
        }
        let shadow = shadow::start(&candidate.engine, stable, &candidate.config)?;
        let candidate = Arc::new(candidate);
        let telling = Telling::start(Arc::clone(&candidate))?;
        Ok(Self {
            candidate,
            telling,
            shadow,
        })
    }

    /// Says which model a conversation's turn is for; blocks. If that cannot be written down, it is the stable one.
    pub(super) fn assign(self: &Arc<Self>, arrival: &Arrival<'_>) -> Watched {
        let began = Instant::now();
        let candidate = &self.candidate;
        let assigned = candidate.rollout.assign(arrival, candidate.now());
        let arm = assigned.map_or_else(
            |error| {
                tracing::error!(%error, "a conversation cannot be given to the candidate");
                Arm::Stable
            },
            |assigned| assigned.arm,
        );
        Watched::new(self, arrival, arm, began)
    }

    /// The same of a conversation whose model is known without its journal. Never waits.
    pub(super) fn known_to_be(self: &Arc<Self>, arrival: &Arrival<'_>) -> Option<Watched> {
        let began = Instant::now();
        let assigned = self.candidate.rollout.known_to_be(arrival)?;
        Some(Watched::new(self, arrival, assigned.arm, began))
    }

    /// Whether conversations are given models, or have been.
    pub(super) fn has_begun(&self) -> bool {
        self.candidate.rollout.phase() != Phase::Ready
    }

    /// Whether the stable model is still compared with the candidate.
    pub(super) fn is_under_way(&self) -> bool {
        !self.candidate.rollout.phase().is_over()
    }

    /// Has the candidate understand texts at once, and gives what the first means beside the others.
    ///
    /// # Errors
    /// Why the stable model has to.
    pub(super) async fn understand(
        &self,
        texts: Vec<String>,
    ) -> Result<(Understanding, Vec<Understanding>), Lapse> {
        let limit = self.candidate.config.slow_after;
        let options = Options {
            caller: None,
            priority: Priority::High,
            deadline: Some(limit),
        };
        let engine = self.candidate.engine.clone();
        let is_large = texts.iter().map(String::len).sum::<usize>() > QUICK;
        let submit = move || engine.submit_all(texts, &options);
        let answer = async {
            let pending = match is_large {
                true => on_thread(submit).await?,
                false => submit(),
            };
            first(pending?.await?)
        };
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(understandings)) => Ok(understandings),
            Ok(Err(problem)) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
                tracing::debug!("the candidate has too much to do, and the stable model answers");
                Err(Lapse::Refused)
            }
            Ok(Err(problem)) => {
                tracing::warn!(
                    status = problem.status.as_u16(),
                    "the candidate failed, and the stable model answers"
                );
                Err(Lapse::Failed)
            }
            Err(_) => {
                tracing::warn!("the candidate took too long, and the stable model answers");
                Err(Lapse::Failed)
            }
        }
    }

    /// Shows the candidate a turn that the stable model has understood, if it has time for it. Never waits.
    pub(super) fn copy(&self, turn: impl FnOnce() -> Copied) {
        if let Some(shadow) = self.shadow.as_ref().filter(|_| self.is_under_way()) {
            shadow.offer(turn());
        }
    }

    /// Has the roll-out told of a turn or a rating. Never waits.
    pub(super) fn tell(&self, heard: Heard) {
        self.telling.tell(heard);
    }

    /// Has the roll-out told of a customer's rating.
    pub(super) fn rate(&self, conversation: &str, turn: u32, score: f32) {
        self.tell(Heard::Rating {
            conversation: conversation.to_owned(),
            turn,
            rating: f64::from(score),
            at: self.candidate.now(),
        });
    }

    /// Waits until the roll-out knows what it has been told, but no longer than a second; blocks.
    pub(super) fn settle(&self) {
        self.telling.settle();
    }

    /// Does what is to be done, if it has not been looked for a second; blocks.
    pub(super) fn tick(&self) {
        self.candidate.tick();
    }

    /// Does what a person wants; blocks.
    pub(super) fn act(&self, action: Action, by: &str) -> Result<(), RolloutError> {
        let candidate = &self.candidate;
        candidate.rollout.act(action, by, candidate.now())?;
        tracing::info!(
            action = action.name(),
            by,
            "a person decides on the candidate"
        );
        Ok(())
    }

    /// Gives where it stands, by all that it has been told; blocks.
    pub(super) fn status(&self) -> Status {
        self.settle();
        self.tick();
        self.known()
    }

    /// Gives where it stands as far as is known.
    pub(super) fn known(&self) -> Status {
        self.candidate.rollout.status()
    }

    /// Gives how many turns and ratings it does not know, as too much waited or its journal failed.
    pub(super) fn untold(&self) -> u64 {
        self.telling.untold()
    }

    pub(super) fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.candidate.plan
    }

    /// Says how the candidate's answers to copies compare; none if it sees none.
    pub(super) fn comparisons(&self) -> Option<Report> {
        self.shadow.as_ref().map(Copies::report)
    }

    /// Gives the threshold that copies propose for a light model in front of the candidate; none without one.
    pub(super) fn threshold(&self) -> Option<Proposal> {
        self.shadow.as_ref()?.threshold()
    }

    /// Gives the turns of the stable model, those of the candidate, and how many of these it failed on or had no room for.
    pub(super) fn turns(&self) -> [u64; 4] {
        let Candidate {
            turns: [stable, canary],
            failed,
            refused,
            ..
        } = self.candidate();
        [stable, canary, failed, refused].map(|it| it.load(Ordering::Relaxed))
    }
}
