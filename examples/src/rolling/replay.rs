//! A roll-out of a service that is not there, on a virtual clock.

use std::path::Path;

use cs_model::Understanding;
use cs_serve::Assistant;
use cs_serve::rollout::shadow::{Answered, Comparisons, Report, ShadowConfig};
use cs_serve::rollout::{
    Action, Arm, Arrival, Candidates, Event, FileJournal, Journal, Key, MemoryJournal, Observation,
    Outcome, Phase, Rating, Rollout, RolloutConfig, RolloutError,
};
use serde::Serialize;

use super::args::Simulate;
use super::traffic::Talk;
use crate::error::{Error, Result};

/// So often it is looked what is to be done, in milliseconds of the virtual clock.
const TICK: u64 = 60_000;
/// Who begins.
const NAME: &str = "rollout";
/// The most kinds of disagreements that are listed.
const LISTED: usize = 20;

/// What became of a roll-out.
#[derive(Debug, Serialize)]
pub struct Played {
    /// The decisions.
    pub events: Vec<Event>,
    /// `promoted`, `rolled-back` or `waiting`.
    #[serde(rename = "final")]
    pub ending: &'static str,
    /// What the rules say last.
    pub decision: cs_serve::rollout::Decision,
    /// The turns that earlier runs have played, of which `shadow` knows nothing.
    pub played_before: u64,
    /// How the models' answers to the turns of this run compare, for recorded traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Report>,
}

/// A roll-out that traffic goes through.
#[derive(Debug)]
pub struct Replay {
    rollout: Rollout,
    /// The turns that an earlier run has had.
    had: u64,
    now: Option<u64>,
}

impl Replay {
    /// Opens a roll-out, in a folder if there is one.
    ///
    /// # Errors
    ///
    /// A folder that cannot be used, or is of another roll-out; two models that are one.
    pub fn open(
        state: Option<&Path>,
        models: &Candidates<'_>,
        config: &RolloutConfig,
        seed: u64,
    ) -> Result<Self> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let (mut had, mut now) = (0, None);
        let journal: Box<dyn Journal> = match state {
            None => Box::new(MemoryJournal::new()),
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
                let path = folder.join("rollout.journal");
                let journal = FileJournal::open(&path).map_err(RolloutError::from)?;
                let mut count = |event| match event {
                    Event::Turn { .. } => had += 1,
                    Event::Clock { at } => now = Some(at),
                    _ => {}
                };
                FileJournal::read(&path, &mut count).map_err(RolloutError::from)?;
                Box::new(journal)
            }
        };
        let rollout = Rollout::open_with_key(journal, models, config, Key::new(key))?;
        Ok(Self { rollout, had, now })
    }

    fn is_over(&self) -> bool {
        self.rollout.phase().is_over()
    }

    /// Begins, if that has not been done, at a time.
    fn start(&mut self, at: u64) -> Result<()> {
        if self.rollout.phase() == Phase::Ready {
            self.rollout.act(Action::Start, NAME, at)?;
        }
        self.now = self.now.or(Some(at));
        Ok(())
    }

    /// Lets time go by.
    fn wait_until(&mut self, time: u64) -> Result<()> {
        let mut now = self.now.unwrap_or(time);
        while now + TICK <= time && !self.is_over() {
            now += TICK;
            self.rollout.tick(now)?;
        }
        self.now = Some(now);
        Ok(())
    }

    /// Plays simulated conversations until there is a decision, or the days are over.
    ///
    /// # Errors
    ///
    /// A journal that fails.
    pub fn simulate(mut self, simulate: &Simulate, days: f64, seed: u64) -> Result<Played> {
        let begin = simulate.time(0);
        self.start(begin)?;
        let end = begin + (days * 86_400_000.0) as u64;
        if let Some(last) = self.had.checked_sub(1).filter(|_| !self.is_over()) {
            // An earlier run may have ended before its rating was told. Told twice, it counts once.
            self.simulated(simulate, seed, last, true)?;
        }
        let mut number = self.had;
        while !self.is_over() && simulate.time(number) <= end {
            self.wait_until(simulate.time(number))?;
            self.simulated(simulate, seed, number, false)?;
            number += 1;
        }
        self.wait_until(end)?;
        Ok(self.played(None))
    }

    /// Plays a conversation of a turn, or its rating alone if that was had.
    fn simulated(&self, simulate: &Simulate, seed: u64, number: u64, was_had: bool) -> Result<()> {
        let conversation = number.to_string();
        let mut arrival = Arrival {
            conversation: &conversation,
            customer: None,
            turn: 1 + u32::from(was_had),
        };
        let arm = self.rollout.assign(&arrival, simulate.time(number))?.arm;
        arrival.turn = 1;
        let drawn = simulate.draw(seed, number, arm);
        if !was_had {
            self.told(&arrival, drawn.outcome, None, drawn.time)?;
        }
        drawn
            .rating
            .map_or(Ok(()), |rating| self.rated(&arrival, rating, drawn.time))
    }

    /// Plays recorded turns: both models understand them, and the conversation's own counts.
    ///
    /// # Errors
    ///
    /// A journal that fails.
    pub fn record(mut self, talks: &[Talk], models: [&Assistant; 2]) -> Result<Played> {
        self.start(talks[0].time)?;
        let had = usize::try_from(self.had).unwrap_or(usize::MAX);
        if let Some(last) = had.checked_sub(1).and_then(|it| talks.get(it)) {
            // An earlier run may have ended before its rating was told. Told twice, it counts once.
            self.rate_as_recorded(last)?;
        }
        let mut comparisons = Comparisons::default();
        for talk in talks.iter().skip(had) {
            if self.is_over() {
                break;
            }
            self.wait_until(talk.time)?;
            let understood = models.map(|model| model.understand(&talk.text));
            match (&understood[0], &understood[1]) {
                (Ok(stable), Ok(candidate)) => {
                    comparisons.add(&answered(stable), &answered(candidate));
                }
                _ => comparisons.add_failure(),
            }
            self.replay(talk, &understood)?;
        }
        let report = comparisons.report(&ShadowConfig::default(), 0, LISTED);
        Ok(self.played(Some(report)))
    }

    fn replay(&self, talk: &Talk, understood: &[cs_serve::Result<Understanding>; 2]) -> Result<()> {
        let arrival = Arrival {
            conversation: &talk.conversation,
            customer: talk.customer.as_deref(),
            turn: talk.turn,
        };
        let arm = self.rollout.assign(&arrival, talk.time)?.arm;
        let own = &understood[usize::from(arm == Arm::Canary)];
        let intent = own.as_ref().ok().and_then(|it| it.intent.as_ref());
        let intent = intent.map(|it| it.label.as_str());
        let outcome = Outcome {
            failed: own.is_err(),
            handed_over: talk.source.as_deref() == Some("handover"),
            out_of_scope: intent.is_none_or(|it| it == "out_of_scope"),
            ..Outcome::default()
        };
        self.told(&arrival, outcome, intent, talk.time)?;
        self.rate_as_recorded(talk)
    }

    fn rate_as_recorded(&self, talk: &Talk) -> Result<()> {
        let arrival = Arrival {
            conversation: &talk.conversation,
            customer: talk.customer.as_deref(),
            turn: talk.turn,
        };
        match talk.satisfied {
            Some(satisfied) => self.rated(&arrival, satisfied.score(), talk.time),
            None => Ok(()),
        }
    }

    fn told(
        &self,
        turn: &Arrival<'_>,
        outcome: Outcome,
        intent: Option<&str>,
        at: u64,
    ) -> Result<()> {
        let observed = Observation {
            conversation: turn.conversation,
            turn: turn.turn,
            outcome,
            language: None,
            intent,
        };
        Ok(self.rollout.observe(&observed, at)?)
    }

    fn rated(&self, turn: &Arrival<'_>, rating: f64, at: u64) -> Result<()> {
        let rating = Rating {
            conversation: turn.conversation,
            turn: turn.turn,
            rating,
        };
        Ok(self.rollout.rate(&rating, at)?)
    }

    fn played(self, shadow: Option<Report>) -> Played {
        let status = self.rollout.status();
        Played {
            events: status.history,
            ending: match status.phase {
                Phase::Promoted => "promoted",
                Phase::RolledBack => "rolled-back",
                _ => "waiting",
            },
            decision: status.decision,
            played_before: self.had,
            shadow,
        }
    }
}

