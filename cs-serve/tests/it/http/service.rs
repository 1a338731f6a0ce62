//! A service to ask, and ways to ask it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use cs_serve::Assistant;
use cs_serve::engine::Engine;
use cs_serve::http::{Api, HttpConfig, Slot};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::engine::models::{model, plain, start, workers};

/// An engine and its interface.
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) api: Api,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Service {
    pub(crate) fn new(model: &Arc<Assistant>, config: HttpConfig) -> Self {
        let (engine, handle) = start(model, workers(1));
        let api = Api::new(Slot::Light, handle, config).unwrap();
        Self { engine, api }
    }

    pub(crate) fn plain() -> Self {
        Self::new(&plain(), HttpConfig::default())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        ask(self.api.router(), request).await
    }

    pub(crate) async fn understand(&self, body: impl Into<Body>) -> Reply {
        self.send(post("/v1/understand", body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// Checks that this is a problem document, and gives its status and detail.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["title"], self.status.canonical_reason().unwrap());
        assert_eq!(json["type"], "about:blank");
        let detail = json["detail"].as_str().unwrap().to_owned();
        (self.status.as_u16(), detail)
    }
}

/// Makes `tracing` know all places where something is noted. It asks who listens when it comes to a
/// place for the first time, on whatever thread, and again for all known ones when a listener comes.
pub(crate) async fn acquaint() {
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    let failing = model("before", |_| Err("out of order".into()));
    let service = Service::new(&failing, HttpConfig::default());
    let body = serde_json::json!({ "text": "order" }).to_string();
    assert_eq!(service.understand(body).await.status, 500);
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

pub(crate) fn with_key(mut request: Request<Body>, key: &str) -> Request<Body> {
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert("authorization", value);
    request
}

pub(crate) async fn ask(router: Router, request: Request<Body>) -> Reply {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}
