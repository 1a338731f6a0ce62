//! Models that fail, panic and hang, and an engine that has enough to do or has ended.

use std::panic::panic_any;
use std::sync::Arc;
use std::time::Duration;

use cs_serve::engine::EngineConfig;
use cs_serve::http::{Api, HttpConfig, Slot};
use serde_json::json;

use super::service::{Reply, Service, ask, post};
use crate::engine::models::{Gate, POISON, assert_settled, eventually, model, start, workers};

async fn understand(api: &Api, text: &str) -> Reply {
    let body = json!({ "text": text }).to_string();
    ask(api.router(), post("/v1/understand", body)).await
}

#[tokio::test]
async fn a_backend_that_fails_or_panics_is_a_500_and_the_rest_goes_on() {
    for panics in [false, true] {
        let model = model("fault", move |seen| match seen.concat().contains(POISON) {
            true if panics => panic_any("it panicked over hidden words"),
            true => Err("it failed over hidden words".into()),
            false => Ok(()),
        });
        let service = Service::new(&model, HttpConfig::default());
        for _ in 0..3 {
            let reply = understand(&service.api, POISON).await;
            assert_eq!(reply.problem(), (500, "the model failed".into()));
            assert_eq!(understand(&service.api, "order").await.status, 200);
        }
        assert_eq!(service.get("/readyz").await.status, 200);
    }
}

#[tokio::test]
async fn a_backend_that_hangs_is_a_504_and_another_thread_goes_on() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("hang", move |seen| {
        if seen.concat().contains(POISON) {
            passed.pass();
        }
        Ok(())
    });
    let config = EngineConfig {
        deadline: Duration::from_millis(200),
        hang_after: Duration::from_millis(20),
        ..workers(1)
    };
    let (_engine, handle) = start(&model, config);
    let api = Api::new(Slot::Light, handle, HttpConfig::default()).unwrap();
    let reply = understand(&api, POISON).await;
    assert_eq!(reply.problem(), (504, "no answer within 200 ms".into()));
    assert_eq!(understand(&api, "order").await.status, 200);
    gate.open();
}

#[tokio::test]
async fn what_does_not_fit_is_refused_at_once() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("full", move |_| {
        passed.pass();
        Ok(())
    });
    let config = EngineConfig {
        queue_texts: 2,
        ..workers(1)
    };
    let (_engine, handle) = start(&model, config);
    let api = Api::new(Slot::Light, handle.clone(), HttpConfig::default()).unwrap();
    let asking = |api: &Api| {
        let api = api.clone();
        tokio::spawn(async move { understand(&api, "order").await })
    };
    let first = asking(&api);
    let under_way = Arc::clone(&gate);
    tokio::task::spawn_blocking(move || under_way.wait_for(1))
        .await
        .unwrap();
    let (second, third) = (asking(&api), asking(&api));
    tokio::task::yield_now().await;
    while handle.snapshot().queue_texts < 2 {
        tokio::task::yield_now().await;
    }
    let reply = understand(&api, "order").await;
    let detail = "the queue is full: 2 texts wait; try again in 1000 ms";
    assert_eq!(reply.problem(), (429, detail.into()));
    assert_eq!(reply.header("retry-after"), "1");
    let body = json!({ "texts": ["order", "order", "order"] }).to_string();
    let (status, detail) = ask(api.router(), post("/v1/understand", body))
        .await
        .problem();
    assert_eq!(status, 413);
    assert!(detail.starts_with("a request of 3 texts with "), "{detail}");

    third.abort(); // its caller has gone
    assert!(third.await.unwrap_err().is_cancelled());
    assert_eq!(handle.snapshot().queue_texts, 1);
    gate.open();
    for pending in [first, second] {
        assert_eq!(pending.await.unwrap().status, 200);
    }
    eventually(&handle, |it| it.answered == 2);
    assert_eq!(handle.snapshot().cancelled, 1);
    assert_settled(&handle);
    let expected = [
        "cs_requests_total{path=\"/v1/understand\",status=\"200\"} 2",
        "cs_requests_total{path=\"/v1/understand\",status=\"413\"} 1",
        "cs_requests_total{path=\"/v1/understand\",status=\"429\"} 1",
        "cs_requests_total{path=\"/v1/understand\",status=\"499\"} 1",
        "cs_queue_length 0",
    ];
    check_metrics(&api, &expected).await;
}

async fn check_metrics(api: &Api, expected: &[&str]) {
    let request = axum::http::Request::get("/metrics");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let found = ask(api.router(), request).await.body;
    for line in expected {
        assert!(found.lines().any(|it| it == *line), "{line}: {found}");
    }
}

#[tokio::test]
async fn an_engine_that_has_ended_is_a_503() {
    let Service { engine, api } = Service::plain();
    assert!(api.is_ready());
    engine.drain(Duration::ZERO);
    assert!(!api.is_ready());
    let reply = understand(&api, "order").await;
    assert_eq!(
        reply.problem(),
        (503, "the engine takes no more requests".into())
    );
}
