//! Replicas that share a roll-out by a real `redis-server`.

use std::time::Duration;

use cs_serve::rollout::{
    Action, Arm, Arrival, Journal, JournalError, Phase, Rating, RedisJournal, RedisJournalConfig,
    Rollout, RolloutConfig,
};

use super::{MODELS, config};
use crate::redis_server::{Server, Way};

fn journal(port: u16, lease: Duration) -> RedisJournal {
    let config = RedisJournalConfig {
        url: format!("redis://127.0.0.1:{port}"),
        lease,
        ..RedisJournalConfig::default()
    };
    RedisJournal::open(&config).unwrap()
}

const TIMEOUT: Duration = Duration::from_millis(50);

/// One that does not wait long for Redis.
fn quick(port: u16) -> RedisJournal {
    RedisJournal::open(&RedisJournalConfig {
        url: format!("redis://127.0.0.1:{port}"),
        timeout: TIMEOUT,
        ..RedisJournalConfig::default()
    })
    .unwrap()
}

fn replica(port: u16) -> Rollout {
    let journal = journal(port, Duration::from_secs(30));
    Rollout::open(Box::new(journal), &MODELS, &config()).unwrap()
}

fn arm(replica: &Rollout, conversation: &str, turn: u32) -> Arm {
    let arrival = Arrival {
        conversation,
        customer: None,
        turn,
    };
    replica.assign(&arrival, 1_000).unwrap().arm
}

#[test]
fn replicas_agree_and_one_decides() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (a, b) = (replica(server.port), replica(server.port));
    a.act(Action::Start, "Ada", 1_000).unwrap();
    let names: Vec<String> = (0..100).map(|i| format!("conversation {i}")).collect();
    let arms: Vec<Arm> = names.iter().map(|it| arm(&a, it, 1)).collect();
    assert!(arms.contains(&Arm::Canary));
    // The other one has not looked yet.
    for (name, expected) in names.iter().zip(&arms) {
        assert_eq!(arm(&b, name, 2), *expected);
    }
    // Whoever was told to decide last does; the one before is told so.
    b.act(Action::Pause, "Grace", 3_000).unwrap();
    a.tick(4_000).unwrap();
    assert_eq!(a.phase(), Phase::Paused);
    b.act(Action::Rollback, "Grace", 5_000).unwrap();
    assert!(names.iter().all(|it| arm(&a, it, 3) == Arm::Stable));
}

#[test]
fn a_decision_with_an_old_token_is_refused() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let rollout = replica(server.port);
    rollout.act(Action::Start, "Ada", 1_000).unwrap();
    let lease = Duration::from_secs(30);
    let (mut old, mut new) = (journal(server.port, lease), journal(server.port, lease));
    let mut events = Vec::new();
    old.catch_up(&mut |event| events.push(event)).unwrap();
    let decision = events.last().unwrap().clone();
    let epoch = events.len() as u64;
    assert!(old.claim(true).unwrap());
    assert!(!new.claim(false).unwrap());
    assert!(new.claim(true).unwrap());
    let mut none = |_| {};
    let refused = old.decide(&decision, epoch, &mut none);
    assert!(
        matches!(refused, Err(JournalError::NotDeciding)),
        "{refused:?}"
    );
    let stale = new.decide(&decision, epoch - 1, &mut none);
    assert!(matches!(stale, Err(JournalError::Stale)), "{stale:?}");
    new.decide(&decision, epoch, &mut none).unwrap();
    let stale = old.append(&decision, epoch, &mut none);
    assert!(matches!(stale, Err(JournalError::Stale)), "{stale:?}");
}

