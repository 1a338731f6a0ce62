//! Answers from a cache: which questions get them, and which never must.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cs_serve::Understanding;
use cs_serve::route::{
    Budget, Cache, CacheConfig, CacheCounts, Cascade, DialogueState, Layers, Policy, Question,
    Route, Semantic, TextPair, Turn, fit_distance, words_that_may_differ,
};

use super::{Scripted, ask};

fn semantic() -> Semantic {
    Semantic {
        max_distance: 0.001,
        may_differ: ["please", "my"].map(String::from).into(),
    }
}

fn cached(config: CacheConfig) -> Cascade {
    Cascade::new(Policy::default()).with_cache(Cache::new(config))
}

fn with_semantic() -> Cascade {
    cached(CacheConfig {
        semantic: Some(semantic()),
        ..CacheConfig::default()
    })
}

/// A light model that is never sure, and a full one.
fn unsure() -> (Scripted, Scripted) {
    (Scripted::new("light", 0.1), Scripted::new("full", 0.9))
}

fn routes(cascade: &Cascade, models: (&Scripted, &Scripted), texts: &[&str]) -> Vec<Route> {
    let ask = |text: &&str| ask(cascade, models, &Turn::alone(text)).unwrap();
    texts.iter().map(ask).collect()
}

#[test]
fn the_same_text_is_answered_once_whatever_is_not_seen_in_it() {
    for (confidence, first) in [(0.1, Route::Full), (0.95, Route::Light)] {
        let (light, full) = (
            Scripted::new("light", confidence),
            Scripted::new("full", 0.9),
        );
        let cascade = cached(CacheConfig::default());
        let texts = [
            "My order?",
            "my  ORDER?",
            "my or\u{ad}der?",
            "ｍｙ order?",
            "My order?",
        ];
        let found = routes(&cascade, (&light, &full), &texts);
        assert_eq!((found[0], &found[1..]), (first, &[Route::Cache; 4][..]));
        assert_eq!(light.calls(), (1, 1));
        let counts = cascade.cache().unwrap().counts();
        let expected = CacheCounts {
            exact: 4,
            missed: 1,
            ..CacheCounts::default()
        };
        assert_eq!((counts, cascade.counts().cache), (expected, 4));
    }
}

#[test]
fn an_entity_has_its_place_in_the_very_text() {
    let cascade = cached(CacheConfig::default());
    let (light, full) = unsure();
    let texts = ["to Rome", "to  Rome", "to Rome"];
    let found = routes(&cascade, (&light, &full), &texts);
    assert_eq!(found, [Route::Full, Route::Full, Route::Full]);
    // The last of two texts of one form is the one that is kept.
    assert_eq!(
        routes(&cascade, (&light, &full), &texts[2..]),
        [Route::Cache]
    );
}

#[test]
fn what_is_hidden_in_a_text_does_not_reach_those_who_write_plainly() {
    let cascade = with_semantic();
    let (light, full) = unsure();
    let texts = [
        "re\u{200b}fund",
        "ｒefund",
        "refund\u{e0041}\u{e0042}",
        "refund",
    ];
    let found = routes(&cascade, (&light, &full), &texts);
    assert_eq!(found, [Route::Full; 4]);
    let again = cascade
        .understand_blocking(
            Layers {
                light: &light,
                full: &full,
            },
            &Turn::alone("refund"),
        )
        .unwrap();
    assert_eq!(
        (again.route, again.understanding.sentiment),
        (Route::Cache, Some(0.5))
    );
}

#[test]
fn another_model_or_other_knowledge_answers_anew() {
    let cascade = with_semantic();
    let (light, full) = unsure();
    let ask = || routes(&cascade, (&light, &full), &["order", "please order"]);
    let (first, known) = ([Route::Full, Route::Cache], [Route::Cache; 2]);
    assert_eq!(ask(), first);
    assert_eq!(ask(), known);
    full.swap(Some("2"));
    assert_eq!(ask(), first);
    light.swap(Some("2"));
    assert_eq!(ask(), first);
    cascade.cache().unwrap().set_knowledge("prices of June");
    assert_eq!(ask(), first);
    light.swap(Some("1"));
    full.swap(Some("1"));
    cascade.cache().unwrap().set_knowledge("");
    assert_eq!(ask()[0], Route::Cache); // as those were of this version all the time
    light.swap(None); // a model that cannot be told from others
    assert_eq!(ask(), [Route::Full; 2]);
}

