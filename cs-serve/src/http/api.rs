//! The interface's state, and its router.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answering::Answering;
use super::canary::Canary;
use super::candidate::Candidate;
use super::chat_log::ChatLog;
use super::chats::Chats;
use super::config::HttpConfig;
use super::feedback::Feedback;
use super::keys::ApiKeys;
use super::metrics::Requests;
use super::models::{Models, Slot};
use super::observe::{Ids, observe};
use super::problem::Problem;
use super::rate::Rates;
use super::{
    cache, chat, conversation, feedback, knowledge, models, openapi, page, probes, rollout,
    understand, words,
};
use crate::assistant::Assistant;
use crate::dialogue::Chat;
use crate::engine::Handle;
use crate::engine::generation::GenerationHandle;
use crate::error::{HttpError, Result};
use crate::knowledge::CurrentKnowledge;
use crate::log::Log;
use crate::route::{Cascade, Layers};
use crate::safety::personal::Masker;

/// An engine's HTTP interface. A clone is another handle on the same one.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    knowledge: Option<Arc<CurrentKnowledge>>,
    chats: Option<Arc<Chats>>,
    log: Option<Arc<ChatLog>>,
    generation: Option<GenerationHandle>,
    canary: Option<Arc<Canary>>,
    page: Bytes,
}

struct Shared {
    answering: Answering,
    config: HttpConfig,
    keys: Option<ApiKeys>,
    rates: Option<Rates>,
    models: Models,
    requests: Requests,
    ids: Ids,
    page_policy: HeaderValue,
    document: Bytes,
    is_draining: AtomicBool,
}

impl Api {
    /// Makes the interface of an engine whose model fills `slot`. Reads the file of API keys.
    /// Models that `POST /v1/models` names are opened as [`Assistant::open`] does.
    ///
    /// # Errors
    /// [`HttpError::Config`] for a value that cannot work; [`HttpError::Io`] and
    /// [`HttpError::Keys`] for a file of keys or a folder of models that cannot be read.
    pub fn new(slot: Slot, engine: Handle, config: HttpConfig) -> Result<Self, HttpError> {
        Self::with_loader(slot, engine, config, Assistant::open)
    }

