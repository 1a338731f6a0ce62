//! An engine as an HTTP service: a router to nest in another service, and a server for it.
//!
//! - [`Api`] is the interface of an [engine](crate::engine): [`Api::router`] to be nested in an
//!   [`axum::Router`], [`Api::serve`] to serve it.
//! - [`HttpConfig`] bounds everything.
//! - [`Api::with_chat`] has it hold [conversations](crate::dialogue), and [`Feedback`] keeps how
//!   customers rate them. [`Api::with_log`] has them [logged](crate::log), masked.
//! - [`Api::with_candidate`] gives another model some of the conversations, and takes them back if it does worse.
//! - [`Api::routed`] has a light and a full model answer [as one](crate::route), each with an engine
//!   of its own; then an answer names its `route`: `cache`, `light` or `full`.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use axum::Router;
//! use cs_serve::engine::{Engine, EngineConfig};
//! use cs_serve::http::{Api, HttpConfig, Slot};
//! use tokio::net::TcpListener;
//!
//! # use cs_data::Tokenizer;
//! # use cs_model::{BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, Tasks};
//! # use cs_serve::{Assistant, HeadOutput, ScriptedBackend};
//! # let dir = tempfile::tempdir()?;
//! # let tokenizer = Tokenizer::train(["where is my order", "my order is late"].into_iter(), 99)?;
//! # let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..Default::default() };
//! # let mut writer = BundleWriter::new(dir.path())?;
//! # writer.write("config.json", &EncoderConfig::from(config).to_json()?)?;
//! # writer.write("tokenizer.json", &tokenizer.to_json()?)?;
//! # writer.finish(Manifest::new(Tasks { sentiment: true, ..Default::default() }, 32))?;
//! # let backend = ScriptedBackend::new(|batch| {
//! #     let sentiment = Some(vec![0.5; batch.sequences()]);
//! #     Ok(HeadOutput { sentiment, ..HeadOutput::default() })
//! # });
//! # let assistant = Assistant::new(Bundle::open(dir.path())?, Box::new(backend))?;
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let engine = Engine::start(Arc::new(assistant), EngineConfig::default())?;
//! let api = Api::new(Slot::Light, engine.handle(), HttpConfig::default())?;
//! let router = Router::new().nest("/nlp", api.router()); // and your own routes
//!
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let shutdown = async { /* until SIGTERM, say */ };
//! assert_eq!(api.serve(listener, router, shutdown).await.cut_off, 0);
//! assert!(engine.drain(Duration::from_secs(5)).is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | | body | answer |
//! | --- | --- | --- |
//! | `POST /v1/understand` | `{"text": T}` | an [`Understanding`](crate::Understanding) |
//! | | `{"texts": [T…]}` | `{"results": […]}`, in the order of the texts |
//! | `POST /v1/chat` | `{"session": S, "text": T}`, perhaps `"turn": N` | a reply, and what it came from |
//! | `GET /v1/chat/S` | | where a conversation stands, and how it came to that |
//! | `POST /v1/chat/S/release` | `{}` | nothing: 204, and the service goes on where a person had taken over |
//! | `POST /v1/feedback` | `{"session": S, "turn": N, "satisfied": B}`, or `"score": 0..1` | nothing: 204 |
//! | `POST /v1/check` | `{"reply": T}`, perhaps `"about": [N…]` | what [facts](crate::knowledge) say of it |
//! | `POST /v1/knowledge` | `{}` | `{"version"}`, once facts read anew answer |
//! | `POST /v1/words` | `{}` | `{"words": N}`, once words read anew are looked for |
//! | `POST /v1/models` | `{"light": N}`, `{"full": N}` | `{"model", "version"}`, once it answers |
//! | `GET /v1/rollout` | | how a [candidate](Candidate) does, and what follows from that |
//! | `POST /v1/rollout` | `{"action": "start"}`, `"promote"`, `"pause"`, `"rollback"` | the same, once it is done |
//! | `POST /v1/cache` | `{"evict": T}` | `{"evicted": N}`: so many wrong answers are forgotten |
//! | `GET /healthz` | | 200 while the process lives |
//! | `GET /readyz` | | 200 while requests are welcome, else 503 |
//! | `GET /metrics` | | Prometheus' text format |
//! | `GET /openapi.json`, `GET /` | | the interface's document, and a page to try it |
//!
//! Where there are [API keys](HttpConfig::api_keys), `/v1` asks for one (`Authorization: Bearer`).
//! Where there are none, anybody may ask, and nobody swaps models, rolls a candidate out, has
//! answers forgotten or takes a conversation from a person.
//!
//! # What goes wrong
//!
//! An error is a problem document of RFC 9457, and says what was expected. Nothing of a text is in
//! one, nor in a figure, nor in a log above the level `debug`.
//!
//! | status | reason |
//! | --- | --- |
//! | 400 | a body that is not what was expected, a model that cannot be loaded |
//! | 401, 403 | no key or an unknown one; a service without keys, or without a folder of models |
//! | 404, 405 | no such path, model, session or thing among the facts, no cache, no facts, no words; no such method |
//! | 408 | a head or a body that comes too slowly |
//! | 409 | a session that goes on elsewhere, a turn that is not its next one |
//! | 413, 415 | too many bytes or texts, or too long ones; something else than JSON |
//! | 429 | a full queue, a caller above its rate, another swap under way; with `Retry-After` |
//! | 500 | a model that failed |
//! | 503, 504 | an engine that has ended; an answer that was not there in time |
//!
//! With `Accept: text/event-stream`, a reply comes as events: `understanding`, `token` with each part of its
//! text, then `reply` with all that is answered otherwise, or `error` with a problem document.
//!
//! A client that goes cancels its request. In the metrics, not in an answer, its status is 499.

mod answering;
mod api;
mod blocking;
mod body;
mod cache;
mod caller;
mod canary;
mod candidate;
mod chat;
mod chat_log;
mod chats;
mod config;
mod conversation;
mod events;
mod feedback;
mod keys;
mod knowledge;
mod labels;
mod metrics;
mod models;
mod observe;
mod openapi;
#[cfg(feature = "otel")]
mod otel;
mod page;
mod probes;
mod problem;
mod rate;
mod rollout;
mod said;
mod server;
mod shadow;
mod telling;
mod understand;
mod understood;
mod watched;
mod words;

pub use api::Api;
pub use candidate::{Candidate, CandidateConfig};
pub use config::HttpConfig;
pub use feedback::{Feedback, LastRatings, Rating};
pub use models::Slot;
#[cfg(feature = "otel")]
pub use otel::SpanExport;
pub use server::Served;
