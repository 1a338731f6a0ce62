//! What is noted of a request, and what is not.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use cs_serve::http::HttpConfig;
use serde_json::json;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt;

use super::service::{Service, acquaint, ask, post};
use crate::engine::models::{POISON, model};

/// What would be written to a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Notes from now on what this thread does.
async fn listen() -> (Log, DefaultGuard) {
    acquaint().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = fmt().with_ansi(false).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    (log, guard)
}

#[tokio::test]
async fn nothing_of_a_text_is_in_errors_figures_or_logs() {
    let (log, _guard) = listen().await;
    let model = model("notes", |seen| match seen.concat().contains(POISON) {
        true => Err(format!("cannot bear {seen:?}").into()),
        false => Ok(()),
    });
    let config = HttpConfig {
        max_text: 100,
        ..HttpConfig::default()
    };
    let service = Service::new(&model, config);
    let secret = format!("{POISON} 12345");
    let mut told = String::new();
    for (body, status) in [
        (json!({ "text": "order 12345" }), 200),
        (json!({ "text": secret }), 500),
        (json!({ "texts": ["order", secret] }), 500),
        (json!({ "text": secret.repeat(20) }), 413),
        (json!({ "texts": secret }), 400),
        (json!({ "text": "order", secret.clone(): 1 }), 400),
        (json!({ secret.clone(): 1 }), 400),
        (json!({ "text": 12345 }), 400),
        (json!(secret), 400),
    ] {
        let reply = service.understand(body.to_string()).await;
        assert_eq!(reply.status, status, "{body}");
        if status != 200 {
            told += &reply.problem().1;
        }
    }
    told += &service.understand(format!("{{{secret}")).await.problem().1;
    told += &service.get("/metrics").await.body;
    let log = log.text();
    assert_eq!(log.matches("the model failed").count(), 2, "{log}");
    told += &log;
    assert!(!told.contains(POISON) && !told.contains("12345"), "{told}");
}

#[tokio::test]
async fn a_request_has_an_id_in_its_answer_and_in_the_log() {
    let (log, _guard) = listen().await;
    let model = model("ids", |_| Err("out of order".into()));
    let service = Service::new(&model, HttpConfig::default());
    let long = "x".repeat(65);
    let mut seen = Vec::new();
    for (given, is_kept) in [
        ("client-7_a.B", true),
        (&*"x".repeat(64), true),
        (&*long, false),
        ("two words", false),
        ("a\"b", false),
        ("", false),
    ] {
        let body = json!({ "text": "order" }).to_string();
        let mut request = post("/v1/understand", body);
        request
            .headers_mut()
            .insert("x-request-id", given.parse().unwrap());
        let reply = service.send(request).await;
        let id = reply.header("x-request-id").to_owned();
        assert_eq!(id == given, is_kept, "{id}");
        assert!(
            log.text().contains(&format!("id=\"{id}\"")),
            "{}",
            log.text()
        );
        assert!(!seen.contains(&id));
        seen.push(id);
    }
    let reply = service.get("/nothing").await;
    assert_eq!(reply.header("x-request-id").len(), 16);
}

#[tokio::test]
async fn any_other_path_or_method_is_a_problem() {
    let service = Service::plain();
    let problem = service.get("/v1/nothing").await.problem();
    assert_eq!(problem, (404, "no such path".into()));
    for (path, method, allowed) in [
        ("/v1/understand", "GET", "POST"),
        ("/v1/models", "DELETE", "POST"),
        ("/healthz", "POST", "GET,HEAD"),
        ("/", "PUT", "GET,HEAD"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let reply = service.send(request.body(Body::empty()).unwrap()).await;
        let detail = "this path has other methods, which `Allow` names";
        assert_eq!(reply.problem(), (405, detail.into()));
        assert_eq!(reply.header("allow"), allowed);
    }
    let metrics = service.get("/metrics").await.body;
    assert!(metrics.contains("cs_requests_total{path=\"other\",status=\"404\"} 1\n"));
    assert!(metrics.contains("cs_requests_total{path=\"/\",status=\"405\"} 1\n"));
}

#[tokio::test]
async fn a_handler_of_the_service_it_is_nested_in_is_its_own_affair() {
    let service = Service::plain();
    let own = Router::new().route("/own", get(async || "own"));
    let router = own.nest("/cs", service.api.router());
    let request = Request::get("/own").body(Body::empty()).unwrap();
    let reply = ask(router, request).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, "own"));
    assert!(!reply.headers.contains_key("x-request-id"));
}