fn answered(understanding: &Understanding) -> Answered {
    Answered {
        understanding: understanding.clone(),
        ..Answered::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: Candidates<'static> = Candidates {
        stable: "model 1",
        candidate: "model 2",
    };

    fn config() -> RolloutConfig {
        RolloutConfig {
            fold_after: u64::MAX,
            ..RolloutConfig::default()
        }
    }

    fn play(state: &Path) -> Played {
        let simulate: Simulate = "drop=0.05,rated=1,conversations=2000".parse().unwrap();
        let replay = Replay::open(Some(state), &MODELS, &config(), 7).unwrap();
        replay.simulate(&simulate, 0.2, 7).unwrap()
    }

    #[test]
    fn a_run_that_ends_between_a_turn_and_its_rating_loses_none() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
        let expected = play(&whole);
        assert_eq!(expected.played_before, 0);
        let mut events = Vec::new();
        let keep = &mut |event: Event| events.push(event);
        FileJournal::read(&whole.join("rollout.journal"), keep).unwrap();
        let is_turn = |it: &Event| matches!(it, Event::Turn { .. });
        let turn = events
            .iter()
            .skip(events.len() / 2)
            .position(is_turn)
            .unwrap();
        let events = &events[..=events.len() / 2 + turn];
        std::fs::create_dir(&parts).unwrap();
        let mut journal = FileJournal::open(&parts.join("rollout.journal")).unwrap();
        for event in events {
            journal.append(event, 0, &mut |_| {}).unwrap();
        }
        drop(journal);
        let played = play(&parts);
        let turns = events.iter().filter(|it| is_turn(it)).count();
        assert_eq!(played.played_before, turns as u64);
        assert_eq!(played.decision, expected.decision);
        // Over again, nothing is added.
        assert_eq!(play(&parts).decision, expected.decision);
    }
}
