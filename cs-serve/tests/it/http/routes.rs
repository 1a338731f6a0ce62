//! A light and a full model behind one interface.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use cs_serve::Assistant;
use cs_serve::engine::{Engine, Handle};
use cs_serve::http::{Api, HttpConfig};
use cs_serve::route::{CacheConfig, Cascade, Layers, Policy, RouteConfig};
use serde_json::json;

use super::service::{ask, post};
use crate::engine::models::{POISON, model, plain, start, workers};

/// Both models' engines and the interface.
fn service(light: &Arc<Assistant>, threshold: f32) -> (Api, [Engine; 2]) {
    let full = model("full", |_| Ok(()));
    let (light, light_handle) = start(light, workers(1));
    let (full, full_handle) = start(&full, workers(1));
    let layers = Layers {
        light: light_handle,
        full: full_handle,
    };
    let config = RouteConfig {
        policy: Policy {
            threshold,
            ..Policy::default()
        },
        cache: Some(CacheConfig::default()),
        in_parallel: true,
    };
    (api(layers, &config, HttpConfig::default()), [light, full])
}

fn api(layers: Layers<Handle>, config: &RouteConfig, http: HttpConfig) -> Api {
    let load = |dir: &std::path::Path| Assistant::open(dir);
    Api::routed(layers, Cascade::of(config), http, load).unwrap()
}

async fn metrics(api: &Api) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    ask(api.router(), request).await.body
}

#[tokio::test]
async fn an_answer_tells_where_it_is_from() {
    for (threshold, route) in [(0.0, "light"), (1.0, "full")] {
        let (api, _engines) = service(&plain(), threshold);
        let body = || json!({"text": "refund"}).to_string();
        for expected in [route, "cache", "cache"] {
            let answer = ask(api.router(), post("/v1/understand", body()))
                .await
                .json();
            assert_eq!(answer["route"], expected);
            assert_eq!(answer["text"], "refund");
            let label = answer["intents"][0]["label"].as_str().unwrap();
            let name = if route == "light" { "plain-" } else { "full-" };
            assert!(label.starts_with(name), "{label}");
            assert!(answer.get("embedding").is_none());
        }
        let metrics = metrics(&api).await;
        for line in [
            format!("cs_route_total{{route=\"{route}\"}} 1"),
            "cs_route_total{route=\"cache\"} 2".into(),
            "cs_cache_total{kind=\"exact\"} 2".into(),
            "cs_cache_total{kind=\"miss\"} 1".into(),
            "cs_queue_length 0".into(),
        ] {
            assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
        }
        for slot in ["light", "full"] {
            assert!(metrics.contains(&format!("cs_model_info{{slot=\"{slot}\"")));
        }
    }
}

#[tokio::test]
async fn several_texts_are_answered_in_their_order_and_one_failure_fails_all() {
    let light = model("light", |seen| match seen.concat().contains(POISON) {
        true => Err("it failed".into()),
        false => Ok(()),
    });
    let (api, _engines) = service(&light, 0.0);
    let texts = [
        "where is order 12345",
        "refund",
        "refund",
        "订单 12345 在哪里？",
        "",
    ];
    // Beyond what is read between two other tasks, so that threads read it.
    let long = "refund ".repeat(2000);
    for texts in [&texts[..], &[&texts[..], &[&long]].concat()] {
        let body = json!({ "texts": texts }).to_string();
        let answer = ask(api.router(), post("/v1/understand", body)).await.json();
        let results = answer["results"].as_array().unwrap();
        let found: Vec<&str> = results
            .iter()
            .map(|it| it["text"].as_str().unwrap())
            .collect();
        assert_eq!(found, texts);
        assert!(results.iter().all(|it| it["route"].is_string()));
    }
    let body = json!({"texts": ["refund", POISON]}).to_string();
    let reply = ask(api.router(), post("/v1/understand", body)).await;
    assert_eq!(reply.problem(), (500, "the model failed".into()));
}

#[tokio::test]
async fn it_is_ready_while_both_models_are() {
    let (api, [_light, full]) = service(&plain(), 0.5);
    assert!(api.is_ready());
    full.drain(std::time::Duration::ZERO);
    assert!(!api.is_ready());
}

#[tokio::test]
async fn who_has_a_key_has_a_wrong_answer_forgotten() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "sesame").unwrap();
    let http = HttpConfig {
        api_keys: Some(keys.path().to_owned()),
        max_text: 99,
        ..HttpConfig::default()
    };
    let ((light, light_handle), (full, full_handle)) =
        (start(&plain(), workers(1)), start(&plain(), workers(1)));
    let layers = Layers {
        light: light_handle,
        full: full_handle,
    };
    let _engines = [light, full];
    let asked = async |api: &Api, key: &str, path: &str, body: String| {
        let mut request = post(path, body);
        let key = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert("authorization", key);
        ask(api.router(), request).await
    };
    let cached = api(layers.clone(), &RouteConfig::default(), http.clone());
    let route = async |text: &str| {
        let body = json!({"text": text}).to_string();
        let answer = asked(&cached, "sesame", "/v1/understand", body).await;
        answer.json()["route"] == "cache"
    };
    let evict = |text: &str| json!({"evict": text}).to_string();
    assert!(!route("refund").await && route("refund").await);
    let reply = asked(&cached, "guess", "/v1/cache", evict("refund")).await;
    assert_eq!(reply.problem().0, 401);
    for (text, evicted) in [("refund me", 0), ("REFUND!", 1), ("refund", 0)] {
        let reply = asked(&cached, "sesame", "/v1/cache", evict(text)).await;
        assert_eq!(reply.json(), json!({"evicted": evicted}), "{text}");
    }
    assert!(!route("refund").await);
    for (body, status) in [
        (evict(&"x".repeat(100)), 413),
        (json!({"evict": "a", "text": "a"}).to_string(), 400),
        (json!({"evict": 7}).to_string(), 400),
    ] {
        let reply = asked(&cached, "sesame", "/v1/cache", body).await;
        assert_eq!(reply.problem().0, status);
    }
    let none = RouteConfig {
        cache: None,
        ..RouteConfig::default()
    };
    let uncached = api(layers, &none, http);
    let reply = asked(&uncached, "sesame", "/v1/cache", evict("refund")).await;
    assert_eq!(
        reply.problem(),
        (404, "this service keeps no answers".into())
    );
    let (open, _engines) = service(&plain(), 0.5);
    let reply = asked(&open, "", "/v1/cache", evict("refund")).await;
    assert_eq!(reply.problem().0, 403);
}
