//! Bounds against another implementation, and what plans promise.

use std::collections::BTreeMap;
use std::time::Duration;

use cs_serve::rollout::{
    Change, Ending, Guardrail, Mean, Plan, RolloutConfig, Scenario, Sequence, Traffic,
};

/// By `tests/reference/make_sequences.py`: roots found by scipy.
#[test]
fn sequences_are_scipys() {
    for (risk, effect, information, expected) in [
        (0.01, 0.1, 500.0, 3.580_619_555),
        (0.01, 0.1, 5_000.0, 3.391_768_566),
        (0.01 / 6.0, 0.07, 5_000.0, 3.891_091_787),
        (0.01 / 6.0, 0.07, 50_000.0, 4.039_949_237),
        (0.0001, 0.007, 400_000.0, 4.629_941_337),
        (0.1, 0.1, 3_000.0, 2.526_347_690),
    ] {
        let found = Sequence::new(risk, effect).errors(information);
        let off = found / expected - 1.0;
        // Never narrower, and hardly wider.
        assert!(
            (-1e-9..3e-3).contains(&off),
            "{risk}: {found} for {expected}"
        );
    }
}

/// By the same script: a root of the difference in standard errors.
#[test]
fn bounds_of_changes_are_scipys() {
    let mean = |count, mean, variance| Mean {
        count,
        mean,
        variance,
    };
    for (canary, stable, lower, upper) in [
        (
            mean(2_000.0, 0.72, 0.2016),
            mean(38_000.0, 0.8, 0.16),
            -0.144_009_400,
            -0.050_138_538,
        ),
        (
            mean(300.0, 0.85, 0.1275),
            mean(700.0, 0.8, 0.16),
            -0.043_279_862,
            0.204_004_926,
        ),
        (
            mean(5_000.0, 0.99, 0.0099),
            mean(95_000.0, 0.995, 0.004_975),
            -0.010_682_421,
            0.001_134_054,
        ),
    ] {
        let sequences = (Sequence::new(0.01, 0.1), Sequence::new(0.01 / 6.0, 0.07));
        let found = Change::of(&canary, &stable, &sequences.0, &sequences.1).unwrap();
        assert!((found.lower - lower).abs() < 1e-4, "{found:?}");
        assert!((found.upper - upper).abs() < 1e-4, "{found:?}");
        assert!(found.lower <= lower + 1e-9 && found.upper >= upper - 1e-9);
    }
}

#[test]
fn what_nothing_is_known_of_is_not_bounded() {
    let mean = |count, mean, variance| Mean {
        count,
        mean,
        variance,
    };
    let (lower, upper) = (Sequence::new(0.01, 0.1), Sequence::new(0.01, 0.1));
    let few = Change::of(&mean(3.0, 0.1, 0.24), &mean(3.0, 0.1, 0.24), &lower, &upper);
    assert_eq!(few, None);
}

fn endings(changes: &[(Guardrail, f64)]) -> BTreeMap<&'static str, usize> {
    let config = RolloutConfig {
        min_step: Duration::ZERO,
        ..RolloutConfig::default()
    };
    let traffic = Traffic::default();
    let changes = changes.iter().copied().collect();
    let scenario = Scenario {
        config: &config,
        traffic: &traffic,
        changes: &changes,
        most_days: 365.0,
    };
    let mut endings = BTreeMap::new();
    for seed in 0..60 {
        let name = match scenario.play(seed).unwrap().ending {
            Ending::RolledBack => "rolled back",
            Ending::Promoted => "promoted",
            Ending::Waiting => "waiting",
        };
        *endings.entry(name).or_default() += 1;
    }
    endings
}

#[test]
fn simulated_candidates_end_as_they_should() {
    assert_eq!(endings(&[]), [("promoted", 60)].into());
    let worse = [("rolled back", 60)].into();
    assert_eq!(endings(&[(Guardrail::Satisfaction, -0.15)]), worse);
    assert_eq!(endings(&[(Guardrail::Errors, -0.02)]), worse);
}

#[test]
fn a_plan_is_kept_in_ninety_five_of_a_hundred() {
    let config = RolloutConfig::default();
    let traffic = Traffic {
        conversations: 20_000.0,
        ..Traffic::default()
    };
    let plan = Plan::new(&config, &traffic).unwrap();
    let changes = [(Guardrail::Satisfaction, -0.1)].into();
    let scenario = Scenario {
        config: &config,
        traffic: &traffic,
        changes: &changes,
        most_days: 100.0,
    };
    let is_late = |seed: &u64| {
        let played = scenario.play(*seed).unwrap();
        played.ending != Ending::RolledBack || played.steps[0].ratings > plan.steps[0].ratings
    };
    let late = (0..100).filter(is_late).count();
    assert!(late <= 9, "{late}"); // five, and twice the standard deviation
}
