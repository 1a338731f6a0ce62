//! What each store of sessions keeps to.

use std::time::Duration;

use cs_serve::dialogue::{
    Event, MemorySessions, RedbSessions, SessionError, Sessions, SessionsConfig,
};
use serde_json::json;

/// The time that the stores begin with, in milliseconds.
const NOW: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;

fn config() -> SessionsConfig {
    SessionsConfig {
        expiry: Duration::from_millis(HOUR),
        most: 3,
    }
}

fn set(slot: &str, value: &str) -> Event {
    let (slot, value) = (slot.to_owned(), value.to_owned());
    Event::Set { slot, value }
}

fn is_changed(result: Result<(), SessionError>) -> bool {
    matches!(result, Err(SessionError::Changed))
}

/// What holds of every store.
fn keeps_sessions(store: &dyn Sessions) {
    assert!(store.load("s1", 0, NOW).unwrap().is_empty());
    assert!(!store.delete("s1").unwrap());
    let events = [
        Event::Began(1),
        set("客户", "line\none \"two\""),
        Event::Answered,
    ];
    store.append("s1", 0, &events, NOW).unwrap();
    assert_eq!(store.load("s1", 0, NOW).unwrap(), events);
    // Whoever does not know all of a session adds nothing to it.
    for known in [0, 2, 4] {
        assert!(is_changed(store.append("s1", known, &[Event::Undone], NOW)));
    }
    assert!(is_changed(store.append("s2", 1, &[Event::Undone], NOW)));
    assert_eq!(store.load("s1", 0, NOW).unwrap(), events);
    store.append("s1", 3, &[Event::Undone], NOW).unwrap();
    assert_eq!(store.load("s1", 0, NOW).unwrap().len(), 4);
    // A name that begins like another one's is another one.
    store.append("s", 0, &[Event::Began(1)], NOW).unwrap();
    store.append("s11", 0, &[Event::Began(1)], NOW).unwrap();
    assert_eq!(store.load("s1", 0, NOW).unwrap().len(), 4);
    assert_eq!(store.count(NOW).unwrap(), 3);
    assert!(store.delete("s1").unwrap());
    assert!(store.load("s1", 0, NOW).unwrap().is_empty());
    assert!(is_changed(store.append("s1", 4, &[Event::Undone], NOW)));
    assert_eq!(store.count(NOW).unwrap(), 2);
    // Of many who add at the same time, one does.
    let added: Vec<bool> = std::thread::scope(|scope| {
        let add = || store.append("s", 1, &[Event::Undone], NOW).is_ok();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(add)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(added.iter().filter(|&&is_added| is_added).count(), 1);
    assert_eq!(store.load("s", 0, NOW).unwrap().len(), 2);
}

/// What holds of the stores that go by the caller's clock, and have a limit.
fn expires_by_the_callers_clock(store: &dyn Sessions) {
    let began = [Event::Began(1)];
    store.append("a", 0, &began, NOW).unwrap();
    store.append("b", 0, &began, NOW + HOUR / 2).unwrap();
    store.append("c", 0, &began, NOW + HOUR / 2).unwrap();
    let full = store.append("d", 0, &began, NOW + HOUR / 2);
    assert!(matches!(full, Err(SessionError::Full { most: 3 })));
    // A clock that goes back, or to the limit, loses nothing.
    assert_eq!(store.count(0).unwrap(), 3);
    assert_eq!(store.load("a", 0, NOW + HOUR).unwrap(), began);
    assert!(store.load("a", 0, NOW + HOUR + 1).unwrap().is_empty());
    assert_eq!(store.count(NOW + HOUR + 1).unwrap(), 2);
    // What is over makes room, and is no more than a beginning.
    assert!(is_changed(store.append("a", 1, &began, NOW + HOUR + 1)));
    store.append("d", 0, &began, NOW + HOUR + 1).unwrap();
    // Each event prolongs a session.
    store.append("b", 1, &began, NOW + HOUR).unwrap();
    assert_eq!(store.load("b", 0, NOW + 2 * HOUR).unwrap().len(), 2);
    assert!(store.load("c", 0, NOW + 2 * HOUR).unwrap().is_empty());
}

#[test]
fn in_memory() {
    keeps_sessions(&MemorySessions::new(&config()).unwrap());
    expires_by_the_callers_clock(&MemorySessions::new(&config()).unwrap());
}

#[test]
fn sessions_in_memory_take_no_more_than_they_may() {
    let store = MemorySessions::new(&config())
        .unwrap()
        .with_most_bytes(1_000);
    let is_full = |added: Result<(), SessionError>| {
        matches!(added, Err(SessionError::Memory { most: 1_000 }))
    };
    let long = |bytes: usize| [set("note", &"n".repeat(bytes))];
    assert!(is_full(store.append("a", 0, &long(1_000), NOW)));
    store.append("a", 0, &long(500), NOW).unwrap();
    // What is refused is not there, and takes nothing.
    for _ in 0..9 {
        assert!(is_full(store.append("a", 1, &long(500), NOW)));
        assert!(is_full(store.append("b", 0, &long(500), NOW)));
    }
    assert_eq!(store.load("a", 0, NOW).unwrap().len(), 1);
    store.append("b", 0, &long(100), NOW).unwrap();
    // What is forgotten makes room, and so does what is over.
    assert!(store.delete("a").unwrap());
    store.append("b", 1, &long(500), NOW).unwrap();
    store.append("b", 0, &long(700), NOW + HOUR + 1).unwrap();
}

#[test]
fn a_session_in_memory_takes_no_more_than_its_share() {
    let store = MemorySessions::new(&config())
        .unwrap()
        .with_most_bytes(1 << 20);
    let said = json!({"customer": {"turn": 2, "text": "hello", "at": NOW}});
    let said: Event = serde_json::from_value(said).unwrap();
    let long = set("note", &"n".repeat(64 << 10));
    store
        .append("a", 0, std::slice::from_ref(&long), NOW)
        .unwrap();
    let refused = store.append("a", 1, &[said.clone(), Event::Answered], NOW);
    assert!(matches!(refused, Err(SessionError::Large { most: 65_536 })));
    // What a turn has begun it may end, and others go on.
    store.append("a", 1, &[long, Event::Answered], NOW).unwrap();
    store.append("b", 0, &[said], NOW).unwrap();
}

#[test]
fn a_file_forgets_piece_by_piece() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let config = SessionsConfig {
        most: 600,
        ..config()
    };
    let began = [Event::Began(1)];
    let store = RedbSessions::open(&path, &config).unwrap();
    for number in 0..600 {
        store
            .append(&format!("s{number:03}"), 0, &began, NOW)
            .unwrap();
    }
    // Two turns make room for as many sessions as they look at, and the third one comes to the end.
    let later = NOW + HOUR + 1;
    for number in 0..3 {
        store
            .append(&format!("t{number}"), 0, &began, later)
            .unwrap();
    }
    drop(store);
    let store = RedbSessions::open(&path, &config).unwrap();
    assert_eq!(store.count(NOW).unwrap(), 3);
}

#[test]
fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name| RedbSessions::open(&folder.path().join(name), &config());
    let store = open("a").unwrap();
    keeps_sessions(&store);
    // Another process is refused, and a later one finds all.
    let other = open("a").unwrap_err().to_string();
    assert!(other.contains("another process has it open"), "{other}");
    drop(store);
    let store = open("a").unwrap();
    assert_eq!(store.load("s", 0, NOW).unwrap().len(), 2);
    expires_by_the_callers_clock(&open("b").unwrap());
}

