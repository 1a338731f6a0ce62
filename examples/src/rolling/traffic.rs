//! Turns of conversations, as they come.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use cs_data::SplitMix;
use cs_serve::rollout::{Arm, Guardrail, Outcome, Traffic};
use serde::Deserialize;

use super::args::Simulate;
use crate::error::{Error, Result};

/// The time that simulated traffic begins at: a midnight.
const BEGIN: u64 = 1_767_225_600_000;
const YEAR: u64 = 366 * 24 * 60 * 60 * 1000;
/// The end of the year 9999, in milliseconds since 1970 UTC.
const LATEST: u64 = 253_402_300_799_999;
const DAY: f64 = 86_400_000.0;

/// A turn of recorded traffic. Further keys are not looked at.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Talk {
    /// Milliseconds since 1970 UTC.
    pub time: u64,
    /// The conversation.
    pub conversation: String,
    /// The customer, if known.
    #[serde(default)]
    pub customer: Option<String>,
    /// From 1.
    pub turn: u32,
    /// What the customer said.
    pub text: String,
    /// What the reply was from.
    #[serde(default)]
    pub source: Option<String>,
    /// The rating, if there is one.
    #[serde(default)]
    pub satisfied: Option<Satisfied>,
}

/// A rating: true or false, or a number in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Satisfied {
    /// Whether the customer was satisfied.
    Is(bool),
    /// How much.
    Score(f64),
}

impl Satisfied {
    /// As a number.
    pub fn score(self) -> f64 {
        match self {
            Self::Is(is) => f64::from(u8::from(is)),
            Self::Score(score) => score,
        }
    }
}

/// The turns of a file, in the order of time.
#[derive(Debug)]
pub struct Talks(pub Vec<Talk>);

impl Talks {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or the first line that is no turn, or is earlier than the one before.
    pub fn open(path: &Path) -> Result<Self> {
        let file = BufReader::new(File::open(path).map_err(Error::io(path))?);
        let mut talks: Vec<Talk> = Vec::new();
        for (number, line) in (1..).zip(file.lines()) {
            let line = line.map_err(Error::io(path))?;
            let wrong = |column: usize, found: String, expected| Error::Line {
                path: path.to_owned(),
                line: number,
                column: column.max(1),
                found,
                expected,
            };
            let talk: Talk = serde_json::from_str(&line).map_err(|error| {
                wrong(
                    error.column(),
                    error.to_string(),
                    "a turn with time, conversation, turn and text",
                )
            })?;
            if talk
                .satisfied
                .is_some_and(|it| !(0.0..=1.0).contains(&it.score()))
            {
                let found = "a rating out of range".to_owned();
                return Err(wrong(
                    1,
                    found,
                    "`satisfied` to be true, false or a number in 0 to 1",
                ));
            }
            if talks.last().is_some_and(|before| before.time > talk.time) {
                let found = format!(
                    "the time {}, which is before that of the last line",
                    talk.time
                );
                return Err(wrong(1, found, "turns in the order of time"));
            }
            if talk.time > LATEST {
                let found = format!("the time {}, after the year 9999", talk.time);
                return Err(wrong(1, found, "times in milliseconds since 1970"));
            }
            if talks.last().is_some_and(|it| talk.time - it.time > YEAR) {
                let found = format!("the time {}, over a year after the last line", talk.time);
                return Err(wrong(1, found, "times in milliseconds since 1970"));
            }
            talks.push(talk);
        }
        if talks.is_empty() {
            return Err(Error::Unfit {
                path: path.to_owned(),
                found: "no turn".to_owned(),
                expected: "a turn a line",
            });
        }
        Ok(Self(talks))
    }

    /// What the traffic is like, as far as it tells.
    pub fn traffic(&self) -> Traffic {
        let days = (self.0[self.0.len() - 1].time - self.0[0].time) as f64 / DAY;
        let conversations = self.0.iter().filter(|it| it.turn == 1).count().max(1) as f64;
        let rated = self.0.iter().filter(|it| it.satisfied.is_some());
        let rated: HashSet<&str> = rated.map(|it| it.conversation.as_str()).collect();
        let ratings: Vec<f64> = self
            .0
            .iter()
            .filter_map(|it| Some(it.satisfied?.score()))
            .collect();
        let mut traffic = Traffic {
            conversations: conversations / days.max(1.0 / 24.0),
            rated: (rated.len() as f64 / conversations).clamp(1e-6, 1.0),
            ..Traffic::default()
        };
        if !ratings.is_empty() {
            let mean = ratings.iter().sum::<f64>() / ratings.len() as f64;
            traffic
                .good
                .insert(Guardrail::Satisfaction, mean.clamp(0.01, 0.99));
        }
        traffic
    }
}

/// A simulated conversation of one turn: a function of the seed and its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) time: u64,
    pub(super) outcome: Outcome,
    pub(super) rating: Option<f64>,
}

impl Simulate {
    pub(super) fn time(&self, number: u64) -> u64 {
        BEGIN + (number as f64 / self.conversations * DAY) as u64
    }

    pub(super) fn draw(&self, seed: u64, number: u64, arm: Arm) -> Drawn {
        let mut chance = SplitMix::named(seed, &format!("conversation {number}"));
        let traffic = self.traffic();
        let mut is_bad = |guardrail| !chance.chance(traffic.good[&guardrail]);
        let outcome = Outcome {
            failed: is_bad(Guardrail::Errors),
            slow: is_bad(Guardrail::Latency),
            handed_over: is_bad(Guardrail::Handover),
            unsafe_reply: is_bad(Guardrail::Safety),
            out_of_scope: is_bad(Guardrail::OutOfScope),
        };
        let satisfaction = match arm {
            Arm::Stable => self.satisfaction,
            Arm::Canary => self.satisfaction * (1.0 - self.drop),
        };
        let is_rated = chance.chance(self.rated);
        let is_satisfied = chance.chance(satisfaction);
        Drawn {
            time: self.time(number),
            outcome,
            rating: is_rated.then(|| f64::from(u8::from(is_satisfied))),
        }
    }
}
