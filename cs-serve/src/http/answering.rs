//! Who answers: one model, or a light and a full one as one.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::blocking::on_thread;
use super::models::Slot;
use super::problem::Problem;
use crate::engine::{Handle, Options};
use crate::route::{Cascade, Layer, Layers, Route, Turn};
use crate::{Intent, Understanding};

/// The bytes that are tokenised between two other tasks: a millisecond at most.
pub(super) const QUICK: usize = 8 << 10;

/// The models that answer.
pub(super) enum Answering {
    One(Slot, Handle),
    Both(Layers<Handle>, Box<Cascade>),
}

/// An answer, and where it is from if there are two models.
#[derive(Serialize, ToSchema)]
pub(super) struct Answered {
    #[serde(flatten)]
    pub(super) understanding: Understanding,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) route: Option<Route>,
    /// The light model's likeliest intent, if there are two models and it has read the text.
    #[serde(skip)]
    pub(super) light: Option<Intent>,
}

impl Answered {
    pub(super) fn into_understanding(self) -> Understanding {
        self.understanding
    }
}

/// Texts to answer.
pub(super) struct Request {
    texts: Vec<String>,
    options: Options,
    /// Whether to read them takes so long that it needs a thread.
    is_large: bool,
}

impl Request {
    pub(super) fn new(texts: Vec<String>, options: Options) -> Self {
        Self {
            is_large: texts.iter().map(String::len).sum::<usize>() > QUICK,
            texts,
            options,
        }
    }
}

impl Answering {
    pub(super) fn engines(&self) -> Vec<(Slot, &Handle)> {
        match self {
            Self::One(slot, engine) => vec![(*slot, engine)],
            Self::Both(layers, _) => {
                vec![(Slot::Light, &layers.light), (Slot::Full, &layers.full)]
            }
        }
    }

    /// What tells the models from others: a version, or two.
    pub(super) fn version(&self) -> String {
        let engines = self.engines();
        let versions = engines.iter().map(|(_, engine)| version(engine));
        versions.collect::<Vec<_>>().join("+")
    }

    pub(super) fn engine(&self, slot: Slot) -> Option<&Handle> {
        let mut engines = self.engines().into_iter();
        engines
            .find(|(of, _)| *of == slot)
            .map(|(_, engine)| engine)
    }

    pub(super) fn cascade(&self) -> Option<&Cascade> {
        match self {
            Self::One(..) => None,
            Self::Both(_, cascade) => Some(cascade),
        }
    }

    /// Answers texts, in their order; one text's failure fails all.
    pub(super) async fn answer(&self, request: Request) -> Result<Vec<Answered>, Problem> {
        match self {
            Self::One(_, engine) => {
                let turns = alone(engine, request).await?;
                let answers = turns.into_iter().map(|understanding| Answered {
                    understanding,
                    route: None,
                    light: None,
                });
                Ok(answers.collect())
            }
            Self::Both(layers, cascade) => both(layers, cascade, &request).await,
        }
    }

    /// Answers texts, and gives the first one's answer beside the others'.
    pub(super) async fn answer_first(
        &self,
        request: Request,
    ) -> Result<(Answered, Vec<Answered>), Problem> {
        first(self.answer(request).await?)
    }

    /// The place that a model has which answers alone, or in the place of both.
    pub(super) fn place(&self) -> Route {
        match self {
            Self::One(Slot::Light, _) => Route::Light,
            Self::One(Slot::Full, _) | Self::Both(..) => Route::Full,
        }
    }

    /// Forgets the cached answer to a text, and those to texts that ask the same; gives how many.
    pub(super) async fn forget(&self, text: &str) -> Result<usize, Problem> {
        let none = || Problem::new(StatusCode::NOT_FOUND, "this service keeps no answers");
        let Self::Both(layers, cascade) = self else {
            return Err(none());
        };
        cascade.cache().ok_or_else(none)?;
        let request = Request::new(vec![text.to_owned()], Options::default());
        let layers = queued(layers, &request);
        cascade.forget(layers.by_ref(), text).await
    }
}

/// Tells the answer to the first text from the others.
pub(super) fn first<T>(answers: Vec<T>) -> Result<(T, Vec<T>), Problem> {
    let mut answers = answers.into_iter();
    let first = answers.next();
    let first = first.ok_or_else(|| Problem::internal("the model failed"))?;
    Ok((first, answers.collect()))
}

/// What tells a model from others; empty for one that has no version.
pub(super) fn version(engine: &Handle) -> String {
    let model = engine.model();
    model.bundle().version().unwrap_or_default().to_owned()
}

async fn alone(engine: &Handle, request: Request) -> Result<Vec<Understanding>, Problem> {
    let Request {
        texts,
        options,
        is_large,
    } = request;
    let engine = engine.clone();
    let submit = move || engine.submit_all(texts, &options);
    let pending = if is_large {
        on_thread(submit).await??
    } else {
        submit()?
    };
    Ok(pending.await?)
}

async fn both(
    layers: &Layers<Handle>,
    cascade: &Cascade,
    request: &Request,
) -> Result<Vec<Answered>, Problem> {
    let layers = queued(layers, request);
    let layers = layers.by_ref();
    let answers = request.texts.iter().map(|text| {
        let turn = Turn::alone(text);
        async move { cascade.understand(layers, &turn).await }
    });
    let answers = all(answers).await?.into_iter().map(|routed| Answered {
        understanding: routed.understanding,
        route: Some(routed.route),
        light: routed.light,
    });
    Ok(answers.collect())
}

/// An engine, asked as a request wants it to be.
struct Queued<'a> {
    engine: &'a Handle,
    request: &'a Request,
}

fn queued<'a>(layers: &'a Layers<Handle>, request: &'a Request) -> Layers<Queued<'a>> {
    let Layers { light, full } = layers.by_ref();
    let layer = |engine| Queued { engine, request };
    Layers {
        light: layer(light),
        full: layer(full),
    }
}

impl Layer for Queued<'_> {
    type Error = Problem;

    async fn understand(&self, text: &str) -> Result<Understanding, Problem> {
        let (engine, options) = (self.engine.clone(), self.request.options.clone());
        let text = text.to_owned();
        let submit = move || engine.submit(text, &options);
        let pending = if self.request.is_large {
            on_thread(submit).await??
        } else {
            submit()?
        };
        Ok(pending.await?)
    }

    fn version(&self) -> Option<String> {
        self.engine.model().bundle().version().map(str::to_owned)
    }

    fn is_idle(&self) -> bool {
        let snapshot = self.engine.snapshot();
        snapshot.queue_texts == 0 && snapshot.running == 0
    }
}

/// Waits for all futures at once, or for the first failure.
async fn all<T, E>(
    futures: impl Iterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    let mut waiting: Vec<Pin<Box<_>>> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_pending = false;
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(Ok(value)) => *done = Some(value),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => is_pending = true,
                }
            }
        }
        if is_pending {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    })
    .await?;
    Ok(done.into_iter().flatten().collect())
}
