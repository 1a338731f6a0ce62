//! What becomes of candidates that are worse, as good, or hardly used.

use std::time::Duration;

use cs_serve::rollout::{
    Action, Approval, Arm, Counts, Event, Guardrail, Margins, Phase, RolloutConfig, RolloutError,
    Rule, Tally, Verdict, decide,
};

use super::{Customers, DAY, config, in_memory};

const SOON: Duration = Duration::from_secs(20);

fn started(config: &RolloutConfig) -> Customers {
    let customers = Customers::of(in_memory(config));
    let start = customers.rollout.act(Action::Start, "Ada", customers.now);
    start.unwrap();
    customers
}

#[test]
fn one_that_is_worse_goes_and_its_conversations_change_once() {
    let mut customers = started(&config());
    let mut canaries = Vec::new();
    while customers.rollout.phase() == Phase::Running && customers.begun < 15_000 {
        if customers.come([0.8, 0.66], SOON) == Arm::Canary {
            canaries.push(format!("conversation {}", customers.begun));
        }
    }
    let status = customers.rollout.status();
    assert_eq!(status.phase, Phase::RolledBack);
    let [
        Event::Step { step: 0, cause, .. },
        Event::RolledBack { cause: why, .. },
    ] = status.history.as_slice()
    else {
        panic!("{:?}", status.history);
    };
    assert_eq!(
        (cause.by.as_deref(), why.by.as_deref()),
        (Some("Ada"), None)
    );
    let rule = Rule::Marked;
    let guardrail = Guardrail::Satisfaction;
    assert_eq!(why.verdict, Verdict::RollBack { guardrail, rule });
    assert!(why.figures[0].change.unwrap().estimate < -0.08);
    assert_eq!(status.languages.len(), 2);
    assert!(status.curve.len() > 10);
    // At its next turn, a conversation of the candidate's has the stable model, and is told so once.
    let last = canaries.last().unwrap();
    let arrival = |turn| cs_serve::rollout::Arrival {
        conversation: last,
        customer: None,
        turn,
    };
    let second = customers
        .rollout
        .assign(&arrival(2), customers.now)
        .unwrap();
    let third = customers
        .rollout
        .assign(&arrival(3), customers.now)
        .unwrap();
    assert_eq!((second.arm, second.switched), (Arm::Stable, true));
    assert_eq!((third.arm, third.switched), (Arm::Stable, false));
    // What comes is the stable model's, and nothing begins again.
    assert_eq!(customers.arm("new", 1), Arm::Stable);
    let again = customers.rollout.act(Action::Start, "Ada", customers.now);
    assert!(matches!(again, Err(RolloutError::Phase { .. })));
}

#[test]
fn one_that_is_as_good_has_all_new_conversations_in_the_end_and_no_old_one() {
    let mut customers = started(&config());
    let first = (0..100).map(|i| format!("early {i}"));
    let first: Vec<_> = first.map(|it| (customers.arm(&it, 1), it)).collect();
    assert!(first.iter().any(|it| it.0 == Arm::Canary));
    while customers.rollout.phase() == Phase::Running && customers.begun < 30_000 {
        customers.come([0.8, 0.8], SOON);
        if customers.begun.is_multiple_of(500) {
            for (arm, conversation) in &first {
                assert_eq!(customers.arm(conversation, 2), *arm);
            }
        }
    }
    assert_eq!(customers.rollout.phase(), Phase::Promoted);
    assert_eq!(customers.rollout.status().history.len(), 3);
    for (arm, conversation) in &first {
        assert_eq!(customers.arm(conversation, 3), *arm);
    }
    let new = (0..50).map(|i| customers.arm(&format!("new {i}"), 1));
    assert!(new.into_iter().all(|arm| arm == Arm::Canary));
}