#[test]
fn with_redis_cut_off_the_stable_model_serves() {
    let Some(server) = Server::start(&["--appendonly", "no"]) else {
        return;
    };
    let replica = Rollout::open(Box::new(quick(server.port)), &MODELS, &config()).unwrap();
    replica.act(Action::Start, "Ada", 1_000).unwrap();
    let names: Vec<String> = (0..60).map(|i| format!("conversation {i}")).collect();
    let arms: Vec<Arm> = names.iter().map(|it| arm(&replica, it, 1)).collect();
    server.signal("-STOP");
    let arrival = Arrival {
        conversation: "new",
        customer: None,
        turn: 1,
    };
    assert!(replica.assign(&arrival, 2_000).is_err());
    for (name, expected) in names.iter().zip(&arms) {
        assert_eq!(arm(&replica, name, 2), *expected);
    }
    assert!(replica.act(Action::Rollback, "Ada", 3_000).is_err());
    assert_eq!(replica.phase(), Phase::RolledBack);
    server.signal("-CONT");
    while replica.tick(4_000).is_err() {
        std::thread::sleep(TIMEOUT);
    }
    assert!(!replica.status().is_unsaved);
    assert!(names.iter().all(|it| arm(&replica, it, 3) == Arm::Stable));
    assert_eq!(arm(&replica, "new", 2), Arm::Stable);
}

#[test]
fn one_that_was_cut_off_follows_again_and_what_fell_meanwhile_is_known_to_all() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (way, a) = (Way::to(&server), replica(server.port));
    let b = Rollout::open(Box::new(quick(way.port)), &MODELS, &config()).unwrap();
    a.act(Action::Start, "Ada", 1_000).unwrap();
    b.tick(1_000).unwrap();
    let names: Vec<String> = (0..60).map(|i| format!("conversation {i}")).collect();
    let arms: Vec<Arm> = names.iter().map(|it| arm(&b, it, 1)).collect();
    way.cut();
    let fallen: Vec<String> = (0..20).map(|i| format!("fallen {i}")).collect();
    for name in &fallen {
        let arrival = Arrival {
            conversation: name,
            customer: None,
            turn: 1,
        };
        assert!(b.assign(&arrival, 2_000).is_err());
        assert_eq!(arm(&b, name, 2), Arm::Stable);
    }
    // Whoever has a model keeps it, with both.
    for (name, expected) in names.iter().zip(&arms) {
        assert_eq!((arm(&a, name, 2), arm(&b, name, 2)), (*expected, *expected));
    }
    way.mend();
    while b.tick(3_000).is_err() {
        std::thread::sleep(TIMEOUT);
    }
    // Those that fell are not the candidate's at the other one either, even if it is told that they begin.
    for name in &fallen {
        assert_eq!(
            (arm(&a, name, 2), arm(&b, name, 2)),
            (Arm::Stable, Arm::Stable)
        );
    }
    a.act(Action::Rollback, "Ada", 4_000).unwrap();
    assert!(names.iter().all(|it| arm(&b, it, 3) == Arm::Stable));
}

#[test]
fn a_snapshot_stands_for_what_was_before() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let config = RolloutConfig {
        fold_after: 50,
        ..config()
    };
    let open = || {
        let journal = journal(server.port, Duration::from_secs(30));
        Rollout::open(Box::new(journal), &MODELS, &config).unwrap()
    };
    let (a, b) = (open(), open());
    a.act(Action::Start, "Ada", 1_000).unwrap();
    let names: Vec<String> = (0..30).map(|i| format!("conversation {i}")).collect();
    let arms: Vec<Arm> = names.iter().map(|it| arm(&a, it, 1)).collect();
    let events = || server.command("LLEN {cs-rollout}:events");
    let rating = |turn| Rating {
        conversation: &names[0],
        turn,
        rating: 1.0,
    };
    for minute in 2..400 {
        a.rate(&rating(1), minute * 60_000).unwrap();
        a.tick(minute * 60_000).unwrap();
        if minute == 100 {
            b.tick(minute * 60_000).unwrap(); // and then only after the next snapshot
        }
    }
    let length: usize = events().trim_start_matches(':').trim().parse().unwrap();
    assert!(length < 250, "{length}");
    // Who knew nothing, half of it, or all of it comes to the same.
    b.tick(400 * 60_000).unwrap();
    let (known, new) = (b.status(), open().status());
    assert_eq!((&known, &new), (&a.status(), &a.status()));
    for (name, expected) in names.iter().zip(&arms) {
        assert_eq!(
            (arm(&b, name, 2), arm(&open(), name, 2)),
            (*expected, *expected)
        );
    }
}
