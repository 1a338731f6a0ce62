//! What a journal has after a restart.

use std::time::Duration;

use cs_data::file::{FrameKind, Frames};
use cs_serve::rollout::{
    Arm, Candidates, Event, FileJournal, JournalError, Key, Observation, Opened, Outcome, Phase,
    Rollout, RolloutConfig, RolloutError,
};

use super::{Customers, MODELS, config, file, open};

#[test]
fn a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let journal = || file(&path);
    let mut customers = Customers::started(open(journal(), &config()));
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
    let mut customers = Customers::started(open(file(&path), &config()));
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
    let mut customers = Customers::started(open(file(&path), &config()));
    customers.come([0.8, 0.8], Duration::ZERO);
    let mut events = Vec::new();
    FileJournal::read(&path, &mut |event| events.push(event)).unwrap();
    assert!(matches!(events[0], Event::Opened(_)));
    assert_eq!(events.len(), 5);
    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    assert!(!text.contains("conversation 1"));
}

#[test]
fn a_long_journal_begins_anew_with_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let config = RolloutConfig {
        fold_after: 200,
        expiry: Duration::from_secs(60 * 60),
        ..config()
    };
    let mut customers = Customers::started(open(file(&path), &config));
    let mut longest = 0;
    for _ in 0..3_000 {
        customers.come([0.8, 0.8], Duration::from_secs(60));
        longest = longest.max(std::fs::metadata(&path).unwrap().len());
    }
    // Some 60 conversations are alive at a time, of 3,000 with three events each.
    assert!(longest < 250_000, "{longest}");
    assert!(!folder.path().join("rollout.journal.next").exists());
    let (status, now) = (customers.rollout.status(), customers.now);
    let names = (2_950..=3_000).map(|number| format!("conversation {number}"));
    let before: Vec<(String, Arm)> = names
        .map(|it| (it.clone(), customers.arm(&it, 2)))
        .collect();
    drop(customers);
    // What a crash has left of another one is of no account.
    std::fs::write(folder.path().join("rollout.journal.next"), b"cs-ro").unwrap();
    let mut customers = Customers::of(open(file(&path), &config));
    customers.now = now;
    assert!(!folder.path().join("rollout.journal.next").exists());
    let told = customers.rollout.status();
    assert_eq!((told.phase, told.begun), (status.phase, status.begun));
    assert_eq!(
        (told.decision, told.languages),
        (status.decision, status.languages)
    );
    assert_eq!(
        (told.history.len(), told.curve.len()),
        (status.history.len(), status.curve.len())
    );
    for (name, arm) in before {
        assert_eq!(customers.arm(&name, 2), arm);
    }
}

#[test]
fn a_file_of_the_first_version_is_read_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (old, path) = (
        folder.path().join("old"),
        folder.path().join("rollout.journal"),
    );
    let customers = Customers::started(open(file(&old), &config()));
    let arm = customers.arm("conversation 1", 1);
    let status = customers.rollout.status();
    drop(customers);
    let kind = |version| FrameKind {
        magic: *b"cs-rolls",
        version,
    };
    let ok = |_, _: &[u8]| Ok::<(), std::io::Error>(());
    let (mut first, _) = Frames::open(&path, kind(1), ok).unwrap();
    let mut formats = 0;
    Frames::read(&old, kind(3), |_, bytes: &[u8]| {
        let event = String::from_utf8_lossy(bytes);
        formats += event.matches(r#""format":2"#).count();
        first.append(event.replace(r#""format":2"#, r#""format":1"#).as_bytes())
    })
    .unwrap();
    assert_eq!(formats, 1);
    drop(first);
    let customers = Customers::of(open(file(&path), &config()));
    assert_eq!(customers.rollout.status(), status);
    assert_eq!(customers.arm("conversation 1", 2), arm);
    drop(customers);
    // A later one is not.
    let later = event_of_format(3);
    Frames::replace(&path, kind(3), |put| put(later.as_bytes())).unwrap();
    let refused = Rollout::open(Box::new(file(&path)), &MODELS, &config()).unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.ends_with("rollout.journal: events of format 3, expected at most 2"),
        "{refused}"
    );
}

/// The first event of a journal of such a format.
fn event_of_format(format: u32) -> String {
    let opened = Event::Opened(Box::new(Opened {
        format,
        config: config(),
        stable: MODELS.stable.to_owned(),
        candidate: MODELS.candidate.to_owned(),
        key: Key::new([7; 32]),
    }));
    serde_json::to_string(&opened).unwrap()
}

#[test]
fn long_after_a_promotion_all_are_the_candidates_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let config = RolloutConfig {
        min_step: Duration::ZERO,
        ..config()
    };
    let mut customers = Customers::started(open(file(&path), &config));
    while customers.rollout.phase() == Phase::Running {
        customers.come([0.7, 0.9], Duration::from_secs(60));
    }
    assert_eq!(customers.rollout.phase(), Phase::Promoted);
    let begun = customers.begun;
    let name = |number: u64| format!("conversation {number}");
    let stable = (1..begun)
        .rev()
        .find(|&it| customers.arm(&name(it), 2) == Arm::Stable);
    let stable = name(stable.unwrap());
    // One that is still talked to keeps its model.
    for turn in 2..100 {
        customers.wait(Duration::from_secs(60 * 60));
        assert_eq!(customers.arm(&stable, turn), Arm::Stable);
        let (outcome, language, intent) = (Outcome::default(), None, None);
        let (conversation, at) = (stable.as_str(), customers.now);
        let observed = Observation {
            conversation,
            turn,
            outcome,
            language,
            intent,
        };
        customers.rollout.observe(&observed, at).unwrap();
    }
    let length = || std::fs::metadata(&path).unwrap().len();
    let before = length();
    assert_eq!(customers.arm("new", 1), Arm::Canary);
    assert_eq!(customers.arm("new", 2), Arm::Canary);
    assert_eq!(customers.arm("which nobody knows", 7), Arm::Canary);
    assert_eq!(customers.arm(&stable, 100), Arm::Stable);
    customers.wait(Duration::from_secs(60 * 60));
    assert_eq!(length(), before);
}
