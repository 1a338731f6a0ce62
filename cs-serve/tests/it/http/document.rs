//! The document tells what is answered.

use std::collections::BTreeSet;

use axum::http::Method;
use cs_serve::http::HttpConfig;
use serde_json::{Value, json};

use super::service::Service;
use crate::engine::models::plain;

async fn document(config: HttpConfig) -> Value {
    let service = Service::new(&plain(), config);
    service.get("/openapi.json").await.json()
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn each_path_is_there_with_its_problems() {
    let document = document(HttpConfig::default()).await;
    let paths = names(&document["paths"]);
    let expected = [
        "/",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/v1/cache",
        "/v1/chat",
        "/v1/chat/{session}",
        "/v1/chat/{session}/release",
        "/v1/check",
        "/v1/feedback",
        "/v1/knowledge",
        "/v1/models",
        "/v1/rollout",
        "/v1/understand",
        "/v1/words",
    ];
    assert_eq!(paths, expected.map(str::to_owned).into());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(Method::from_bytes(method.to_uppercase().as_bytes()).is_ok());
            assert!(operation["summary"].is_string(), "{path}");
            let responses = operation["responses"].as_object().unwrap();
            let is_fine = |status: &str| status == "200" || status == "204";
            let has_fine = responses.keys().any(|it| is_fine(it));
            assert!(has_fine && responses.contains_key("500"), "{path}");
            for (status, response) in responses {
                let problem = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(problem.is_object(), !is_fine(status), "{path} {status}");
                assert!(response["headers"]["X-Request-Id"].is_object());
            }
        }
    }
    let understand = &document["paths"]["/v1/understand"]["post"]["responses"];
    let statuses = [
        "200", "400", "408", "413", "415", "429", "500", "503", "504",
    ];
    assert_eq!(names(understand), statuses.map(str::to_owned).into());
}

#[tokio::test]
async fn an_answer_has_the_documented_fields() {
    let service = Service::plain();
    let document = service.get("/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    let body = json!({ "text": "order 12345" }).to_string();
    let answer = service.understand(body).await.json();
    for (value, schema) in [
        (&answer, "Understanding"),
        (&answer["intent"], "Intent"),
        (&answer["entities"][0], "Entity"),
        (&service.get("/nothing").await.json(), "Problem"),
    ] {
        assert_eq!(
            names(value),
            names(&schemas[schema]["properties"]),
            "{schema}"
        );
    }
}

#[tokio::test]
async fn limits_and_keys_are_told() {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "key").unwrap();
    let config = HttpConfig {
        max_batch: 7,
        max_text: 99,
        ..HttpConfig::default()
    };
    let open = document(config.clone()).await;
    let question = &open["components"]["schemas"]["Question"]["oneOf"];
    assert_eq!(question[0]["properties"]["text"]["maxLength"], 99);
    let texts = &question[1]["properties"]["texts"];
    assert_eq!(
        (&texts["minItems"], &texts["maxItems"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(texts["items"]["maxLength"], 99);
    assert!(open["paths"]["/v1/understand"]["post"]["security"].is_null());

    let config = HttpConfig {
        api_keys: Some(keys.path().to_owned()),
        ..config
    };
    let closed = document(config).await;
    let understand = &closed["paths"]["/v1/understand"]["post"];
    assert_eq!(understand["security"], json!([{ "bearer": [] }]));
    assert!(understand["responses"]["401"].is_object());
    assert_eq!(
        closed["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
}

#[tokio::test]
async fn no_description_is_written_for_rustdoc() {
    let document = document(HttpConfig::default()).await.to_string();
    for sign in ["](", "[`", "crate::", "`None`", "```"] {
        assert!(!document.contains(sign), "{sign}: {document}");
    }
}
