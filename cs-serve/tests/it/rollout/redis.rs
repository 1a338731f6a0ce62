//! Replicas that share a roll-out by a real `redis-server`.

use std::time::Duration;

use cs_serve::rollout::{
    Action, Arm, Arrival, Candidates, Journal, JournalError, Observation, Outcome, Phase, Rating,
    RedisJournal, RedisJournalConfig, Rollout, RolloutConfig,
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

/// Begins conversations of which some are rated, and gives their models.
fn begun(replica: &Rollout, names: &[String]) -> Vec<Arm> {
    let arms = names.iter().map(|it| arm(replica, it, 1)).collect();
    for conversation in names {
        let (outcome, language, intent) = (Outcome::default(), None, None);
        let observed = Observation {
            conversation,
            turn: 1,
            outcome,
            language,
            intent,
        };
        replica.observe(&observed, 1_000).unwrap();
        let (turn, rating) = (1, 1.0);
        let rating = Rating {
            conversation,
            turn,
            rating,
        };
        replica.rate(&rating, 1_000).unwrap();
    }
    arms
}

fn names(what: &str) -> Vec<String> {
    (0..60).map(|i| format!("{what} {i}")).collect()
}

#[test]
fn what_redis_has_lost_is_put_there_again() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (a, b) = (replica(server.port), replica(server.port));
    a.act(Action::Start, "Ada", 1_000).unwrap();
    let before = names("before");
    let arms = begun(&a, &before);
    b.tick(2_000).unwrap();
    let status = a.status();
    let lose: [&dyn Fn(); 3] = [
        // All of it, as by a start without its files.
        &|| drop(server.command("FLUSHALL")),
        // The end, as by a fail-over.
        &|| drop(server.command("RPOP {cs-rollout}:events")),
        // All of it, and somebody begins anew who knows nothing.
        &|| {
            server.command("FLUSHALL");
            let journal = journal(server.port, Duration::from_millis(1));
            drop(Rollout::open(Box::new(journal), &MODELS, &config()).unwrap());
        },
    ];
    for (i, lose) in lose.iter().enumerate() {
        lose();
        // The one that does not decide may find it first, and for a moment nobody may decide.
        while b.tick(3_000).is_err() {
            drop(a.tick(3_000));
        }
        a.tick(4_000).unwrap();
        assert_eq!(
            (a.status(), b.status()),
            (status.clone(), status.clone()),
            "{i}"
        );
        // A third one has it from Redis alone.
        let third = replica(server.port);
        assert_eq!(third.status(), status, "{i}");
        for (name, expected) in before.iter().zip(&arms) {
            for replica in [&a, &b, &third] {
                assert_eq!(arm(replica, name, 2), *expected, "{i}");
            }
        }
    }
    // And all go on.
    let after = names("after");
    let arms = begun(&b, &after);
    for (name, expected) in after.iter().zip(&arms) {
        assert_eq!(arm(&a, name, 2), *expected);
    }
    a.act(Action::Rollback, "Ada", 5_000).unwrap();
    assert!(
        before
            .iter()
            .chain(&after)
            .all(|it| arm(&b, it, 3) == Arm::Stable)
    );
}

#[test]
fn an_end_that_is_lost_is_noticed_though_others_have_written_since() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (a, b) = (replica(server.port), replica(server.port));
    a.act(Action::Start, "Ada", 1_000).unwrap();
    b.tick(1_000).unwrap();
    let before = names("before");
    let arms = begun(&a, &before);
    for _ in 0..180 {
        server.command("RPOP {cs-rollout}:events"); // of which the other one knows nothing
    }
    let meanwhile = names("meanwhile");
    begun(&b, &meanwhile);
    begun(&b, &names("more"));
    a.tick(2_000).unwrap();
    b.tick(2_000).unwrap();
    for (name, expected) in before.iter().zip(&arms) {
        assert_eq!((arm(&a, name, 2), arm(&b, name, 2)), (*expected, *expected));
    }
    assert_eq!(a.status(), b.status());
}

#[test]
fn another_rollout_that_has_taken_its_place_is_left_alone() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let a = replica(server.port);
    a.act(Action::Start, "Ada", 1_000).unwrap();
    server.command("FLUSHALL");
    let other = Candidates {
        candidate: "model 3",
        ..MODELS
    };
    let open = || {
        let journal = journal(server.port, Duration::from_secs(30));
        Rollout::open(Box::new(journal), &other, &config()).unwrap()
    };
    let new = open();
    let refused = a.tick(2_000).unwrap_err().to_string();
    assert!(
        refused.ends_with("another roll-out in the place of this one"),
        "{refused}"
    );
    let arrival = Arrival {
        conversation: "new",
        customer: None,
        turn: 1,
    };
    assert!(a.assign(&arrival, 2_000).is_err());
    assert_eq!(new.phase(), Phase::Ready);
    assert_eq!(open().status(), new.status());
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
