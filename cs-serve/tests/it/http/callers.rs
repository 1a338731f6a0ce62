//! Who may ask, what and how often.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use cs_serve::HttpError;
use cs_serve::http::{Api, HttpConfig, Slot};
use serde_json::json;
use tempfile::NamedTempFile;

use super::service::{Service, post, with_key};
use crate::engine::models::{plain, start, workers};

const KEYS: &str = "# the shops\nfirst-key\n\n  second-key  \n";

fn file(content: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    file
}

fn asking() -> Request<Body> {
    post("/v1/understand", json!({ "text": "order" }).to_string())
}

fn from(peer: &str) -> Request<Body> {
    let mut request = asking();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test]
async fn a_key_is_asked_for_where_there_are_keys() {
    let keys = file(KEYS);
    let config = HttpConfig {
        api_keys: Some(keys.path().to_owned()),
        ..HttpConfig::default()
    };
    let service = Service::new(&plain(), config);
    for key in ["first-key", "second-key"] {
        assert_eq!(service.send(with_key(asking(), key)).await.status, 200);
    }
    let mut basic = asking();
    let value = "Basic first-key".parse().unwrap();
    basic.headers_mut().insert("authorization", value);
    let wrong = ["third-key", "first-ke", "first-key1", "# the shops", ""];
    let wrong = wrong.map(|key| with_key(asking(), key));
    for request in wrong.into_iter().chain([basic, asking()]) {
        let reply = service.send(request).await;
        let detail = "expected `Authorization: Bearer`, and an API key of this service";
        assert_eq!(reply.problem(), (401, detail.into()));
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
}

#[test]
fn a_file_of_keys_that_is_none_is_refused_by_its_line() {
    for (content, line, expected) in [
        ("", 1, "at least one key"),
        ("# nobody\n", 1, "at least one key"),
        ("one\ntwo words\n", 2, "a key of visible ASCII characters"),
        ("schlüssel", 1, "a key of visible ASCII characters"),
        ("one\n#\none\n", 3, "each key once"),
    ] {
        let keys = file(content);
        let error = refused(HttpConfig {
            api_keys: Some(keys.path().to_owned()),
            ..HttpConfig::default()
        });
        let path = keys.path().display();
        assert_eq!(
            error.to_string(),
            format!("{path}:{line}:1: expected {expected}")
        );
    }
    let error = refused(HttpConfig {
        api_keys: Some("no/such/file".into()),
        ..HttpConfig::default()
    });
    assert!(error.to_string().starts_with("no/such/file: "), "{error}");
}

fn refused(config: HttpConfig) -> HttpError {
    let (_engine, handle) = start(&plain(), workers(1));
    Api::new(Slot::Light, handle, config).unwrap_err()
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let default = HttpConfig::default;
    for (config, message) in [
        (
            HttpConfig {
                max_body: 0,
                ..default()
            },
            "max_body = 0, expected at least 1",
        ),
        (
            HttpConfig {
                max_text: 65_537,
                ..default()
            },
            "max_text = 65537, expected at most 65536",
        ),
        (
            HttpConfig {
                rate: Some(0.0),
                ..default()
            },
            "rate = 0, expected more than 0",
        ),
        (
            HttpConfig {
                rate: Some(f64::NAN),
                ..default()
            },
            "rate = NaN, expected more than 0",
        ),
        (
            HttpConfig {
                body_timeout: std::time::Duration::ZERO,
                ..default()
            },
            "body_timeout_ms = 0, expected at least 1",
        ),
    ] {
        assert_eq!(refused(config).to_string(), message);
    }
}

#[tokio::test]
async fn a_caller_has_a_rate_and_does_not_use_up_that_of_another() {
    let config = HttpConfig {
        rate: Some(0.001),
        ..HttpConfig::default()
    };
    let service = Service::new(&plain(), config);
    let others = [
        "10.0.0.1:9",
        "10.0.0.2:9",
        "[2001:db8:0:1::1]:9",
        "[2001:db8:0:2::1]:9",
    ];
    for peer in others {
        assert_eq!(service.send(from(peer)).await.status, 200, "{peer}");
    }
    for peer in ["10.0.0.1:10", "[::ffff:10.0.0.2]:9", "[2001:db8:0:1::2]:9"] {
        let reply = service.send(from(peer)).await;
        assert_eq!(
            reply.problem(),
            (429, "too many requests of this caller".into())
        );
        assert_eq!(reply.header("retry-after"), "1000");
    }
    assert_eq!(service.send(asking()).await.status, 200); // of no known address
    assert_eq!(service.send(asking()).await.status, 429);
    assert_eq!(service.get("/healthz").await.status, 200);
}
