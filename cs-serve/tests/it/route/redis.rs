//! Replicas that share answers by a real `redis-server`, and by things that are none.

use std::io::Write;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use cs_serve::Understanding;
use cs_serve::route::{
    Cache, CacheConfig, Cascade, Layers, Policy, Question, RedisConfig, RedisState, Route,
    Semantic, Turn,
};

use super::{Scripted, ask};
use crate::redis_server::Server;

fn cache_at(port: u16) -> Cache<Understanding> {
    Cache::with_redis(CacheConfig::default(), &at(port)).unwrap()
}

fn at(port: u16) -> RedisConfig {
    RedisConfig {
        url: format!("redis://127.0.0.1:{port}"),
        timeout: Duration::from_millis(100),
        ..RedisConfig::default()
    }
}

fn question(text: &str) -> Question<'_> {
    Question::new(&Arc::from("version 1"), text)
}

fn answer(text: &str) -> Understanding {
    Understanding {
        text: text.into(),
        sentiment: Some(0.25),
        ..Understanding::default()
    }
}

fn find(cache: &Cache<Understanding>, text: &str) -> Option<Understanding> {
    run(cache.find(&question(text)))
}

/// Waits for a future; what it waits for comes from another thread.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Asks again until it holds: what is kept there is kept some time soon.
fn eventually(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn state(cache: &Cache<Understanding>) -> RedisState {
    cache.redis().unwrap()
}

#[test]
fn replicas_share_answers_and_evictions() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (one, other) = (cache_at(server.port), cache_at(server.port));
    one.insert(&question("where is it"), &answer("where is it"));
    eventually(|| find(&other, "where is it") == Some(answer("where is it")));
    assert_eq!(state(&other).found, 1);
    assert_eq!(
        other.get(&question("where is it")),
        Some(answer("where is it"))
    ); // kept here too
    // Neither another text nor another version.
    assert_eq!(find(&other, "where is he"), None);
    assert_eq!(
        other.get(&Question::new(&Arc::from("version 2"), "where is it")),
        None
    );

    one.evict(&question("where is it"));
    eventually(|| other.get(&question("where is it")).is_none());
    eventually(|| find(&other, "where is it").is_none());
    assert_eq!(find(&one, "where is it"), None);
    assert!(state(&one).is_up && state(&other).is_up);
}

#[test]
fn one_that_dies_is_done_without_and_found_again() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let port = server.port;
    let cache = cache_at(server.port);
    cache.insert(&question("a b"), &answer("a b"));
    drop(server);
    eventually(|| {
        assert_eq!(find(&cache, "c d"), None);
        !state(&cache).is_up
    });
    assert!(state(&cache).failed > 0);
    assert_eq!(find(&cache, "a b"), Some(answer("a b")));
    let Some(again) = Server::start_at(port, &[]) else {
        return;
    };
    eventually(|| state(&cache).is_up);
    cache.insert(&question("c d"), &answer("c d"));
    eventually(|| find(&cache_at(again.port), "c d").is_some());
}

#[test]
fn an_eviction_while_it_is_down_is_told_once_it_is_back() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (one, other) = (cache_at(server.port), cache_at(server.port));
    one.insert(&question("a b"), &answer("a b"));
    eventually(|| find(&other, "a b").is_some());
    server.signal("-STOP");
    eventually(|| {
        assert_eq!(find(&one, "c d"), None);
        !state(&one).is_up
    });
    assert!(one.evict(&question("a b")));
    server.signal("-CONT");
    eventually(|| other.get(&question("a b")).is_none());
    assert_eq!(find(&cache_at(server.port), "a b"), None);
}

#[test]
fn one_that_stalls_holds_nobody_up() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let cache = cache_at(server.port);
    server.signal("-STOP");
    let texts: Vec<String> = (0..300).map(|i| format!("question {i}")).collect();
    std::thread::scope(|scope| {
        for text in &texts {
            let cache = &cache;
            scope.spawn(move || assert_eq!(find(cache, text), None));
        }
    });
    assert!(!state(&cache).is_up && state(&cache).failed >= 1);
    // Far fewer than there were questions: nobody waited for a time of his own.
    assert!(state(&cache).failed < 30, "{:?}", state(&cache));
    server.signal("-CONT");
    eventually(|| state(&cache).is_up);
}