    /// Makes the interface of an engine, as [`new`](Self::new) does, with another way to open the
    /// folders that `POST /v1/models` names.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn with_loader(
        slot: Slot,
        engine: Handle,
        config: HttpConfig,
        load: impl Fn(&Path) -> Result<Assistant> + Send + Sync + 'static,
    ) -> Result<Self, HttpError> {
        Self::of(Answering::One(slot, engine), config, load)
    }

    /// Makes the interface of a light and a full model that answer as one, each by its engine.
    /// Either may be replaced by `POST /v1/models`, which `load` opens.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn routed(
        layers: Layers<Handle>,
        cascade: Cascade,
        config: HttpConfig,
        load: impl Fn(&Path) -> Result<Assistant> + Send + Sync + 'static,
    ) -> Result<Self, HttpError> {
        Self::of(Answering::Both(layers, Box::new(cascade)), config, load)
    }

    fn of(
        answering: Answering,
        config: HttpConfig,
        load: impl Fn(&Path) -> Result<Assistant> + Send + Sync + 'static,
    ) -> Result<Self, HttpError> {
        config.validate()?;
        let (_, paths) = routes().split_for_parts();
        let shared = Shared {
            answering,
            keys: config.api_keys.as_deref().map(ApiKeys::read).transpose()?,
            rates: config.rate.map(|rate| Rates::new(rate, Instant::now())),
            models: Models::new(config.models_dir.as_deref(), Arc::new(load))?,
            requests: Requests::new(paths.paths.paths.keys().cloned()),
            ids: Ids::default(),
            page_policy: page::policy(),
            document: openapi::document(&paths, &config)?,
            is_draining: AtomicBool::new(false),
            config,
        };
        Ok(Self {
            shared: Arc::new(shared),
            knowledge: None,
            chats: None,
            log: None,
            generation: None,
            canary: None,
            page: page::html(false, false),
        })
    }

    /// Holds replies against facts, too: `POST /v1/check`.
    #[must_use]
    pub fn with_knowledge(mut self, knowledge: impl Into<Arc<CurrentKnowledge>>) -> Self {
        self.knowledge = Some(knowledge.into());
        self
    }

    /// Holds conversations, too: `POST /v1/chat`, and `POST /v1/feedback`, whose ratings `feedback` keeps.
    #[must_use]
    pub fn with_chat(
        mut self,
        chat: impl Into<Arc<Chat>>,
        feedback: impl Feedback + 'static,
    ) -> Self {
        let chats = Chats::new(chat.into(), Arc::new(feedback), self.config().max_turns);
        self.chats = Some(Arc::new(chats));
        self.page = page::html(true, self.canary.is_some());
        self
    }

    /// Logs conversations, too: turns and ratings, from which `masker` masks what it finds, and what the model finds that is
    /// personal data by its label. Conversations and customers are tags there.
    #[must_use]
    pub fn with_log(mut self, log: Arc<Log>, masker: Masker) -> Self {
        self.log = Some(Arc::new(ChatLog::new(log, masker)));
        self
    }

    /// Gives a candidate a share of the conversations, and copies of the others' turns, as its roll-out says:
    /// `GET /v1/rollout`, and `POST /v1/rollout` with an API key. Until it has a share, it takes none.
    ///
    /// # Errors
    /// [`HttpError::Candidate`] for one whose labels are not those of the models that answer, and for a roll-out of other
    /// models.
    pub fn with_candidate(mut self, candidate: Candidate) -> Result<Self, HttpError> {
        let canary = Canary::new(candidate, self.answering())?;
        self.canary = Some(Arc::new(canary));
        self.page = page::html(self.chats.is_some(), true);
        Ok(self)
    }

    /// Gives what tells the models that answer from others: the stable side of a roll-out.
    pub fn version(&self) -> String {
        self.answering().version()
    }

    /// Tells the figures of an engine that writes replies in `GET /metrics`, too.
    #[must_use]
    pub fn with_generation(mut self, generation: GenerationHandle) -> Self {
        self.generation = Some(generation);
        self
    }

    /// Gives the router of all paths. It answers any other path with 404: nest it
    /// ([`Router::nest`]) rather than merge it.
    pub fn router(&self) -> Router {
        let (router, _) = routes().split_for_parts();
        router
            .fallback(no_path)
            .method_not_allowed_fallback(no_method)
            .layer(from_fn_with_state(self.clone(), observe))
            .with_state(self.clone())
    }

    /// Has `GET /readyz` answer 503 from now on, so that no more requests are sent here. Those that
    /// come are still answered, as long as the engine is open.
    pub fn drain(&self) {
        self.shared.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether requests are answered, and more are welcome.
    pub fn is_ready(&self) -> bool {
        let engines = self.answering().engines();
        let is_open = engines.iter().all(|(_, engine)| engine.is_open());
        is_open && !self.shared.is_draining.load(Ordering::Relaxed)
    }

    /// The settings.
    pub fn config(&self) -> &HttpConfig {
        &self.shared.config
    }

    pub(super) fn answering(&self) -> &Answering {
        &self.shared.answering
    }

    pub(super) fn knowledge(&self) -> Option<&Arc<CurrentKnowledge>> {
        self.knowledge.as_ref()
    }

    pub(super) fn chats(&self) -> Option<&Arc<Chats>> {
        self.chats.as_ref()
    }

    pub(super) fn log(&self) -> Option<&Arc<ChatLog>> {
        self.log.as_ref()
    }

    pub(super) fn generation(&self) -> Option<&GenerationHandle> {
        self.generation.as_ref()
    }

    pub(super) fn canary(&self) -> Option<&Arc<Canary>> {
        self.canary.as_ref()
    }

    pub(super) fn page(&self) -> &Bytes {
        &self.page
    }

    pub(super) fn models(&self) -> &Models {
        &self.shared.models
    }

    pub(super) fn requests(&self) -> &Requests {
        &self.shared.requests
    }

    pub(super) fn ids(&self) -> &Ids {
        &self.shared.ids
    }

    pub(super) fn page_policy(&self) -> &HeaderValue {
        &self.shared.page_policy
    }

    pub(super) fn document(&self) -> &Bytes {
        &self.shared.document
    }

    /// Lets a request in that anybody with a key may send, or anybody at all where there are no
    /// keys. Gives the caller's name.
    pub(super) fn admit(&self, request: &Parts) -> Result<Option<Arc<str>>, Problem> {
        let caller = match &self.shared.keys {
            Some(keys) => Some(known(keys, request)?),
            None => address(request),
        };
        if let Some(rates) = &self.shared.rates {
            let taken = rates.take(caller.as_ref(), Instant::now());
            taken.map_err(|wait| Problem::early("too many requests of this caller", wait))?;
        }
        Ok(caller)
    }

    /// Lets a request in that needs a key. Gives the caller's name.
    pub(super) fn admit_operator(&self, request: &Parts) -> Result<Arc<str>, Problem> {
        let refusal = || {
            let detail = "this service has no API keys, so nobody may do this";
            Problem::new(StatusCode::FORBIDDEN, detail)
        };
        if self.shared.keys.is_none() {
            return Err(refusal());
        }
        self.admit(request)?.ok_or_else(refusal)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("engines", &self.answering().engines())
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(understand::understand))
        .routes(routes!(chat::chat))
        .routes(routes!(conversation::conversation))
        .routes(routes!(conversation::release))
        .routes(routes!(feedback::feedback))
        .routes(routes!(models::swap))
        .routes(routes!(rollout::rollout, rollout::act))
        .routes(routes!(knowledge::check))
        .routes(routes!(knowledge::reload))
        .routes(routes!(words::reload_words))
        .routes(routes!(cache::evict))
        .routes(routes!(probes::health))
        .routes(routes!(probes::ready))
        .routes(routes!(probes::metrics))
        .routes(routes!(openapi::openapi))
        .routes(routes!(page::page))
}

async fn no_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no such path")
}

async fn no_method() -> Problem {
    let detail = "this path has other methods, which `Allow` names";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// The caller that the request's API key names.
fn known(keys: &ApiKeys, request: &Parts) -> Result<Arc<str>, Problem> {
    let header = request.headers.get(AUTHORIZATION);
    let header = header.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let key = match header.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => "",
    };
    keys.caller(key).ok_or_else(|| {
        let detail = "expected `Authorization: Bearer`, and an API key of this service";
        Problem::new(StatusCode::UNAUTHORIZED, detail)
    })
}

/// The address that the request came from, as far as it tells callers apart: of IPv6 the network.
fn address(request: &Parts) -> Option<Arc<str>> {
    let ConnectInfo(peer) = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let address = match peer.ip().to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::from(Ipv6Addr::from(network))
        }
        address => address,
    };
    Some(address.to_string().into())
}
