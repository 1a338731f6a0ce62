//! Roll-outs on a virtual clock.

mod faults;
mod journals;
mod kill;
mod numbers;
#[cfg(feature = "redis")]
mod redis;
mod stories;

use std::time::Duration;

use cs_data::SplitMix;
use cs_data::file::FrameError;
use cs_serve::rollout::{
    Action, Approval, Arm, Arrival, Candidates, FileJournal, Guardrail, Journal, JournalError, Key,
    Margins, MemoryJournal, Observation, Outcome, Rating, Rollout, RolloutConfig,
};

pub(crate) const MODELS: Candidates<'static> = Candidates {
    stable: "model 1",
    candidate: "model 2",
};
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;
pub(crate) const MINUTE: u64 = 60 * 1000;

/// Two steps in which satisfaction is watched, which few conversations tell.
pub(crate) fn config() -> RolloutConfig {
    RolloutConfig {
        shares: vec![0.3, 0.5],
        guardrails: [(Guardrail::Satisfaction, Margins::default())].into(),
        approval: Approval::None,
        ..RolloutConfig::default()
    }
}

pub(crate) fn open(journal: impl Journal + 'static, config: &RolloutConfig) -> Rollout {
    Rollout::open_with_key(Box::new(journal), &MODELS, config, Key::new([7; 32])).unwrap()
}

/// Opens a journal that nobody has. A process that another test starts has it as well for the moment until it is
/// another program.
pub(crate) fn file(path: &std::path::Path) -> FileJournal {
    for _ in 0..200 {
        match FileJournal::open(path) {
            Err(JournalError::Frames(FrameError::Taken { .. })) => {}
            opened => return opened.unwrap(),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} is taken", path.display());
}

pub(crate) fn in_memory(config: &RolloutConfig) -> Rollout {
    open(MemoryJournal::new(), config)
}

/// Customers of a service, one after the other by a clock of their own.
pub(crate) struct Customers {
    pub(crate) rollout: Rollout,
    pub(crate) now: u64,
    pub(crate) begun: u64,
    chance: SplitMix,
}

impl Customers {
    pub(crate) fn of(rollout: Rollout) -> Self {
        Self {
            rollout,
            now: 1_700_000_000_000,
            begun: 0,
            chance: SplitMix::new(7),
        }
    }

    /// Those of a roll-out that is started.
    pub(crate) fn started(rollout: Rollout) -> Self {
        let customers = Self::of(rollout);
        let started = customers.rollout.act(Action::Start, "Ada", customers.now);
        started.unwrap();
        customers
    }

    /// One more conversation of a turn, of which every one is rated: so many of them well.
    pub(crate) fn come(&mut self, satisfied: [f64; 2], every: Duration) -> Arm {
        self.begun += 1;
        let conversation = format!("conversation {}", self.begun);
        let arm = self.arm(&conversation, 1);
        let outcome = Outcome::default();
        let observed = Observation {
            conversation: &conversation,
            turn: 1,
            outcome,
            language: Some(["zh", "en"][self.begun as usize % 2]),
            intent: None,
        };
        self.rollout.observe(&observed, self.now).unwrap();
        let rating = f64::from(u8::from(self.chance.chance(satisfied[arm as usize])));
        let rating = Rating {
            conversation: &conversation,
            turn: 1,
            rating,
        };
        self.rollout.rate(&rating, self.now).unwrap();
        self.wait(every);
        arm
    }

    /// Lets time go by, in which the service looks what is to be done.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time.as_millis() as u64;
        while self.now < end {
            self.now = (self.now + MINUTE).min(end);
            self.rollout.tick(self.now).unwrap();
        }
    }

    pub(crate) fn arm(&self, conversation: &str, turn: u32) -> Arm {
        let arrival = Arrival {
            conversation,
            customer: None,
            turn,
        };
        self.rollout.assign(&arrival, self.now).unwrap().arm
    }
}