#[test]
fn one_that_is_full_is_told_of_and_still_read() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (one, other) = (cache_at(server.port), cache_at(server.port));
    one.insert(&question("a b"), &answer("a b"));
    eventually(|| find(&other, "a b").is_some());
    assert!(server.command("CONFIG SET maxmemory 1").starts_with("+OK"));
    one.insert(&question("c d"), &answer("c d"));
    eventually(|| state(&one).refused == 1);
    assert!(state(&one).is_up);
    assert_eq!(find(&one, "c d"), Some(answer("c d")));
    assert_eq!(find(&other, "c d"), None);
    assert!(find(&cache_at(server.port), "a b").is_some());
}

#[test]
fn what_is_no_answer_to_the_text_is_not_given() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let one = cache_at(server.port);
    one.insert(&question("a b"), &answer("a b"));
    eventually(|| server.command("DBSIZE").starts_with(":1"));
    let keys = server.command("KEYS *");
    let key = keys
        .lines()
        .find(|line| line.starts_with("cs-route:"))
        .unwrap();
    let others =
        r#"{"text":"c d","value":{"text":"c d","entities":[],"intent":null,"sentiment":null}}"#;
    for (garbage, number) in [("garbage", 1), ("{}", 2), (others, 3)] {
        let quoted = garbage.replace('"', "\\\"");
        assert!(
            server
                .command(&format!("SET {key} \"{quoted}\""))
                .starts_with("+OK")
        );
        let other = cache_at(server.port);
        assert_eq!(find(&other, "a b"), None, "{garbage}");
        assert_eq!(state(&other).garbage, 1, "{number}");
        assert!(state(&other).is_up);
    }
    assert!(server.command(&format!("DEL {key}")).starts_with(":1"));
    assert!(server.command(&format!("LPUSH {key} x")).starts_with(":1"));
    assert_eq!(find(&cache_at(server.port), "a b"), None); // of another type
}

#[test]
fn whoever_does_not_speak_redis_is_taken_for_down() {
    for said in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\0\u{1}\u{2}",
        "$99999999999\r\n",
        "",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = stream.unwrap().write_all(said.as_bytes());
            }
        });
        let cache = cache_at(port);
        assert!(!state(&cache).is_up, "{said}");
        cache.insert(&question("a b"), &answer("a b"));
        assert!(find(&cache, "a b").is_some());
    }
}

#[test]
fn what_asks_the_same_is_forgotten_on_every_replica() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (light, full) = (Scripted::new("light", 0.1), Scripted::new("full", 0.9));
    let layers = Layers {
        light: &light,
        full: &full,
    };
    let config = CacheConfig {
        semantic: Some(Semantic {
            max_distance: 0.001,
            may_differ: ["please".to_owned()].into(),
        }),
        ..CacheConfig::default()
    };
    let cache = Cache::with_redis(config, &at(server.port)).unwrap();
    let one = Cascade::new(Policy::default()).with_cache(cache);
    let other = Cascade::new(Policy::default()).with_cache(cache_at(server.port));
    let models = (&light, &full);
    assert_eq!(
        ask(&one, models, &Turn::alone("refund please")),
        Ok(Route::Full)
    );
    let routed = || ask(&other, models, &Turn::alone("refund please")).unwrap();
    eventually(|| routed() == Route::Cache);
    // Not the text itself, but one that asks the same.
    assert_eq!(run(one.forget(layers, "refund")), Ok(1));
    let kept = || {
        let cache = other.cache().unwrap();
        let version = cache.version(&["1", "1"]);
        cache
            .get(&Question::new(&version, "refund please"))
            .is_some()
    };
    assert!(kept());
    eventually(|| !kept());
    assert_eq!(
        ask(&one, models, &Turn::alone("refund please")),
        Ok(Route::Full)
    );
}

#[test]
fn an_address_that_is_none_is_refused_without_its_password() {
    let redis = RedisConfig {
        url: "http://user:sesame@host".into(),
        ..RedisConfig::default()
    };
    let error = Cache::<Understanding>::with_redis(CacheConfig::default(), &redis).unwrap_err();
    assert!(!error.to_string().contains("sesame"), "{error}");
    assert!(error.to_string().contains("expected redis://"), "{error}");
    assert!(!format!("{redis:?}").contains("sesame"));
}