#[test]
fn what_nothing_good_is_of_is_named() {
    let margins = Margins::default();
    let guardrails = [
        (Guardrail::Satisfaction, margins),
        (Guardrail::Latency, margins.scaled(0.5)),
    ];
    let mut config = RolloutConfig {
        guardrails: guardrails.into(),
        ..config()
    };
    let slow = |good| {
        let mut counts = Counts::default();
        for (arm, count) in [(Arm::Stable, 100_000), (Arm::Canary, 90_000)] {
            let share = |share: f64| Tally::of_shares(count, (count as f64 * share) as u64);
            *counts.tally_mut(arm, Guardrail::Satisfaction) = share(0.8);
            *counts.tally_mut(arm, Guardrail::Latency) = share(good);
        }
        counts
    };
    let verdict = |config: &RolloutConfig, good, days: u32| {
        let elapsed = Duration::from_millis(DAY) * days;
        decide(config, 0.3, &slow(good), elapsed).verdict
    };
    let guardrail = Guardrail::Latency;
    let named = Verdict::NothingToCompare { guardrail };
    // All take longer than the budget, or nearly all; it is told before the step's least time is over.
    for good in [0.0, 0.01] {
        assert_eq!(verdict(&config, good, 0), named);
        assert_eq!(verdict(&config, good, 2), named);
    }
    assert_eq!(verdict(&config, 0.9, 2), Verdict::Pass);
    assert_eq!(verdict(&config, 0.2, 0), Verdict::Wait);
    // What so many conversations tell all the same is no reason to wait.
    config
        .guardrails
        .insert(guardrail, Margins::default().scaled(4.0));
    assert_eq!(verdict(&config, 0.09, 2), Verdict::Pass);
    // A drop of something else counts first.
    let mut counts = slow(0.0);
    *counts.tally_mut(Arm::Canary, Guardrail::Satisfaction) = Tally::of_shares(90_000, 45_000);
    let decision = decide(&config, 0.3, &counts, Duration::ZERO);
    assert!(matches!(decision.verdict, Verdict::RollBack { .. }));
}

#[test]
fn one_that_nobody_talks_to_waits_and_it_is_said_why() {
    let mut customers = started(&config());
    customers.wait(Duration::from_secs(12 * 60 * 60));
    let early = customers.rollout.status().decision;
    assert_eq!(early.verdict, Verdict::Wait);
    customers.wait(Duration::from_secs(7 * 24 * 60 * 60));
    let status = customers.rollout.status();
    assert_eq!(status.phase, Phase::Running);
    assert_eq!(status.decision.verdict, Verdict::TooLittleTraffic);
    assert_eq!(status.decision.expected_days, None);
    // With traffic again, it goes on.
    for _ in 0..9_000 {
        customers.come([0.8, 0.8], SOON);
    }
    assert!(customers.rollout.status().step > 0);
}

#[test]
fn a_step_that_has_passed_waits_for_a_person_and_may_still_be_rolled_back() {
    let config = RolloutConfig {
        approval: Approval::Each,
        ..config()
    };
    let mut customers = started(&config);
    while customers.rollout.phase() == Phase::Running && customers.begun < 15_000 {
        customers.come([0.8, 0.84], SOON);
    }
    assert_eq!(customers.rollout.phase(), Phase::Passed);
    while customers.rollout.phase() == Phase::Passed && customers.begun < 60_000 {
        customers.come([0.8, 0.2], SOON);
    }
    assert_eq!(customers.rollout.phase(), Phase::RolledBack);
}

#[test]
fn a_person_may_halt_it_and_roll_it_back() {
    let mut customers = started(&config());
    let names = (0..200).map(|i| format!("conversation of {i}"));
    let names: Vec<String> = names.collect();
    let canary = |customers: &Customers, turn| {
        let is_canary = |it: &&String| customers.arm(it, turn) == Arm::Canary;
        names.iter().filter(is_canary).count()
    };
    let before = canary(&customers, 1);
    assert!((30..90).contains(&before));
    let act = |customers: &Customers, action| {
        customers
            .rollout
            .act(action, "Grace", customers.now)
            .unwrap();
    };
    act(&customers, Action::Pause);
    assert_eq!(canary(&customers, 2), before);
    assert!((0..100).all(|i| customers.arm(&format!("new {i}"), 1) == Arm::Stable));
    act(&customers, Action::Start);
    assert!((0..100).any(|i| customers.arm(&format!("newer {i}"), 1) == Arm::Canary));
    act(&customers, Action::Rollback);
    assert_eq!(canary(&customers, 3), 0);
    customers.wait(SOON);
    let status = customers.rollout.status();
    let Some(Event::RolledBack { cause, .. }) = status.history.last() else {
        panic!("{:?}", status.history);
    };
    assert_eq!(cause.by.as_deref(), Some("Grace"));
}
