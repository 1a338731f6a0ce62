//! What is answered to what.

use axum::Router;
use cs_serve::Understanding;
use serde_json::json;

use super::service::{Service, ask, post};
use crate::engine::models::{TEXTS, plain};

#[tokio::test]
async fn an_answer_is_what_the_assistant_says() {
    let (service, model) = (Service::plain(), plain());
    for text in TEXTS {
        let reply = service
            .understand(json!({ "text": text }).to_string())
            .await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), "application/json");
        let turn: Understanding = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(turn, model.understand(text).unwrap());
    }
    let reply = service
        .understand(json!({ "texts": TEXTS }).to_string())
        .await;
    let all = serde_json::to_string(&model.understand_batch(&TEXTS).unwrap()).unwrap();
    assert_eq!(reply.body, format!("{{\"results\":{all}}}"));
    let one = service
        .understand(json!({ "texts": ["12345"] }).to_string())
        .await;
    assert_eq!(one.json()["results"][0]["text"], "12345");
}

#[tokio::test]
async fn it_nests() {
    let service = Service::plain();
    let router = Router::new().nest("/cs", service.api.router());
    let body = json!({ "text": "order" }).to_string();
    let reply = ask(router.clone(), post("/cs/v1/understand", body)).await;
    assert_eq!(reply.json()["text"], "order");
    let problem = ask(router, post("/cs/nothing", "")).await.problem();
    assert_eq!(problem, (404, "no such path".into()));
    let metrics = service.get("/metrics").await.body;
    assert!(metrics.contains("cs_requests_total{path=\"/v1/understand\",status=\"200\"} 1\n"));
    assert!(metrics.contains("cs_requests_total{path=\"other\",status=\"404\"} 1\n"));
}

#[tokio::test]
async fn probes_page_and_document_answer() {
    let service = Service::plain();
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
    assert_eq!(
        service.get("/openapi.json").await.json()["openapi"],
        "3.1.0"
    );
    service.api.drain();
    assert_eq!(service.get("/readyz").await.problem().0, 503);
    assert_eq!(service.get("/healthz").await.status, 200);
}
