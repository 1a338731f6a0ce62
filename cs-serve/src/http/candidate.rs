//! A candidate beside the models that answer: whose turn is whose, and what became of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::answering::{Answering, version};
use super::shadow::{self, Copied};
use crate::Understanding;
use crate::dialogue::Told;
use crate::engine::{Handle, Options, Priority};
use crate::error::HttpError;
use crate::reply::{Language, Source};
use crate::rollout::shadow::{Report, Shadow, ShadowConfig};
use crate::rollout::{
    Action, Arm, Arrival, Observation, Outcome, Phase, Plan, Rating, Rollout, RolloutError, Status,
    Verdict,
};
use crate::safety;

/// The milliseconds between two looks at what is to be done.
const EVERY: u64 = 1_000;

/// What may be chosen about a candidate beside the models that answer. In files, times are whole milliseconds.
///
/// ```
/// use cs_serve::http::CandidateConfig;
///
/// let config: CandidateConfig = serde_json::from_str(r#"{"slow_after_ms": 500, "shadow": {"share": 2}}"#)?;
/// let error = config.validate().unwrap_err();
/// assert_eq!(error.to_string(), "the candidate: share = 2, expected above 0 and at most 1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CandidateConfig {
    /// The time from a turn to its reply beyond which it counts as slow. A candidate that has not understood a turn by
    /// then has failed, and the stable model answers. A second by default.
    #[serde(rename = "slow_after_ms", with = "crate::millis")]
    pub slow_after: Duration,
    /// The intent of turns that are out of scope, as those without an intent are. `out_of_scope` by default.
    pub out_of_scope: String,
    /// How the candidate sees copies of the stable model's turns; without, it sees none.
    pub shadow: Option<ShadowConfig>,
}

impl Default for CandidateConfig {
    fn default() -> Self {
        Self {
            slow_after: Duration::from_secs(1),
            out_of_scope: "out_of_scope".into(),
            shadow: Some(ShadowConfig::default()),
        }
    }
}

impl CandidateConfig {
    /// Checks that a candidate can be watched so.
    ///
    /// # Errors
    /// [`HttpError::Config`] or [`HttpError::Candidate`] for the first value that cannot be.
    pub fn validate(&self) -> Result<(), HttpError> {
        if self.slow_after.is_zero() {
            return Err(HttpError::Config {
                name: "slow_after_ms",
                found: "0".into(),
                expected: "at least 1",
            });
        }
        let shadow = self.shadow.as_ref().map_or(Ok(()), ShadowConfig::validate);
        shadow.map_err(|error| HttpError::Candidate {
            problem: error.to_string(),
        })
    }
}

/// A candidate beside the models that answer: its engine, and the roll-out that gives it conversations.
pub struct Candidate {
    engine: Handle,
    rollout: Rollout,
    plan: Plan,
    config: CandidateConfig,
    clock: Box<Clock>,
    /// When it was last looked what is to be done.
    ticked: AtomicU64,
    /// The turns of the stable model and of the candidate.
    turns: [AtomicU64; 2],
    /// The candidate's turns that the stable model answered in its stead.
    failed: AtomicU64,
}

type Clock = dyn Fn() -> SystemTime + Send + Sync;

impl Candidate {
    /// Takes a candidate's engine, the roll-out that gives it conversations, and what that was planned to need, which
    /// is only shown. The engine is one of its own, so that a candidate that hangs takes nothing from the others.
    ///
    /// # Errors
    /// [`HttpError::Config`] for a configuration that cannot work.
    pub fn new(
        engine: Handle,
        rollout: Rollout,
        plan: Plan,
        config: CandidateConfig,
    ) -> Result<Self, HttpError> {
        config.validate()?;
        Ok(Self {
            engine,
            rollout,
            plan,
            config,
            clock: Box::new(SystemTime::now),
            ticked: AtomicU64::new(0),
            turns: Default::default(),
            failed: AtomicU64::new(0),
        })
    }

    /// Takes the time from another clock than the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    fn now(&self) -> u64 {
        let since = (self.clock)().duration_since(UNIX_EPOCH);
        since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("rollout", &self.rollout.phase())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The candidate of an interface, with the copies that it gets.
pub(super) struct Canary {
    candidate: Candidate,
    shadow: Option<Shadow<Copied>>,
}

/// A turn of a conversation that has been given a model.
pub(super) struct Watched {
    canary: Arc<Canary>,
    arm: Arm,
    turn: u32,
    began: Instant,
    /// Whether the stable model had to answer in the candidate's stead.
    has_failed: bool,
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
        let busy = stable.engines().into_iter().map(|(_, it)| it.clone());
        let shadow = shadow::start(&candidate.engine, busy.collect(), &candidate.config)?;
        Ok(Self { candidate, shadow })
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
        Watched {
            canary: Arc::clone(self),
            arm,
            turn: arrival.turn,
            began,
            has_failed: false,
        }
    }

    /// Whether conversations are given models, or have been.
    pub(super) fn has_begun(&self) -> bool {
        self.candidate.rollout.phase() != Phase::Ready
    }

    /// Whether the stable model is still compared with the candidate.
    pub(super) fn is_under_way(&self) -> bool {
        !self.candidate.rollout.phase().is_over()
    }

