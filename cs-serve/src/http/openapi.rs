//! The interface's description for machines, OpenAPI 3.1.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::api::Api;
use super::config::HttpConfig;
use super::problem::Document;

/// What belongs to no path.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Customer-service model",
        description = "Intent, entities and sentiment of what customers write, and replies to it. \
                       Errors are problem documents (RFC 9457): also 404 for any other path, and \
                       405 for any other method."
    ),
    components(schemas(Document))
)]
struct Base;

pub(super) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The statuses of problems, and when they are.
const PROBLEMS: [(&str, &str); 12] = [
    ("400", "The request is not as described."),
    ("401", "The API key is missing or unknown."),
    ("403", "This service has no API keys, or no other models."),
    (
        "404",
        "There is no such model, session or turn, no cache, no candidate, or there are no facts, words or conversations.",
    ),
    ("408", "The body came too slowly."),
    (
        "409",
        "The session went on elsewhere meanwhile, the turn is not its next one, or a roll-out is not where this \
         can be done.",
    ),
    ("413", "The body, the texts or one of them are too large."),
    ("415", "The body is not JSON by its own account."),
    (
        "429",
        "Too much at once. `Retry-After` tells when to try again.",
    ),
    ("500", "The model failed."),
    ("503", "The service takes no more requests."),
    ("504", "The answer was not there before its deadline."),
];

/// The problems that each operation may have.
const OPERATIONS: [(&str, &str, &[&str]); 17] = [
    (
        "/v1/understand",
        "post",
        &[
            "400", "401", "408", "413", "415", "429", "500", "503", "504",
        ],
    ),
    (
        "/v1/chat",
        "post",
        &[
            "400", "401", "404", "408", "409", "413", "415", "429", "500", "503", "504",
        ],
    ),
    (
        "/v1/chat/{session}",
        "get",
        &["400", "401", "404", "429", "500", "503"],
    ),
    (
        "/v1/chat/{session}/release",
        "post",
        &[
            "400", "401", "403", "404", "408", "409", "413", "415", "429", "500", "503",
        ],
    ),
    (
        "/v1/feedback",
        "post",
        &[
            "400", "401", "404", "408", "413", "415", "429", "500", "503",
        ],
    ),
    (
        "/v1/models",
        "post",
        &[
            "400", "401", "403", "404", "408", "409", "413", "415", "429", "500",
        ],
    ),
    (
        "/v1/cache",
        "post",
        &[
            "400", "401", "403", "404", "408", "413", "415", "429", "500", "503", "504",
        ],
    ),
    (
        "/v1/check",
        "post",
        &[
            "400", "401", "404", "408", "413", "415", "429", "500", "503",
        ],
    ),
    (
        "/v1/knowledge",
        "post",
        &[
            "400", "401", "403", "404", "408", "413", "415", "429", "500",
        ],
    ),
    (
        "/v1/words",
        "post",
        &[
            "400", "401", "403", "404", "408", "413", "415", "429", "500",
        ],
    ),
    ("/v1/rollout", "get", &["400", "401", "404", "429", "500"]),
    (
        "/v1/rollout",
        "post",
        &[
            "400", "401", "403", "404", "408", "409", "413", "415", "429", "500", "503",
        ],
    ),
    ("/healthz", "get", &["500"]),
    ("/readyz", "get", &["500", "503"]),
    ("/metrics", "get", &["500"]),
    ("/openapi.json", "get", &["500"]),
    ("/", "get", &["500"]),
];