#[test]
fn a_model_that_changes_while_it_answers_leaves_nothing_behind() {
    for confidence in [0.1, 0.95] {
        let (light, full) = (
            Scripted::new("light", confidence),
            Scripted::new("full", 0.9),
        );
        let cascade = with_semantic();
        let first = routes(&cascade, (&light, &full), &["swap"]);
        light.swap(Some("1"));
        full.swap(Some("1"));
        assert_eq!(routes(&cascade, (&light, &full), &["swap"]), first);
    }
}

#[test]
fn a_text_that_asks_the_same_is_answered_without_the_full_model() {
    let cascade = with_semantic();
    let (light, full) = unsure();
    for (text, route) in [
        ("cancel order 7", Route::Full),
        ("please cancel my order 7", Route::Cache),
        ("please cancel my order 8", Route::Full),
        ("please do not cancel my order 7", Route::Full),
        (
            "please please please please please please cancel my order 7",
            Route::Full,
        ), // too far
        ("to Rome", Route::Full),
        ("please to Oslo", Route::Full),
        ("please to Rome", Route::Cache),
    ] {
        assert_eq!(
            routes(&cascade, (&light, &full), &[text]),
            [route],
            "{text}"
        );
    }
    let layers = Layers {
        light: &light,
        full: &full,
    };
    let turn = Turn::alone("please to Rome");
    let answer = cascade.understand_blocking(layers, &turn).unwrap();
    assert_eq!(answer.understanding.intents[0].label, "full");
    assert_eq!(answer.understanding.entities[0].text, "Rome");
    assert_eq!(answer.understanding.embedding, None);
}

#[test]
fn a_wrong_answer_is_forgotten_with_all_that_come_from_it() {
    let cascade = with_semantic();
    let (light, full) = unsure();
    let texts = ["order", "please order"];
    assert_eq!(
        routes(&cascade, (&light, &full), &texts),
        [Route::Full, Route::Cache]
    );
    let layers = Layers {
        light: &light,
        full: &full,
    };
    let mut forget = pin!(cascade.forget(layers, "please order"));
    let mut context = Context::from_waker(Waker::noop());
    while forget.as_mut().poll(&mut context).is_pending() {}
    assert_eq!(
        routes(&cascade, (&light, &full), &["please order"]),
        [Route::Full]
    );
    assert_eq!(
        routes(&cascade, (&light, &full), &["order"]),
        [Route::Cache]
    ); // the new one
}

struct Any;

impl DialogueState for Any {
    fn slot(&self, _: &str) -> Option<&str> {
        None
    }

    fn is_critical(&self) -> bool {
        false
    }
}

#[test]
fn a_turn_of_a_dialogue_does_without() {
    let cascade = cached(CacheConfig::default());
    let (light, full) = unsure();
    let turn = Turn {
        text: "order",
        dialogue: Some(&Any),
    };
    for _ in 0..2 {
        assert_eq!(ask(&cascade, (&light, &full), &turn), Ok(Route::Full));
    }
    assert_eq!(routes(&cascade, (&light, &full), &["order"]), [Route::Full]);
}