    /// Has the candidate understand a text; none if it fails, or takes too long.
    pub(super) async fn understand(&self, text: &str) -> Option<Understanding> {
        let limit = self.candidate.config.slow_after;
        let options = Options {
            caller: None,
            priority: Priority::High,
            deadline: Some(limit),
        };
        let pending = self.candidate.engine.submit(text, &options);
        let answer = async { pending?.await };
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(understanding)) => Some(understanding),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the candidate failed, and the stable model answers");
                None
            }
            Err(_) => {
                tracing::warn!("the candidate took too long, and the stable model answers");
                None
            }
        }
    }

    /// Shows the candidate a turn that the stable model has understood, if it has time for it. Never waits.
    pub(super) fn copy(&self, turn: impl FnOnce() -> Copied) {
        if let Some(shadow) = self.shadow.as_ref().filter(|_| self.is_under_way()) {
            shadow.offer(turn());
        }
    }

    /// Takes a customer's rating; blocks.
    pub(super) fn rate(&self, conversation: &str, turn: u32, score: f32) {
        let rating = Rating {
            conversation,
            turn,
            rating: f64::from(score),
        };
        let candidate = &self.candidate;
        if let Err(error) = candidate.rollout.rate(&rating, candidate.now()) {
            tracing::error!(%error, "a rating is lost to the roll-out");
        }
        self.tick();
    }

    /// Does what is to be done, if it has not been looked for a second; blocks.
    pub(super) fn tick(&self) {
        let (candidate, now) = (&self.candidate, self.candidate.now());
        let last = candidate.ticked.load(Ordering::Relaxed);
        let is_due = now.abs_diff(last) >= EVERY;
        let exchanged = |to| {
            let ticked = &candidate.ticked;
            ticked.compare_exchange(last, to, Ordering::Relaxed, Ordering::Relaxed)
        };
        if !is_due || exchanged(now).is_err() {
            return;
        }
        let before = candidate.rollout.phase();
        let decided = candidate.rollout.tick(now);
        let phase = candidate.rollout.phase();
        match decided {
            Ok(decision) if phase != before => match decision.verdict {
                Verdict::RollBack { guardrail, rule } => {
                    tracing::warn!(%guardrail, ?rule, "the candidate is rolled back");
                }
                _ => tracing::info!(%phase, "the roll-out goes on"),
            },
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the roll-out cannot go on"),
        }
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

    /// Gives where it stands; blocks.
    pub(super) fn status(&self) -> Status {
        self.tick();
        self.candidate.rollout.status()
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.candidate.plan
    }

    /// Says how the candidate's answers to copies compare; none if it sees none.
    pub(super) fn comparisons(&self) -> Option<Report> {
        shadow::report(self.shadow.as_ref())
    }

    /// Gives the turns of the stable model, those of the candidate, and how many of these failed.
    pub(super) fn turns(&self) -> [u64; 3] {
        let candidate = &self.candidate;
        let [stable, canary] = &candidate.turns;
        [stable, canary, &candidate.failed].map(|it| it.load(Ordering::Relaxed))
    }
}

impl Watched {
    pub(super) fn arm(&self) -> Arm {
        self.arm
    }

    /// Notes that the stable model has understood the turn, whoever it was for.
    pub(super) fn by_stable(self) -> Self {
        Self {
            has_failed: self.arm == Arm::Canary,
            ..self
        }
    }

    /// Tells the roll-out what became of a turn that has its reply; blocks.
    pub(super) fn has_reply(self, conversation: &str, understanding: &Understanding, told: &Told) {
        let config = &self.canary.candidate.config;
        let intent = understanding.intent.as_ref().map(|it| it.label.as_str());
        let mut evidence = told.reply.evidence.iter();
        let outcome = Outcome {
            failed: self.has_failed,
            slow: self.began.elapsed() > config.slow_after,
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
        self.observe(&Observation {
            conversation,
            turn: told.turn,
            outcome,
            language,
            intent,
        });
    }

    /// Tells the roll-out that a turn has no answer; blocks.
    pub(super) fn has_no_reply(self, conversation: &str) {
        self.observe(&Observation {
            conversation,
            turn: self.turn,
            outcome: Outcome {
                failed: true,
                ..Outcome::default()
            },
            language: None,
            intent: None,
        });
    }

    fn observe(&self, observation: &Observation<'_>) {
        let candidate = &self.canary.candidate;
        candidate.turns[self.arm as usize].fetch_add(1, Ordering::Relaxed);
        candidate
            .failed
            .fetch_add(u64::from(self.has_failed), Ordering::Relaxed);
        if let Err(error) = candidate.rollout.observe(observation, candidate.now()) {
            tracing::error!(%error, "a turn is lost to the roll-out");
        }
        self.canary.tick();
    }
}

/// What a candidate's labels have that the stable models' have not, or the other way round.
fn other_labels(stable: &Answering, candidate: &Handle) -> Option<String> {
    let candidate = labels(candidate);
    for (slot, engine) in stable.engines() {
        for (found, known) in candidate.iter().zip(labels(engine)) {
            let (of, found, known) = (found.0, &found.1, &known.1);
            let extra = found.iter().find(|it| !known.contains(it));
            let missing = known.iter().find(|it| !found.contains(it));
            let slot = slot.name();
            if let Some(label) = extra {
                return Some(format!(
                    "the candidate has the {of} {label:?}, expected only those of the {slot} model"
                ));
            }
            if let Some(label) = missing {
                return Some(format!(
                    "the candidate lacks the {of} {label:?}, expected all those of the {slot} model"
                ));
            }
        }
    }
    None
}

/// The labels of a model: its intents, tags and heads.
fn labels(engine: &Handle) -> [(&'static str, Vec<String>); 3] {
    let model = engine.model();
    let tasks = model.bundle().tasks();
    let heads = tasks.heads().into_iter().map(str::to_owned).collect();
    [
        ("intent", tasks.intent.clone().unwrap_or_default()),
        ("tag", tasks.slot_tags().to_vec()),
        ("head", heads),
    ]
}
