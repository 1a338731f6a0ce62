//! What `serve` is told about a candidate.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use cs_model::Bundle;
use cs_serve::engine::{Engine, EngineConfig};
use cs_serve::http::{Api, Candidate, CandidateConfig};
use cs_serve::rollout::shadow::ShadowConfig;
use cs_serve::rollout::{
    Approval, Candidates, FileJournal, Journal, Margins, MemoryJournal, Plan, RedisJournal,
    RedisJournalConfig, Rollout, RolloutConfig, RolloutError, Traffic,
};
use cs_serve::{Assistant, RuntimeConfig};

use crate::error::{Error, Result};
use crate::number;
use crate::run::note;
use crate::serve_args::ServeSettings;

/// A candidate, and how it is rolled out; what is left out is as the library has it.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct CandidateArgs {
    /// Folder of a candidate: it sees copies of turns, and gets conversations once its roll-out is started
    #[arg(long, value_name = "DIR")]
    pub candidate: Option<PathBuf>,
    /// What keeps which conversations are the candidate's, and what came of them: a file, or for replicas a Redis as
    /// redis://127.0.0.1:6379; in memory if left out
    #[arg(long, value_name = "FILE|URL")]
    pub rollout: Option<PathBuf>,
    /// Shares of conversations that the candidate gets, step by step, in percent; 5,15,30 if left out
    #[arg(long, value_name = "PERCENT,...")]
    pub plan: Option<Shares>,
    /// Drop of satisfaction that is too much, as a share of it; 0.1 if left out
    #[arg(long, value_name = "SHARE", value_parser = number::part)]
    pub max_drop: Option<f64>,
    /// Hours that a step takes at least; 24 if left out
    #[arg(long, value_name = "HOURS", value_parser = number::above_zero)]
    pub min_step_hours: Option<f64>,
    /// After which steps a person has to say that it goes on: none, last or each; last if left out
    #[arg(long, value_name = "STEPS", value_parser = approval)]
    pub approval: Option<Approval>,
    /// Conversations a day, for the plan that is told at the start; 10000 if left out
    #[arg(long, value_name = "CONVERSATIONS", value_parser = number::above_zero)]
    pub daily: Option<f64>,
    /// Share of conversations that are rated, for the plan; 0.1 if left out
    #[arg(long, value_name = "SHARE", value_parser = number::factor)]
    pub rated: Option<f64>,
    /// Time after which a reply is slow, and the candidate is not waited for; 1000 if left out
    #[arg(long, value_name = "MILLISECONDS", value_parser = number::positive)]
    pub slow_ms: Option<usize>,
    /// Share of its time in which the candidate reads copies of turns at most; 0.1 if left out
    #[arg(long, value_name = "SHARE", value_parser = number::probability)]
    pub shadow: Option<f64>,
}

/// Shares of conversations, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(pub Vec<f64>);

impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |text: &str| number::above_zero(text.trim()).map(|percent| percent / 100.0);
        let shares: Result<Vec<f64>, String> = text.split(',').map(share).collect();
        let wrong = |_| "expected rising shares in percent, e.g. 5,15,30".to_owned();
        shares.map(Self).map_err(wrong)
    }
}

fn approval(text: &str) -> Result<Approval, String> {
    match text {
        "none" => Ok(Approval::None),
        "last" => Ok(Approval::Last),
        "each" => Ok(Approval::Each),
        _ => Err(format!("{text:?}, expected none, last or each")),
    }
}

impl CandidateArgs {
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            candidate: self.candidate.or(other.candidate),
            rollout: self.rollout.or(other.rollout),
            plan: self.plan.or(other.plan),
            max_drop: self.max_drop.or(other.max_drop),
            min_step_hours: self.min_step_hours.or(other.min_step_hours),
            approval: self.approval.or(other.approval),
            daily: self.daily.or(other.daily),
            rated: self.rated.or(other.rated),
            slow_ms: self.slow_ms.or(other.slow_ms),
            shadow: self.shadow.or(other.shadow),
        }
    }

    /// The address of a Redis, if that keeps the roll-out.
    fn url(&self) -> Option<&str> {
        let place = self.rollout.as_ref()?.to_str()?;
        let is_redis = |it: &&str| it.contains("://");
        Some(place).filter(is_redis)
    }

    fn config(&self) -> RolloutConfig {
        let default = RolloutConfig::default();
        let margins = Margins::default();
        let min_step = self.min_step_hours.map_or(default.min_step, hours);
        let most = self.max_drop.unwrap_or(margins.most);
        RolloutConfig {
            shares: self.plan.clone().map_or(default.shares, |it| it.0),
            guardrails: RolloutConfig::guardrails(margins.scaled(most / margins.most)),
            min_step,
            patience: default.patience.max(min_step),
            approval: self.approval.unwrap_or(default.approval),
            ..default
        }
    }

    fn traffic(&self) -> Traffic {
        let default = Traffic::default();
        Traffic {
            conversations: self.daily.unwrap_or(default.conversations),
            rated: self.rated.unwrap_or(default.rated),
            ..default
        }
    }

    fn watch(&self) -> CandidateConfig {
        let default = CandidateConfig::default();
        let slow = self.slow_ms.map(|it| Duration::from_millis(it as u64));
        CandidateConfig {
            slow_after: slow.unwrap_or(default.slow_after),
            shadow: match self.shadow {
                Some(0.0) => None,
                Some(share) => Some(ShadowConfig {
                    share,
                    ..ShadowConfig::default()
                }),
                None => default.shadow,
            },
            ..default
        }
    }
}

