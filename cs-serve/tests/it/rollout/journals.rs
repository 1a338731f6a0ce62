//! What a journal has after a restart.

use std::time::Duration;

use cs_serve::rollout::{
    Action, Arm, Candidates, Event, FileJournal, JournalError, Rollout, RolloutConfig, RolloutError,
};

use super::{Customers, MODELS, config, file, open};

#[test]
fn a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let journal = || file(&path);
    let mut customers = Customers::of(open(journal(), &config()));
    customers
        .rollout
        .act(Action::Start, "Ada", customers.now)
        .unwrap();
    let arms: Vec<Arm> = (0..500)
        .map(|_| customers.come([0.8, 0.75], Duration::from_secs(1)))
        .collect();
    let status = customers.rollout.status();
    // One process at a time.
    assert!(matches!(
        FileJournal::open(&path),
        Err(JournalError::Frames(_))
    ));
    let (now, begun) = (customers.now, customers.begun);
    drop(customers);
    let mut customers = Customers::of(open(journal(), &config()));
    (customers.now, customers.begun) = (now, begun);
    assert_eq!(customers.rollout.status(), status);
    for (i, arm) in arms.iter().enumerate() {
        assert_eq!(customers.arm(&format!("conversation {}", i + 1), 2), *arm);
    }
    // The same file is not another roll-out's.
    drop(customers);
    let refused = |models: &Candidates<'_>, config: &RolloutConfig| match Rollout::open(
        Box::new(journal()),
        models,
        config,
    )
    .unwrap_err()
    {
        RolloutError::Other { name, .. } => name,
        error => panic!("{error}"),
    };
    let other = Candidates {
        candidate: "model 3",
        ..MODELS
    };
    assert_eq!(refused(&other, &config()), "candidate");
    let strict = RolloutConfig {
        risk: 0.005,
        ..config()
    };
    assert_eq!(refused(&MODELS, &strict), "config");
}

#[test]
fn a_torn_end_is_cut_and_what_is_no_event_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let mut customers = Customers::of(open(file(&path), &config()));
    customers
        .rollout
        .act(Action::Start, "Ada", customers.now)
        .unwrap();
    for _ in 0..20 {
        customers.come([0.8, 0.8], Duration::ZERO);
    }
    drop(customers);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let journal = file(&path);
    assert!(journal.torn().is_some());
    let rollout = open(journal, &config());
    // The last rating was torn: of 20 conversations 19 are rated.
    let figure = &rollout.status().decision.figures[0];
    assert_eq!(figure.stable.count + figure.canary.count, 19);
    drop(rollout);
    let mut damaged = bytes.clone();
    damaged[200] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let error = FileJournal::open(&path).unwrap_err().to_string();
    assert!(error.contains("rollout.journal: at byte"), "{error}");
    std::fs::write(&path, b"{}").unwrap();
    let error = FileJournal::open(&path).unwrap_err().to_string();
    assert!(error.contains("expected"), "{error}");
}

#[test]
fn events_are_json_with_nothing_of_a_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let mut customers = Customers::of(open(file(&path), &config()));
    customers
        .rollout
        .act(Action::Start, "Ada", customers.now)
        .unwrap();
    customers.come([0.8, 0.8], Duration::ZERO);
    let mut events = Vec::new();
    FileJournal::read(&path, &mut |event| events.push(event)).unwrap();
    assert!(matches!(events[0], Event::Opened(_)));
    assert_eq!(events.len(), 5);
    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    assert!(!text.contains("conversation 1"));
}
