//! Copies of turns, which the candidate understands when nobody needs the machine.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::candidate::CandidateConfig;
use crate::engine::{Handle, Options, Priority};
use crate::{Entity, Understanding};

/// The longest pause between two copies.
const MOST_PAUSE: Duration = Duration::from_secs(5);

/// How a candidate's answers to copies of turns compare with the stable model's.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Agreement {
    /// Turns that both have understood.
    pub(super) compared: u64,
    /// Those of them with the same intent, or without one.
    pub(super) same_intent: u64,
    /// Those with the same entities.
    pub(super) same_entities: u64,
    /// How far apart sentiments are on average, of 0 to 1.
    pub(super) sentiment_apart: f64,
    /// Turns that were not shown, as the machine was needed or too many waited.
    pub(super) shed: u64,
    /// Turns that the candidate failed on, or was too slow for.
    pub(super) failed: u64,
    #[serde(skip)]
    sentiments: u64,
}

impl Agreement {
    fn compare(&mut self, stable: &Understanding, candidate: &Understanding) {
        let label = |it: &Understanding| it.intent.as_ref().map(|it| it.label.clone());
        let place = |it: &Entity| (it.label.clone(), it.start, it.end);
        let places = |it: &Understanding| it.entities.iter().map(place).collect::<Vec<_>>();
        self.compared += 1;
        self.same_intent += u64::from(label(stable) == label(candidate));
        self.same_entities += u64::from(places(stable) == places(candidate));
        if let (Some(one), Some(other)) = (stable.sentiment, candidate.sentiment) {
            self.sentiments += 1;
            let apart = f64::from((one - other).abs()) - self.sentiment_apart;
            self.sentiment_apart += apart / self.sentiments as f64;
        }
    }
}

/// A thread that shows a candidate copies of turns, one at a time. Whoever gives it one never waits: what there is
/// no room for is shed.
pub(super) struct Shadow {
    copies: SyncSender<Understanding>,
    agreement: Arc<Mutex<Agreement>>,
}

/// What the thread works with.
struct Work {
    candidate: Handle,
    /// The engines that customers wait for.
    stable: Vec<Handle>,
    share: f64,
    options: Options,
    agreement: Arc<Mutex<Agreement>>,
}

impl Shadow {
    /// Starts the thread, which ends with this; none if the candidate is to see nothing.
    pub(super) fn start(
        candidate: &Handle,
        stable: Vec<Handle>,
        config: &CandidateConfig,
    ) -> Option<Self> {
        if config.shadow_share == 0.0 {
            return None;
        }
        let (copies, waiting) = sync_channel(config.shadow_queue);
        let agreement = Arc::<Mutex<Agreement>>::default();
        let work = Work {
            candidate: candidate.clone(),
            stable,
            share: config.shadow_share,
            options: Options {
                caller: None,
                priority: Priority::Low,
                deadline: Some(config.slow_after),
            },
            agreement: Arc::clone(&agreement),
        };
        let thread = thread::Builder::new().name("cs-shadow".into());
        let started = thread.spawn(move || work.run(&waiting));
        if let Err(error) = started {
            tracing::error!(%error, "the candidate sees no copies, as no thread can be had");
            return None;
        }
        Some(Self { copies, agreement })
    }

    pub(super) fn copy(&self, understanding: &Understanding) {
        if self.copies.try_send(understanding.clone()).is_err() {
            lock(&self.agreement).shed += 1;
        }
    }

    pub(super) fn agreement(&self) -> Agreement {
        lock(&self.agreement).clone()
    }
}

impl Work {
    fn run(&self, copies: &Receiver<Understanding>) {
        for stable in copies {
            if self.stable.iter().any(is_needed) {
                lock(&self.agreement).shed += 1;
                continue;
            }
            let began = Instant::now();
            let answer = self.candidate.understand(&stable.text, &self.options);
            let took = began.elapsed();
            match answer {
                Ok(candidate) => lock(&self.agreement).compare(&stable, &candidate),
                Err(_) => lock(&self.agreement).failed += 1,
            }
            thread::sleep(pause(took, self.share));
        }
    }
}

/// Whether customers wait for an engine.
fn is_needed(engine: &Handle) -> bool {
    engine.snapshot().queue_texts > 0
}

/// How long to pause after work that took so long, so that work takes no more than a share of the time.
fn pause(took: Duration, share: f64) -> Duration {
    let pause = took.as_secs_f64() * (1.0 / share - 1.0);
    Duration::from_secs_f64(pause.clamp(0.0, MOST_PAUSE.as_secs_f64()))
}

fn lock(agreement: &Mutex<Agreement>) -> std::sync::MutexGuard<'_, Agreement> {
    agreement.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Intent;

    fn understanding(intent: Option<&str>, sentiment: f32) -> Understanding {
        let intent = intent.map(|label| Intent {
            label: label.into(),
            confidence: 0.9,
        });
        Understanding {
            intent,
            sentiment: Some(sentiment),
            ..Understanding::default()
        }
    }

    #[test]
    fn answers_are_compared_by_what_they_say() {
        let mut agreement = Agreement::default();
        let stable = understanding(Some("refund"), 0.5);
        agreement.compare(&stable, &understanding(Some("refund"), 0.75));
        agreement.compare(&stable, &understanding(None, 0.5));
        let entity = Entity {
            label: "order_id".into(),
            start: 0,
            end: 2,
            text: "A1".into(),
            confidence: 0.9,
        };
        let other = Understanding {
            entities: vec![entity],
            ..understanding(Some("refund"), 0.5)
        };
        agreement.compare(&stable, &other);
        assert_eq!((agreement.compared, agreement.same_intent), (3, 2));
        assert_eq!(agreement.same_entities, 2);
        assert!((agreement.sentiment_apart - 0.25 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn work_takes_its_share_of_the_time() {
        let took = Duration::from_millis(10);
        assert_eq!(pause(took, 0.1), Duration::from_millis(90));
        assert_eq!(pause(took, 1.0), Duration::ZERO);
        assert_eq!(pause(Duration::from_secs(9), 0.001), MOST_PAUSE);
    }
}
