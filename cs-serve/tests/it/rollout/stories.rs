//! What becomes of candidates that are worse, as good, or hardly used.

use std::time::Duration;

use cs_serve::rollout::{
    Action, Approval, Arm, Event, Guardrail, Phase, RolloutConfig, RolloutError, Rule, Verdict,
};

use super::{Customers, config, in_memory};

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
