//! Bodies that are refused, in words that quote nothing of them.

use cs_serve::http::HttpConfig;
use serde_json::json;

use super::service::{Service, post};
use crate::engine::models::plain;

const SHAPE: &str = "expected an object with either `text`, a string, or `texts`, an array of \
                     strings, and nothing else";

#[tokio::test]
async fn what_has_another_form_is_refused_by_its_place() {
    let service = Service::plain();
    let bodies = [
        ("null", "line 1 column 1: "),
        ("7", "line 1 column 1: "),
        ("[]", "line 1 column 1: "),
        ("\"text\"", ""),
        ("{}", "line 1 column 2: "),
        (r#"{"text": 4711}"#, "line 1 column 13: "),
        (r#"{"text": null}"#, "line 1 column 13: "),
        (r#"{"text": ["hidden"]}"#, "line 1 column 9: "),
        (r#"{"text": {"text": "hidden"}}"#, "line 1 column 9: "),
        (r#"{"texts": "hidden"}"#, "line 1 column 18: "),
        (r#"{"texts": ["order", 4711]}"#, "line 1 column 24: "),
        (r#"{"texts": [["hidden"]]}"#, "line 1 column 11: "),
        (
            r#"{"text": "hidden", "text": "hidden"}"#,
            "line 1 column 17: ",
        ),
        (
            r#"{"texts": ["hidden"], "text": "hidden"}"#,
            "line 1 column 20: ",
        ),
        (r#"{"text": "hidden", "lang": "zh"}"#, "line 1 column 17: "),
        (r#"{"hidden": "zh"}"#, "line 1 column 9: "),
        (r#"{"text": "hidden \ud800"}"#, "line 1 column 24: "),
    ];
    let mut found = Vec::new();
    for (body, _) in bodies {
        found.push((body, service.understand(body).await.problem()));
    }
    let expected = bodies.map(|(body, place)| (body, (400, format!("{place}{SHAPE}"))));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let deep = "[".repeat(100_000);
    let deep_text = format!(r#"{{"texts": {deep}{}}}"#, "]".repeat(100_000));
    let service = Service::plain();
    for body in [
        "",
        " ",
        "{",
        r#"{"text": "hidden"#,
        r#"{"text": "hidden"} hidden"#,
        r#"{"text": hidden}"#,
        &deep,
    ] {
        let (status, detail) = service.understand(body.to_owned()).await.problem();
        assert_eq!(status, 400, "{body}");
        assert!(detail.starts_with("no JSON: "), "{detail}");
        assert!(!detail.contains("hidden"), "{detail}");
    }
    let problem = service.understand(deep_text).await.problem();
    assert_eq!(problem, (400, format!("line 1 column 11: {SHAPE}")));
    let problem = service
        .understand(&b"{\"text\": \"\xff\"}"[..])
        .await
        .problem();
    assert_eq!(problem, (400, "no UTF-8 after 10 bytes".into()));
}

#[tokio::test]
async fn what_is_too_much_or_nothing_is_refused() {
    let config = HttpConfig {
        max_body: 200_000,
        max_batch: 3,
        max_text: 10,
        ..HttpConfig::default()
    };
    let service = Service::new(&plain(), config);
    let texts = |count: usize| json!({ "texts": vec!["order"; count] }).to_string();
    for (body, status, detail) in [
        (
            texts(0),
            400,
            "`texts` is empty, expected at least one text",
        ),
        (texts(4), 413, "4 texts, expected at most 3"),
        (texts(10_000), 413, "10000 texts, expected at most 3"),
        (texts(100_000), 413, "a body of more than 200000 bytes"),
        (
            json!({ "text": "查询订单" }).to_string(),
            413,
            "a text of 12 bytes, expected at most 10",
        ),
    ] {
        assert_eq!(
            service.understand(body).await.problem(),
            (status, detail.into())
        );
    }
    assert_eq!(service.understand(texts(3)).await.status, 200);
    assert_eq!(
        service
            .understand(json!({ "text": "" }).to_string())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_says_to_be_something_else_is_refused() {
    let service = Service::plain();
    let body = json!({ "text": "order" }).to_string();
    for (name, value, status) in [
        ("content-type", "application/json; charset=utf-8", 200),
        ("content-type", "Application/JSON", 200),
        ("content-type", "text/plain", 415),
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("content-type", "", 415),
        ("content-encoding", "identity", 200),
        ("content-encoding", "gzip", 415),
    ] {
        let mut request = post("/v1/understand", body.clone());
        request.headers_mut().insert(name, value.parse().unwrap());
        let reply = service.send(request).await;
        assert_eq!(reply.status, status, "{name}: {value}");
        if status != 200 {
            let detail = "expected `Content-Type: application/json`, not compressed";
            assert_eq!(reply.problem(), (415, detail.into()));
        }
    }
    let mut request = post("/v1/understand", body);
    request.headers_mut().remove("content-type");
    assert_eq!(service.send(request).await.status, 415);
}
