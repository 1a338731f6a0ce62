//! Bad input, clocks that jump, ratings that are odd, stores that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cs_serve::rollout::shadow::{Answered, Shadow, ShadowConfig};
use cs_serve::rollout::{
    Action, Arm, Arrival, Candidates, Event, Guardrail, Journal, JournalError, Key, MemoryJournal,
    Observation, Outcome, Phase, Plan, Rating, Reader, Rollout, RolloutConfig, RolloutError,
    Traffic,
};

use super::{Customers, DAY, MODELS, config, in_memory, open};

#[test]
fn what_cannot_be_is_refused_with_what_was_expected() {
    let refused = |config: RolloutConfig| config.validate().unwrap_err().to_string();
    let found = refused(RolloutConfig {
        shares: vec![0.3, 0.15],
        ..config()
    });
    assert!(
        found.starts_with("shares = [0.3, 0.15], expected"),
        "{found}"
    );
    let found = refused(RolloutConfig {
        risk: f64::NAN,
        ..config()
    });
    assert_eq!(found, "risk = NaN, expected above 0 and at most 0.1");
    let mut reversed = config();
    let satisfaction = reversed.guardrails.get_mut(&Guardrail::Satisfaction);
    satisfaction.unwrap().slight = 0.2;
    assert!(refused(reversed).starts_with("guardrails = { satisfaction: slight 0.2,"));
    let traffic = Traffic {
        rated: 0.0,
        ..Traffic::default()
    };
    let error = Plan::new(&config(), &traffic).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rated = 0, expected above 0 and at most 1"
    );
    let same = Candidates {
        candidate: "model 1",
        ..MODELS
    };
    let journal = Box::new(MemoryJournal::new());
    let error = Rollout::open(journal, &same, &config()).unwrap_err();
    assert!(matches!(error, RolloutError::Same { .. }));
    let rollout = in_memory(&config());
    let rating = Rating {
        conversation: "a",
        turn: 1,
        rating: 1.5,
    };
    let error = rollout.rate(&rating, 0).unwrap_err();
    assert_eq!(error.to_string(), "a rating of 1.5, expected one in 0..=1");
    let error = rollout.act(Action::Promote, "Ada", 0).unwrap_err();
    assert_eq!(error.to_string(), "promote while ready, expected passed");
}

#[test]
fn time_that_jumps_is_not_counted() {
    let rollout = in_memory(&config());
    let mut now = 1_700_000_000_000;
    rollout.act(Action::Start, "Ada", now).unwrap();
    rollout.tick(now).unwrap();
    for jump in [400 * DAY as i64, -(500 * DAY as i64), 9_000_000, 0] {
        for _ in 0..60 {
            now += 60_000;
            rollout.tick(now).unwrap();
        }
        now = now.saturating_add_signed(jump);
        rollout.tick(now).unwrap();
    }
    assert_eq!(rollout.status().elapsed_ms, 4 * 60 * 60_000);
}

#[test]
fn odd_ratings_and_loud_customers_count_once_or_not_at_all() {
    let rollout = in_memory(&config());
    rollout.act(Action::Start, "Ada", 0).unwrap();
    let turn = |conversation: &str, turn| {
        let arrival = Arrival {
            conversation,
            customer: Some("the loud one"),
            turn,
        };
        rollout.assign(&arrival, 0).unwrap();
        let outcome = Outcome::default();
        let (language, intent) = (None, Some("refund"));
        let observed = Observation {
            conversation,
            turn,
            outcome,
            language,
            intent,
        };
        rollout.observe(&observed, 0).unwrap();
    };
    let rate = |conversation: &str, turn, rating| {
        let rating = Rating {
            conversation,
            turn,
            rating,
        };
        rollout.rate(&rating, 0).unwrap();
    };
    for i in 0..200 {
        let conversation = format!("of one customer {i}");
        turn(&conversation, 1);
        turn(&conversation, 2);
        turn(&conversation, 2); // told twice
        rate(&conversation, 1, 0.0);
        rate(&conversation, 1, 1.0); // a changed mind
        rate(&conversation, 2, 0.0);
        rate(&conversation, 7, 1.0); // of no turn
    }
    rate("never heard of", 1, 1.0);
    let status = rollout.status();
    let figure = &status.decision.figures[0];
    assert_eq!((figure.stable.count, figure.stable.mean), (1, Some(0.5)));
    assert_eq!((figure.canary.count, figure.canary.mean), (1, Some(0.5)));
    assert_eq!(status.uncounted.same_customer, 198);
    assert_eq!(status.uncounted.repeated, 200);
    assert_eq!(status.uncounted.unknown, 201);
    assert_eq!(status.intents[0].name, "refund");
}

