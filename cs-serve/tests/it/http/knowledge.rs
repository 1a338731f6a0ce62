//! Replies held against facts, and facts read anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::StatusCode;
use cs_serve::http::{Api, HttpConfig, Slot};
use cs_serve::knowledge::{CurrentKnowledge, Graph, Limits};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::service::{Reply, Service, ask, post, with_key};
use crate::engine::models::{plain, start, workers};

/// A service that knows a shop, and the shop's file.
struct Shop {
    dir: TempDir,
    api: Api,
}

impl Shop {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (keys, path) = (dir.path().join("keys"), dir.path().join("shop.ttl"));
        std::fs::write(&keys, "key").unwrap();
        write_price(&path, "199");
        let read = {
            let path: PathBuf = path.clone();
            move || Ok(Arc::new(Graph::open(&path, &Limits::default())?) as _)
        };
        let knowledge = CurrentKnowledge::open(read).unwrap();
        let config = HttpConfig {
            api_keys: Some(keys),
            max_text: 100,
            ..HttpConfig::default()
        };
        let (_, handle) = start(&plain(), workers(1));
        let api = Api::new(Slot::Light, handle, config)
            .unwrap()
            .with_knowledge(knowledge);
        Self { dir, api }
    }

    async fn send(&self, path: &str, body: impl ToString) -> Reply {
        ask(
            self.api.router(),
            with_key(post(path, body.to_string()), "key"),
        )
        .await
    }

    async fn check(&self, reply: &str) -> Value {
        self.send("/v1/check", json!({ "reply": reply }))
            .await
            .json()
    }

    async fn version(&self) -> String {
        let metrics = ask(
            self.api.router(),
            axum::http::Request::get("/metrics")
                .body(axum::body::Body::empty())
                .unwrap(),
        )
        .await;
        let line = metrics
            .body
            .lines()
            .find(|line| line.starts_with("cs_knowledge_info{"))
            .unwrap()
            .to_owned();
        line.split('"').nth(1).unwrap().to_owned()
    }
}

fn write_price(path: &Path, price: &str) {
    let turtle = format!(
        r#"@prefix : <http://shop.example/> .
        @prefix cs: <urn:customer-service-model:> .
        @prefix owl: <http://www.w3.org/2002/07/owl#> .
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        :price a owl:FunctionalProperty ; rdfs:label "价格"@zh, "price"@en ; cs:unit "元" .
        :Kettle rdfs:label "水壶"@zh .
        :kettle a :Kettle ; rdfs:label "晨曦水壶"@zh, "Dawn kettle"@en ; :price {price} ."#
    );
    std::fs::write(path, turtle).unwrap();
}

#[tokio::test]
async fn a_reply_is_held_against_the_facts() {
    let shop = Shop::new();
    let wrong = shop.check("晨曦水壶的价格是299元。").await;
    assert_eq!(wrong["verdict"], "contradicted");
    assert_eq!(wrong["reply"], "晨曦水壶的价格是299元。");
    assert_eq!(wrong["corrected"], "晨曦水壶的价格是199元。");
    assert_eq!(
        wrong["facts"][0]["known"]
            .as_str()
            .unwrap()
            .trim_end_matches('元'),
        "199"
    );
    assert_eq!(
        shop.check("晨曦水壶的价格是199元。").await["verdict"],
        "supported"
    );
    assert_eq!(shop.check("您好！").await["verdict"], "no-claim");
    for about in ["晨曦水壶", "http://shop.example/kettle"] {
        let body = json!({ "reply": "价格是299元。", "about": [about] });
        assert_eq!(
            shop.send("/v1/check", body).await.json()["verdict"],
            "contradicted",
            "{about}"
        );
    }
}

#[tokio::test]
async fn facts_are_read_anew_and_stay_if_they_cannot_be() {
    let shop = Shop::new();
    let first = shop.version().await;
    let path = shop.dir.path().join("shop.ttl");
    write_price(&path, "299");
    assert_eq!(
        shop.check("晨曦水壶的价格是299元。").await["verdict"],
        "contradicted"
    );
    let reloaded = shop.send("/v1/knowledge", "{}").await.json();
    assert_eq!(reloaded, json!({ "version": shop.version().await }));
    assert_ne!(shop.version().await, first);
    assert_eq!(
        shop.check("晨曦水壶的价格是299元。").await["verdict"],
        "supported"
    );
    write_price(&path, "2 9 9 oops");
    let refused = shop.send("/v1/knowledge", "{}").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("shop.ttl:7:"), "{}", refused.body);
    assert_eq!(
        shop.check("晨曦水壶的价格是299元。").await["verdict"],
        "supported"
    );
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let shop = Shop::new();
    let long = json!({ "reply": "x".repeat(101) });
    let cases = [
        ("/v1/check", json!({}), 400),
        ("/v1/check", json!({ "reply": 3 }), 400),
        ("/v1/check", json!({ "reply": "x", "about": "y" }), 400),
        ("/v1/check", json!({ "reply": "x", "subject": "y" }), 400),
        ("/v1/check", long, 413),
        ("/v1/check", json!(["x"]), 400),
        ("/v1/knowledge", json!({ "path": "/etc/passwd" }), 400),
        ("/v1/knowledge", json!([]), 400),
    ];
    for (path, body, status) in cases {
        let reply = shop.send(path, &body).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.body);
    }
    for unknown in ["http://shop.example/sofa", "Night sofa"] {
        let body = json!({ "reply": "x", "about": ["Dawn kettle", unknown] });
        let reply = shop.send("/v1/check", &body).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{}", reply.body);
        assert!(reply.body.contains(unknown), "{}", reply.body);
    }
    let without_key = ask(shop.api.router(), post("/v1/knowledge", "{}")).await;
    assert_eq!(without_key.status, StatusCode::UNAUTHORIZED);
    let ignorant = Service::plain();
    let reply = ignorant
        .send(post("/v1/check", json!({ "reply": "x" }).to_string()))
        .await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    let reply = ignorant.send(post("/v1/knowledge", "{}")).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
}
