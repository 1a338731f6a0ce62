//! `POST /v1/models`: another model in the place of the one that answers.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body;
use super::problem::Problem;
use super::understand::json;
use crate::assistant::Assistant;
use crate::engine::Handle;
use crate::error::{HttpError, Result};

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// A small model, for most questions.
    Light,
    /// A large model, for the difficult ones.
    Full,
}

impl Slot {
    /// The name in requests and figures: `light` or `full`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Full => "full",
        }
    }
}

/// A folder's name, for the slot that its model shall fill.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Swap {
    Light(String),
    Full(String),
}

const EXPECTED: &str = "an object with either `light` or `full`, a model's name, and nothing else";

/// The model that answers from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Swapped {
    /// The name of its folder.
    model: String,
    /// Its version, which is in its answers too.
    version: Option<String>,
}

/// How a model's folder is opened.
pub(super) type Load = dyn Fn(&Path) -> Result<Assistant> + Send + Sync;

/// Where models come from.
pub(super) struct Models {
    dir: Option<PathBuf>,
    load: Arc<Load>,
    /// One model is loaded at a time.
    turn: Arc<Semaphore>,
}

impl Models {
    pub(super) fn new(dir: Option<&Path>, load: Arc<Load>) -> Result<Self, HttpError> {
        let absolute = |dir: &Path| {
            dir.canonicalize().map_err(|source| HttpError::Io {
                path: dir.to_owned(),
                source,
            })
        };
        Ok(Self {
            dir: dir.map(absolute).transpose()?,
            load,
            turn: Arc::new(Semaphore::new(1)),
        })
    }

    fn dir(&self) -> Result<&Path, Problem> {
        let refusal = || Problem::new(StatusCode::FORBIDDEN, "this service keeps its model");
        self.dir.as_deref().ok_or_else(refusal)
    }
}

/// Loads another model, which answers from then on. Until it does, the old one answers.
#[utoipa::path(post, path = "/v1/models", tag = "operation", request_body = Swap, responses(
    (status = 200, description = "The model answers.", body = Swapped)
))]
pub(super) async fn swap(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    api.admit_operator(&parts)?;
    if api.canary().is_some_and(|it| it.is_under_way()) {
        let detail = "a candidate is compared with this model, so it stays";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let models = api.models();
    let dir = models.dir()?.to_owned();
    let body = body::read(&parts.headers, body, api.config()).await?;
    let (slot, name) = match body::parse(&body, EXPECTED)? {
        Swap::Light(name) => (Slot::Light, name),
        Swap::Full(name) => (Slot::Full, name),
    };
    let engine = api.answering().engine(slot).cloned().ok_or_else(|| {
        let detail = format!("this service has no model called `{}`", slot.name());
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    let Ok(turn) = Arc::clone(&models.turn).try_acquire_owned() else {
        let detail = "another model is being loaded";
        return Err(Problem::early(detail, Duration::from_secs(1)));
    };
    let load = Arc::clone(&models.load);
    let work = move || {
        let _turn = turn; // until it is over, whether or not the caller waits for it
        replace(&dir, name, &*load, &engine)
    };
    json(&on_thread(work).await??)
}

/// Loads a model and lets it answer. Whatever goes wrong, the old one keeps answering.
fn replace(dir: &Path, name: String, load: &Load, engine: &Handle) -> Result<Swapped, Problem> {
    let folder = folder(dir, &name)?;
    let model = load(&folder).map_err(|error| body::bad(format!("the model `{name}`: {error}")))?;
    let version = model.bundle().version().map(str::to_owned);
    drop(engine.swap(Arc::new(model))?);
    tracing::info!(model = name, version, "another model answers");
    Ok(Swapped {
        model: name,
        version,
    })
}

/// The folder of that name right in `dir`, which a symbolic link there may name too.
fn folder(dir: &Path, name: &str) -> Result<PathBuf, Problem> {
    let mut parts = Path::new(name).components();
    let is_name = matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(part)), None) if part == name
    );
    if !is_name || name.starts_with('.') || name.contains('\0') {
        return Err(body::bad("expected a folder's name, without a path"));
    }
    let folder = dir.join(name).canonicalize().ok();
    let folder = folder.filter(|it| it.parent() == Some(dir) && it.is_dir());
    folder.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("no model `{name}`")))
}