#[test]
fn of_a_long_conversation_64_rated_turns_count_and_the_rest_is_told() {
    let rollout = in_memory(&config());
    rollout.act(Action::Start, "Ada", 0).unwrap();
    let conversation = "long";
    let arrival = Arrival {
        conversation,
        customer: None,
        turn: 1,
    };
    let arm = rollout.assign(&arrival, 0).unwrap().arm;
    for turn in 1..=70 {
        observe(&rollout, conversation, turn);
        let rating = 1.0;
        let rating = Rating {
            conversation,
            turn,
            rating,
        };
        rollout.rate(&rating, 0).unwrap();
    }
    let status = rollout.status();
    assert_eq!((status.uncounted.beyond, status.uncounted.repeated), (6, 0));
    let figure = &status.decision.figures[0];
    let side = [&figure.stable, &figure.canary][arm as usize];
    assert_eq!((side.count, side.mean), (1, Some(1.0)));
}

fn observe(rollout: &Rollout, conversation: &str, turn: u32) {
    let (outcome, language, intent) = (Outcome::default(), None, None);
    let observed = Observation {
        conversation,
        turn,
        outcome,
        language,
        intent,
    };
    rollout.observe(&observed, 0).unwrap();
}

/// A session of one turn, which is rated, by the same name as others.
fn session_of_a_name(rollout: &Rollout, conversation: &str, rating: f64) -> Arm {
    let turn = 1;
    let arrival = Arrival {
        conversation,
        customer: None,
        turn,
    };
    let arm = rollout.assign(&arrival, 0).unwrap().arm;
    observe(rollout, conversation, turn);
    let rating = Rating {
        conversation,
        turn,
        rating,
    };
    rollout.rate(&rating, 0).unwrap();
    arm
}

#[test]
fn a_name_that_is_used_again_is_another_conversation() {
    let rollout = in_memory(&config());
    rollout.act(Action::Start, "Ada", 0).unwrap();
    let names: Vec<String> = (0..40).map(|i| format!("customer {i}")).collect();
    let each = |rating| -> Vec<Arm> {
        let names = names.iter();
        names
            .map(|it| session_of_a_name(&rollout, it, rating))
            .collect()
    };
    let first = each(0.0);
    assert!(first.contains(&Arm::Canary) && first.contains(&Arm::Stable));
    let second = each(1.0);
    assert_eq!(first, second, "the share is the same");
    let status = rollout.status();
    let canarys = first.iter().filter(|it| **it == Arm::Canary).count() as u64;
    assert_eq!(status.begun, [80 - 2 * canarys, 2 * canarys]);
    let figure = &status.decision.figures[0];
    // Both are rated.
    assert_eq!(
        (figure.canary.count, figure.canary.mean),
        (2 * canarys, Some(0.5))
    );
    assert_eq!(
        (status.uncounted.repeated, status.uncounted.unknown),
        (0, 0)
    );
    // While the candidate gets none, a name keeps its model.
    rollout.act(Action::Pause, "Ada", 0).unwrap();
    assert_eq!(each(1.0), first);
    for (name, arm) in names.iter().zip(&first) {
        let arrival = Arrival {
            conversation: name,
            customer: None,
            turn: 2,
        };
        assert_eq!(rollout.assign(&arrival, 0).unwrap().arm, *arm);
    }
    // Whose first turn has failed, and comes again, goes on.
    rollout.act(Action::Start, "Ada", 0).unwrap();
    let begun = rollout.status().begun;
    let arrival = Arrival {
        conversation: "unlucky",
        customer: None,
        turn: 1,
    };
    for _ in 0..3 {
        rollout.assign(&arrival, 0).unwrap();
        let failed = Outcome {
            failed: true,
            ..Outcome::default()
        };
        let observed = Observation {
            conversation: "unlucky",
            turn: 1,
            outcome: failed,
            language: None,
            intent: None,
        };
        rollout.observe(&observed, 0).unwrap();
    }
    let after = rollout.status().begun;
    assert_eq!(after[0] + after[1], begun[0] + begun[1] + 1);
    // Once it is rolled back, nobody has the candidate.
    rollout.act(Action::Rollback, "Ada", 0).unwrap();
    assert!(each(1.0).iter().all(|it| *it == Arm::Stable));
}

/// A journal that fails while it is told to.
#[derive(Debug)]
struct Failing(Arc<AtomicBool>, Vec<Event>, usize);

impl Failing {
    fn works(&self) -> Result<(), JournalError> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(JournalError::Store {
                source: "no space left".into(),
            }),
            false => Ok(()),
        }
    }
}

impl Journal for Failing {
    fn catch_up(&mut self, read: Reader<'_>) -> Result<(), JournalError> {
        self.works()?;
        self.1[self.2..].iter().cloned().for_each(read);
        self.2 = self.1.len();
        Ok(())
    }

    fn append(&mut self, event: &Event, _: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.works()?;
        self.1.push(event.clone());
        self.catch_up(read)
    }

    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.append(event, epoch, read)
    }

    fn claim(&mut self, _: bool) -> Result<bool, JournalError> {
        self.works()?;
        Ok(true)
    }
}

