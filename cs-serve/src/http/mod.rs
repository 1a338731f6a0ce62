//! An engine as an HTTP service: a router to nest in another service, and a server for it.
//!
//! - [`Api`] is the interface of an [engine](crate::engine): [`Api::router`] to be nested in an
//!   [`axum::Router`], [`Api::serve`] to serve it.
//! - [`HttpConfig`] bounds everything.
//!
//! | | body | answer |
//! | --- | --- | --- |
//! | `POST /v1/understand` | `{"text": T}` or `{"texts": [T…]}` | an [`Understanding`](crate::Understanding), or `{"results": […]}` in order |
//! | `POST /v1/models` (API key) | `{"light": NAME}` or `{"full": NAME}` | `{"model", "version"}`, once that model answers |
//! | `GET /healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/` | | probes, Prometheus, the document, a page |

mod api;
mod blocking;
mod body;
mod config;
mod keys;
mod metrics;
mod models;
mod observe;
mod openapi;
mod page;
mod probes;
mod problem;
mod rate;
mod server;
mod understand;

pub use api::Api;
pub use config::HttpConfig;
pub use models::Slot;
pub use server::Served;