/// Beyond a century, a century.
fn hours(hours: f64) -> Duration {
    const MOST: f64 = 24.0 * 365.25 * 100.0;
    Duration::from_secs_f64(hours.min(MOST) * 3600.0)
}

impl ServeSettings {
    /// Puts the candidate beside the models of an interface, if there is one, with an engine of its own. Tells what
    /// its roll-out is planned to need.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for settings of a roll-out without a candidate, a candidate without conversations, and one that
    /// cannot take the models' place; a folder or journal that cannot be opened.
    pub fn with_candidate(&self, api: Api) -> Result<(Api, Option<Engine>)> {
        let refuse = |line: &str| Err(Error::Usage(line.to_owned()));
        let Some(dir) = &self.rolling.candidate else {
            let is_given = self.rolling != CandidateArgs::default();
            return match is_given {
                true => refuse(
                    "--rollout, --plan and what else is about a roll-out: nothing to roll out: give --candidate",
                ),
                false => Ok((api, None)),
            };
        };
        if !self.chats() {
            return refuse("--candidate: no conversations to give it: give --flows or --replies");
        }
        if self.redis.is_some() && self.rolling.url().is_none() {
            return refuse(
                "--redis, --candidate: replicas share conversations, and have to share the roll-out: give --rollout redis://…",
            );
        }
        let engine = self.candidate_engine(dir)?;
        let handle = engine.handle();
        let model = handle.model();
        let of = Candidates {
            stable: &api.version(),
            candidate: model.bundle().version().unwrap_or_default(),
        };
        let config = self.rolling.config();
        let failed = |error: RolloutError| Error::Usage(format!("--candidate: {error}"));
        let plan = Plan::new(&config, &self.rolling.traffic()).map_err(failed)?;
        let rollout = Rollout::open(self.journal(&of)?, &of, &config).map_err(failed)?;
        tell(&plan);
        let watched = Candidate::new(handle, rollout, plan, self.rolling.watch());
        let api = watched.and_then(|it| api.with_candidate(it))?;
        Ok((api, Some(engine)))
    }

    /// The candidate's engine: half of the threads, so that it takes nothing from the models that answer.
    fn candidate_engine(&self, dir: &Path) -> Result<Engine> {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = self.threads.unwrap_or_else(cores) / 2;
        let runtime = RuntimeConfig {
            threads: Some(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN)),
            ..RuntimeConfig::default()
        };
        let model = Assistant::open_native(Bundle::open(dir)?, &runtime)?;
        let config = EngineConfig {
            workers: NonZeroUsize::MIN,
            ..self.engine()
        };
        Ok(Engine::start(Arc::new(model), config)?)
    }

    fn journal(&self, of: &Candidates<'_>) -> Result<Box<dyn Journal>> {
        fn failed(error: impl Display) -> Error {
            Error::Usage(format!("--rollout: {error}"))
        }
        let Some(path) = &self.rolling.rollout else {
            return Ok(Box::new(MemoryJournal::new()));
        };
        if let Some(url) = self.rolling.url() {
            let default = RedisJournalConfig::default();
            let config = RedisJournalConfig {
                url: url.to_owned(),
                // Another roll-out has a journal of its own.
                namespace: format!("{}:{}:{}", default.namespace, of.stable, of.candidate),
                ..default
            };
            return Ok(Box::new(RedisJournal::open(&config).map_err(failed)?));
        }
        let journal = FileJournal::open(path).map_err(failed)?;
        if let Some(torn) = journal.torn() {
            note(format_args!(
                "warning: {}: the last {} bytes were torn, and are cut off",
                path.display(),
                torn.bytes
            ));
        }
        Ok(Box::new(journal))
    }
}

/// Tells a plan, a line a step.
fn tell(plan: &Plan) {
    for (number, step) in (1..).zip(&plan.steps) {
        note(format_args!(
            "step {number}: {:.1} % of conversations; a candidate that is too bad is caught within {} conversations, {} \
             ratings of its own, {:.1} days; one that is no worse passes within {}, {:.1} days",
            step.share * 100.0,
            step.conversations,
            step.ratings,
            step.days,
            step.passes_within,
            step.passes_within_days
        ));
    }
}