#[test]
fn equal_questions_at_the_same_time_are_answered_once() {
    let cascade = cached(CacheConfig::default());
    let (light, full) = (Scripted::new("light", 0.95), Scripted::new("full", 0.9));
    let layers = Layers {
        light: &light,
        full: &full,
    };
    let turn = Turn::alone("order");
    let mut context = Context::from_waker(Waker::noop());
    let mut asking: Vec<_> = (0..5)
        .map(|_| Box::pin(cascade.understand(layers, &turn)))
        .collect();
    for asked in &mut asking {
        assert!(asked.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(light.calls(), (1, 0));
    let mut answered = asking
        .iter_mut()
        .map(|asked| asked.as_mut().poll(&mut context));
    let routes: Vec<_> = answered
        .by_ref()
        .map(|poll| match poll {
            Poll::Ready(answer) => answer.unwrap().route,
            Poll::Pending => panic!("not answered"),
        })
        .collect();
    assert_eq!(
        (routes[0], &routes[1..]),
        (Route::Light, &[Route::Cache; 4][..])
    );
    assert_eq!(
        (light.calls(), cascade.cache().unwrap().counts().shared),
        ((1, 1), 4)
    );
}

#[test]
fn who_waits_for_one_that_fails_or_goes_asks_itself() {
    for text in ["broken once", "order"] {
        let cascade = cached(CacheConfig::default());
        let (light, full) = (Scripted::new("light", 0.95), Scripted::new("full", 0.9));
        let layers = Layers {
            light: &light,
            full: &full,
        };
        let turn = Turn::alone(text);
        let mut context = Context::from_waker(Waker::noop());
        let mut leads = Box::pin(cascade.understand(layers, &turn));
        let mut follows = Box::pin(cascade.understand(layers, &turn));
        assert!(leads.as_mut().poll(&mut context).is_pending());
        assert!(follows.as_mut().poll(&mut context).is_pending());
        if text == "order" {
            drop(leads);
        } else {
            assert_eq!(leads.as_mut().poll(&mut context), Poll::Ready(Err("light")));
        }
        let answer = loop {
            if let Poll::Ready(answer) = follows.as_mut().poll(&mut context) {
                break answer;
            }
        };
        assert_eq!(answer.unwrap().route, Route::Light);
        assert_eq!(light.calls().0, 2);
        assert_eq!(routes(&cascade, (&light, &full), &[text]), [Route::Cache]);
    }
}

#[test]
fn a_flood_of_texts_takes_no_more_than_it_may_and_ends() {
    let config = CacheConfig {
        max_bytes: 1 << 20,
        texts_per_intent: 64,
        semantic: Some(semantic()),
        ..CacheConfig::default()
    };
    let cache = Cache::new(config);
    let version: Arc<str> = "1".into();
    let turn = Understanding {
        embedding: Some(vec![1.0, 0.5]),
        intents: vec![cs_serve::Intent {
            label: "a".into(),
            confidence: 0.5,
        }],
        ..Understanding::default()
    };
    let hot = Question::new(&version, "where is my order");
    cache.insert(&hot, &turn);
    for i in 0..20_000 {
        let text = format!("question {i}");
        cache.insert_similar(&Question::new(&version, &text), &turn, &turn);
        if i % 10 == 0 {
            cache.get(&hot);
        }
    }
    let kept = (0..20_000).filter(|i| {
        let text = format!("question {i}");
        cache.get(&Question::new(&version, &text)).is_some()
    });
    let kept = kept.count();
    assert!(kept <= (1 << 20) / 150, "{kept}");
    assert!(cache.get(&hot).is_some());
}

#[test]
fn an_answer_has_its_time() {
    let cascade = cached(CacheConfig {
        ttl: Duration::from_millis(1),
        ..CacheConfig::default()
    });
    let (light, full) = unsure();
    routes(&cascade, (&light, &full), &["order"]);
    while routes(&cascade, (&light, &full), &["order"]) == [Route::Cache] {
        std::thread::sleep(Duration::from_millis(1));
    }
    // No time is too long to be told.
    let ever = cached(CacheConfig {
        ttl: Duration::MAX,
        ..CacheConfig::default()
    });
    assert_eq!(
        routes(&ever, (&light, &full), &["a b", "a b"]),
        [Route::Full, Route::Cache]
    );
}

#[test]
fn words_and_distance_are_learned_from_pairs() {
    let turn = |text: &str, at: f32| Understanding {
        text: text.into(),
        intents: vec![cs_serve::Intent {
            label: "a".into(),
            confidence: 0.9,
        }],
        embedding: Some(vec![1.0, at]),
        ..Understanding::default()
    };
    let pair = |one: &str, other: &str, at: f32, is_same| TextPair {
        one: turn(one, 0.0),
        other: turn(other, at),
        is_same,
    };
    let learned = words_that_may_differ(&[
        pair("cancel it", "now cancel the red 2 one", 0.0, true),
        pair("cancel it", "now cancel it", 0.0, true),
        pair("now cancel it", "cancel red it", 0.0, false), // so not every such word is idle
        pair("cancel the red one", "cancel the blue one", 0.0, false),
    ]);
    assert_eq!(learned, ["it", "now", "the"].map(String::from).into());

    let near = (0..50).map(|i| pair("cancel it", "now cancel the", i as f32 / 100.0, true));
    // Nothing tells these apart but the distance, which is 0.4 at least.
    let far = (0..700).map(|i| pair("cancel it", "cancel now", 0.4 + i as f32 / 100.0, false));
    let pairs: Vec<TextPair> = near.chain(far).collect();
    let fitted = fit_distance(&pairs, learned, Budget::default()).unwrap();
    assert!(
        (fitted.hits, fitted.false_hits) >= (40, 0) && fitted.false_hits <= 1,
        "{fitted:?}"
    );
    assert!(fitted.false_hit_upper <= 0.005 && fitted.negatives == 700 && fitted.positives == 50);
    let same = |at| {
        fitted
            .semantic
            .takes_for_same(&turn("cancel it", 0.0), &turn("cancel", at))
    };
    assert!(same(0.1) && !same(1.0));
}