/// Completes what the handlers say of themselves with limits, keys and problems.
pub(super) fn document(
    paths: &utoipa::openapi::OpenApi,
    config: &HttpConfig,
) -> serde_json::Result<Bytes> {
    let mut document = serde_json::to_value(paths)?;
    let has_keys = config.api_keys.is_some();
    for (path, method, problems) in OPERATIONS {
        let operation = &mut document["paths"][path][method];
        for (status, description) in PROBLEMS {
            if problems.contains(&status) && (status != "401" || has_keys) {
                operation["responses"][status] = problem(status, description);
            }
        }
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            response["headers"]["X-Request-Id"] = json!({
                "description": "The id that the request brought, or a new one.",
                "schema": {"type": "string"},
            });
        }
        if path.starts_with("/v1/") && has_keys {
            operation["security"] = json!([{"bearer": []}]);
        }
    }
    let components = &mut document["components"];
    components["securitySchemes"]["bearer"] = json!({
        "type": "http", "scheme": "bearer", "description": "An API key."
    });
    limit(&mut components["schemas"], config);
    for (path, method) in [
        ("/v1/chat/{session}", "get"),
        ("/v1/chat/{session}/release", "post"),
    ] {
        document["paths"][path][method]["parameters"][0]["schema"] = session();
    }
    let components = &mut document["components"];
    for (_, schema) in components["schemas"].as_object_mut().into_iter().flatten() {
        if let Some(Value::String(description)) = schema.get_mut("description") {
            // What follows the first paragraph are examples in Rust.
            let end = description.find("\n\n").unwrap_or(description.len());
            description.truncate(end);
        }
    }
    serde_json::to_vec(&document).map(Bytes::from)
}

/// Writes down what else is asked of a request.
fn limit(schemas: &mut Value, config: &HttpConfig) {
    let text = json!({"type": "string", "maxLength": config.max_text});
    let name = json!({"type": "string", "pattern": r"^[^./\u0000][^/\u0000]*$", "maxLength": 255});
    let actions = json!({"type": "string", "enum": ["start", "promote", "pause", "rollback"]});
    schemas["Act"]["properties"]["action"] = actions;
    let texts = json!({
        "type": "array", "items": text, "minItems": 1, "maxItems": config.max_batch
    });
    schemas["Eviction"]["properties"]["evict"] = text.clone();
    schemas["Reply"]["properties"]["reply"] = text.clone();
    schemas["Reply"]["properties"]["about"] = json!({
        "type": "array", "items": text, "maxItems": config.max_batch
    });
    let turn = json!({"type": "integer", "minimum": 1, "maximum": u32::MAX});
    let said = &mut schemas["Said"]["properties"];
    (said["session"], said["text"], said["turn"]) = (session(), text.clone(), turn.clone());
    said["customer"] = json!({"type": "string", "minLength": 1, "maxLength": 256});
    // One without more to tell is a word.
    let event = json!({"type": ["object", "string"]});
    schemas["Conversation"]["properties"]["events"]["items"] = event;
    let rated = &mut schemas["Rated"];
    (rated["properties"]["session"], rated["properties"]["turn"]) = (session(), turn);
    rated["properties"]["satisfied"] = json!({"type": "boolean"});
    rated["properties"]["score"] = json!({"type": "number", "minimum": 0, "maximum": 1});
    rated["oneOf"] = json!([{"required": ["satisfied"]}, {"required": ["score"]}]);
    for (schema, fields) in [
        ("Question", [("text", text), ("texts", texts)]),
        ("Swap", [("light", name.clone()), ("full", name)]),
    ] {
        for (variant, (field, limits)) in fields.into_iter().enumerate() {
            let variant = &mut schemas[schema]["oneOf"][variant];
            variant["additionalProperties"] = json!(false);
            variant["properties"][field] = limits;
        }
    }
}

/// The schema of a session's name.
fn session() -> Value {
    json!({"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 128})
}

fn problem(status: &str, description: &str) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    let mut response = json!({
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    });
    if status == "429" {
        response["headers"]["Retry-After"] = json!({
            "description": "In how many seconds to try again.",
            "schema": {"type": "integer", "minimum": 1},
        });
    }
    response
}

/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses(
    (status = 200, description = "This document.", body = Object)
))]
pub(super) async fn openapi(State(api): State<Api>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], api.document().clone()).into_response()
}
