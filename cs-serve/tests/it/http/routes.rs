//! A light and a full model behind one interface.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use cs_serve::Assistant;
use cs_serve::engine::Engine;
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
    let cascade = Cascade::of(&config);
    let load = |dir: &std::path::Path| Assistant::open(dir);
    let api = Api::routed(layers, cascade, HttpConfig::default(), load).unwrap();
    (api, [light, full])
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