#[test]
fn while_the_store_fails_the_stable_model_serves_and_a_rollback_is_in_force() {
    let fails = Arc::new(AtomicBool::new(false));
    let journal = Failing(Arc::clone(&fails), Vec::new(), 0);
    let mut customers = Customers::of(open(journal, &config()));
    let rollout =
        |customers: &Customers, action| customers.rollout.act(action, "Ada", customers.now);
    rollout(&customers, Action::Start).unwrap();
    let before: Vec<Arm> = (0..50).map(|i| customers.arm(&format!("{i}"), 1)).collect();
    fails.store(true, Ordering::Relaxed);
    // Those that have begun go on; those that begin have the stable model, and keep it.
    for (i, arm) in before.iter().enumerate() {
        assert_eq!(customers.arm(&format!("{i}"), 2), *arm);
    }
    for i in 0..50 {
        let conversation = format!("new {i}");
        let arrival = Arrival {
            conversation: &conversation,
            customer: None,
            turn: 1,
        };
        assert!(customers.rollout.assign(&arrival, 0).is_err());
    }
    assert!(customers.rollout.tick(customers.now).is_err());
    assert!(rollout(&customers, Action::Rollback).is_err());
    let status = customers.rollout.status();
    assert_eq!((status.phase, status.is_unsaved), (Phase::RolledBack, true));
    fails.store(false, Ordering::Relaxed);
    customers.wait(Duration::from_secs(1));
    let status = customers.rollout.status();
    assert_eq!(
        (status.phase, status.is_unsaved),
        (Phase::RolledBack, false)
    );
    assert!((0..50).all(|i| customers.arm(&format!("new {i}"), 2) == Arm::Stable));
}

/// A journal on a full disk: what is there can be read, and nothing can be written.
#[derive(Debug)]
struct Full(Failing);

impl Journal for Full {
    fn catch_up(&mut self, read: Reader<'_>) -> Result<(), JournalError> {
        let Self(Failing(_, events, given)) = self;
        events[*given..].iter().cloned().for_each(read);
        *given = events.len();
        Ok(())
    }

    fn append(&mut self, event: &Event, _: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.0.works()?;
        self.0.1.push(event.clone());
        self.catch_up(read)
    }

    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.append(event, epoch, read)
    }

    fn claim(&mut self, _: bool) -> Result<bool, JournalError> {
        Ok(true)
    }
}

#[test]
fn on_a_full_disk_a_candidate_that_is_too_bad_is_rolled_back_all_the_same() {
    let fails = Arc::new(AtomicBool::new(false));
    let journal = Full(Failing(Arc::clone(&fails), Vec::new(), 0));
    let mut customers = Customers::of(open(journal, &config()));
    customers.rollout.act(Action::Start, "Ada", 0).unwrap();
    while !matches!(
        customers.rollout.status().decision.verdict,
        cs_serve::rollout::Verdict::RollBack { .. }
    ) {
        customers.come([0.8, 0.3], Duration::ZERO);
    }
    fails.store(true, Ordering::Relaxed);
    assert!(customers.rollout.tick(customers.now).is_err());
    let status = customers.rollout.status();
    assert_eq!((status.phase, status.is_unsaved), (Phase::RolledBack, true));
    fails.store(false, Ordering::Relaxed);
    customers.rollout.tick(customers.now).unwrap();
    assert!(!customers.rollout.status().is_unsaved);
}

#[test]
fn a_promotion_that_cannot_be_written_does_not_happen() {
    let fails = Arc::new(AtomicBool::new(false));
    let journal = Failing(Arc::clone(&fails), Vec::new(), 0);
    let short = RolloutConfig {
        min_step: Duration::ZERO,
        ..config()
    };
    let mut customers = Customers::of(open(journal, &short));
    customers.rollout.act(Action::Start, "Ada", 0).unwrap();
    while !matches!(
        customers.rollout.status().decision.verdict,
        cs_serve::rollout::Verdict::Pass
    ) {
        // No time goes by in which anything is decided.
        customers.come([0.8, 0.9], Duration::ZERO);
    }
    fails.store(true, Ordering::Relaxed);
    assert!(customers.rollout.tick(customers.now).is_err());
    assert_eq!(customers.rollout.status().step, 0);
    fails.store(false, Ordering::Relaxed);
    customers.rollout.tick(customers.now).unwrap();
    assert_eq!(customers.rollout.status().step, 1);
}

#[test]
fn a_shadow_that_hangs_takes_nobodys_time() {
    let (let_go, hangs) = std::sync::mpsc::channel::<()>();
    let config = ShadowConfig {
        queue: 4,
        ..ShadowConfig::default()
    };
    let hanging = move |_: &u32| {
        let _ = hangs.recv();
        Ok(<[Answered; 2]>::default())
    };
    let shadow = Shadow::start(config, hanging).unwrap();
    let taken = (0..1_000).filter(|&turn| shadow.offer(turn)).count();
    assert!((4..=5).contains(&taken), "{taken}");
    assert_eq!(shadow.report(10).shed, 1_000 - taken as u64);
    drop(let_go);
    drop(shadow);
}

#[test]
fn keys_are_not_shown() {
    assert_eq!(format!("{:?}", Key::new([7; 32])), "Key { .. }");
}