#[test]
fn a_file_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    std::fs::write(&path, "flows: {}").unwrap();
    let told = RedbSessions::open(&path, &config())
        .unwrap_err()
        .to_string();
    assert!(told.starts_with(&path.display().to_string()), "{told}");
    assert_eq!(std::fs::read(&path).unwrap(), b"flows: {}");
    assert!(RedbSessions::open(folder.path(), &config()).is_err());
    let none = SessionsConfig {
        most: 0,
        ..config()
    };
    let told = RedbSessions::open(&path, &none).unwrap_err().to_string();
    assert!(told.ends_with("most = 0, expected at least 1"), "{told}");
}

#[test]
fn events_of_a_newer_version_are_refused() {
    let store = MemorySessions::new(&config()).unwrap();
    store.append("s1", 0, &[Event::Began(4)], NOW).unwrap();
    let refused = store.load("s1", 0, NOW).unwrap_err().to_string();
    assert_eq!(
        refused,
        "a stored session: events of format 4, expected at most 3"
    );
}

#[cfg(feature = "redis")]
mod redis {
    use std::net::TcpListener;

    use cs_serve::dialogue::{RedisSessions, RedisSessionsConfig};

    use super::*;
    use crate::redis_server::Server;

    fn at(url: String) -> RedisSessionsConfig {
        RedisSessionsConfig {
            url,
            timeout: Duration::from_secs(5),
            ..RedisSessionsConfig::default()
        }
    }

    #[test]
    fn in_redis() {
        let Some(server) = Server::start(&[]) else {
            return;
        };
        let config = at(format!("redis://127.0.0.1:{}", server.port));
        keeps_sessions(&RedisSessions::open(&config).unwrap());
        // Two replicas see the same, and a session has its time there.
        let (one, two) = (
            RedisSessions::open(&config).unwrap(),
            RedisSessions::open(&config).unwrap(),
        );
        one.append("r", 0, &[Event::Began(1)], NOW).unwrap();
        assert!(is_changed(two.append("r", 0, &[Event::Began(1)], NOW)));
        two.append("r", 1, &[Event::Undone], NOW).unwrap();
        assert_eq!(one.load("r", 0, NOW).unwrap().len(), 2);
        let answer = server.command("PTTL cs-session:r");
        let left: i64 = answer.trim_start_matches(':').trim().parse().unwrap();
        assert!((1..=86_400_000).contains(&left), "{left}");
        // It goes away, and is there again.
        drop(server);
        assert!(matches!(
            one.load("r", 0, NOW),
            Err(SessionError::Store { .. })
        ));
        let undone = one.append("r", 2, &[Event::Undone], NOW);
        assert!(matches!(undone, Err(SessionError::Store { .. })));
    }

    #[test]
    fn what_is_no_redis_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        for url in [
            format!("redis://user:secret@127.0.0.1:{port}"),
            "http://x".to_owned(),
        ] {
            let told = RedisSessions::open(&at(url)).unwrap_err().to_string();
            assert!(
                told.starts_with("Redis: ") && !told.contains("secret"),
                "{told}"
            );
        }
    }
}
