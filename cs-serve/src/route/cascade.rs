//! The light model first, the full one only when it is needed.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use cs_model::{Intent, Understanding};
use serde::Serialize;

use super::cache::{Cache, Entry, Kind, Question, Ticket};
use super::config::RouteConfig;
use super::layer::{Layer, Layers, block_on};
use super::policy::{Choice, Router, Turn};

/// Where an answer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub enum Route {
    /// The question was answered before.
    Cache,
    /// The light model answered.
    Light,
    /// The full model answered.
    Full,
}

impl Route {
    /// All routes.
    pub const ALL: [Self; 3] = [Self::Cache, Self::Light, Self::Full];

    /// The name in answers and figures: `cache`, `light` or `full`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Light => "light",
            Self::Full => "full",
        }
    }
}

/// An answer, and where it is from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Routed {
    /// The answer.
    #[serde(flatten)]
    pub understanding: Understanding,
    /// Where it is from.
    pub route: Route,
    /// The light model's likeliest intent, if it has read the turn, whoever answers.
    #[serde(skip)]
    pub light: Option<Intent>,
}

/// How many answers went which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteCounts {
    /// Answers from the cache.
    pub cache: u64,
    /// Answers of the light model.
    pub light: u64,
    /// Answers of the full model.
    pub full: u64,
}

impl RouteCounts {
    /// Gives the number of answers that went that way.
    #[must_use]
    pub fn of(&self, route: Route) -> u64 {
        match route {
            Route::Cache => self.cache,
            Route::Light => self.light,
            Route::Full => self.full,
        }
    }
}

/// A question that a cache is asked about, with the versions of the models that were there when it
/// came.
struct Cached<'a> {
    cache: &'a Cache<Understanding>,
    question: Question<'a>,
    versions: [String; 2],
}

impl Cached<'_> {
    /// Keeps the light model's answer.
    fn keep_light(&self, light: &Understanding) {
        if self.is_of(0, light) {
            self.cache.insert(&self.question, light);
        }
    }

    /// Keeps the full model's answer, also for texts that the light model reads alike.
    fn keep_full(&self, light: &Understanding, full: &Understanding) {
        if self.is_of(0, light) && self.is_of(1, full) {
            self.cache.insert_similar(&self.question, light, full);
        }
    }

    /// Whether an answer is of the version that it would be kept under: the model may have changed.
    fn is_of(&self, layer: usize, answer: &Understanding) -> bool {
        answer.model.as_ref() == Some(&self.versions[layer])
    }

    /// The answer to a text that asks the same, with this text's own entities.
    fn similar(&self, light: &Understanding) -> Option<Understanding> {
        let (_, answer) = self
            .cache
            .similar(&self.question, light)
            .filter(|_| self.is_of(0, light))?;
        Some(Understanding {
            text: light.text.clone(),
            entities: light.entities.clone(),
            ..answer
        })
    }
}

/// A cascade has the light model read a turn first, and the full one where its router says so. It
/// holds no model: those are given with each question, so that they may change.
///
/// ```no_run
/// use cs_serve::Assistant;
/// use cs_serve::route::{Cascade, Layers, Policy, Route, Turn};
///
/// let light = Assistant::open("models/light".as_ref())?;
/// let full = Assistant::open("models/full".as_ref())?;
/// let cascade = Cascade::new(Policy { threshold: 0.93, ..Policy::default() });
/// let layers = Layers { light: &light, full: &full };
/// let answer = cascade.understand_blocking(layers, &Turn::alone("查询订单12345"))?;
/// if answer.route == Route::Full {
///     println!("the light model was not sure");
/// }
/// # Ok::<(), cs_serve::Error>(())
/// ```
pub struct Cascade {
    router: Box<dyn Router>,
    cache: Option<Cache<Understanding>>,
    in_parallel: bool,
    counts: [AtomicU64; Route::ALL.len()],
}

impl Cascade {
    /// Makes a cascade that goes by what `router` decides.
    pub fn new(router: impl Router + 'static) -> Self {
        Self {
            router: Box::new(router),
            cache: None,
            in_parallel: false,
            counts: Default::default(),
        }
    }

    /// Makes a cascade of these settings.
    #[must_use]
    pub fn of(config: &RouteConfig) -> Self {
        Self {
            cache: config.cache.clone().map(Cache::new),
            in_parallel: config.in_parallel,
            ..Self::new(config.policy)
        }
    }

    /// Has questions that were answered before be answered from a cache: the same text before any
    /// model reads it; one that [asks the same](super::Semantic) before the full model does, if the
    /// light model gives vectors ([`Assistant::with_embeddings`](crate::Assistant::with_embeddings)).
    ///
    /// Turns within a dialogue, and those that the router leaves to the full model unread, do
    /// without.
    #[must_use]
    pub fn with_cache(self, cache: Cache<Understanding>) -> Self {
        Self {
            cache: Some(cache),
            ..self
        }
    }

    /// Has a full model that is [idle](Layer::is_idle) read a single turn beside the light one, and
    /// its answer thrown away if it is not needed. That shortens the wait of those who need it, and
    /// computes more.
    #[must_use]
    pub fn in_parallel(self) -> Self {
        Self {
            in_parallel: true,
            ..self
        }
    }

    /// Answers a turn. The future needs no particular runtime; no lock is held across a wait.
    ///
    /// Equal questions at the same time are answered once: the others wait for the first. If that
    /// one fails or is dropped, they ask by themselves.
    ///
    /// # Errors
    /// What the layer fails with that was asked.
    pub async fn understand<L: Layer>(
        &self,
        layers: Layers<&L>,
        turn: &Turn<'_>,
    ) -> Result<Routed, L::Error> {
        if self.router.before(turn) == Choice::Full {
            let answer = layers.full.understand(turn.text).await?;
            return Ok(self.routed(answer, Route::Full));
        }
        let Some(cached) = self.cached(layers, turn) else {
            return self.ask(layers, turn, None).await;
        };
        let (cache, question) = (cached.cache, &cached.question);
        if let Some(answer) = cache.find(question).await {
            cache.count(Kind::Exact);
            return Ok(self.routed(answer, Route::Cache));
        }
        if !question.can_fill() {
            return self.ask(layers, turn, Some(&cached)).await;
        }
        match cache.join(question) {
            Ticket::Lead(lead) => {
                let routed = self.ask(layers, turn, Some(&cached)).await?;
                lead.land(Entry::new(turn.text, &routed.understanding));
                Ok(routed)
            }
            Ticket::Follow(follow) => {
                let answer = follow.await;
                let Some(answer) = answer.and_then(|answer| answer.for_text(turn.text)) else {
                    return self.ask(layers, turn, Some(&cached)).await;
                };
                cache.count(Kind::Shared);
                Ok(self.routed(answer, Route::Cache))
            }
        }
    }

    /// What the cache is asked, if there is one that may be.
    fn cached<'a, L: Layer>(&'a self, layers: Layers<&L>, turn: &Turn<'a>) -> Option<Cached<'a>> {
        let cache = self.cache.as_ref().filter(|_| turn.dialogue.is_none())?;
        let versions = [layers.light.version()?, layers.full.version()?];
        let [light, full] = &versions;
        let version = cache.version(&[light, full]);
        Some(Cached {
            cache,
            question: Question::new(&version, turn.text),
            versions,
        })
    }

    /// Asks the light model and, if need be, the full one.
    async fn ask<L: Layer>(
        &self,
        layers: Layers<&L>,
        turn: &Turn<'_>,
        cached: Option<&Cached<'_>>,
    ) -> Result<Routed, L::Error> {
        let mut full = pin!(layers.full.understand(turn.text));
        let mut light = pin!(layers.light.understand(turn.text));
        let beside = self.in_parallel && layers.full.is_idle();
        let mut early = None;
        let light = poll_fn(|context| {
            if beside
                && early.is_none()
                && let Poll::Ready(answer) = full.as_mut().poll(context)
            {
                early = Some(answer);
            }
            light.as_mut().poll(context)
        });
        let light = light.await?;
        let likeliest = light.intents.first().cloned();
        let routed = |understanding, route| Routed {
            light: likeliest.clone(),
            ..self.routed(understanding, route)
        };
        let is_enough = self.router.after(turn, &light) == Choice::Light;
        if let Some(cached) = cached {
            if is_enough {
                cached.keep_light(&light);
            } else if let Some(answer) = cached.similar(&light) {
                cached.cache.count(Kind::Semantic);
                return Ok(routed(answer, Route::Cache));
            }
            cached.cache.count(Kind::Missed);
        }
        if is_enough {
            return Ok(routed(light, Route::Light));
        }
        let answer = match early {
            Some(answer) => answer?,
            None => full.await?,
        };
        if let Some(cached) = cached {
            cached.keep_full(&light, &answer);
        }
        Ok(routed(answer, Route::Full))
    }

    /// Forgets what the cache would answer to a text, because it is wrong: its own answer, and
    /// those to texts that ask the same, as far as this replica knows these. Asks the light model, to
    /// find them. Gives how many answers were forgotten.
    ///
    /// # Errors
    /// What the light model fails with.
    pub async fn forget<L: Layer>(
        &self,
        layers: Layers<&L>,
        text: &str,
    ) -> Result<usize, L::Error> {
        let Some(Cached {
            cache, question, ..
        }) = self.cached(layers, &Turn::alone(text))
        else {
            return Ok(0);
        };
        cache.find(&question).await; // so that another replica's answer is counted too
        let mut forgotten = usize::from(cache.evict(&question));
        let light = layers.light.understand(text).await?;
        while let Some((key, _)) = cache.similar(&question, &light) {
            forgotten += usize::from(cache.evict_key(&key));
        }
        Ok(forgotten)
    }

    /// Answers a turn as [`understand`](Self::understand) does, and blocks until the answer is
    /// there.
    ///
    /// # Errors
    /// Those of [`understand`](Self::understand).
    pub fn understand_blocking<L: Layer>(
        &self,
        layers: Layers<&L>,
        turn: &Turn<'_>,
    ) -> Result<Routed, L::Error> {
        block_on(self.understand(layers, turn))
    }

    /// Gives how many answers went which way.
    pub fn counts(&self) -> RouteCounts {
        let count = |route: Route| self.counts[route as usize].load(Ordering::Relaxed);
        RouteCounts {
            cache: count(Route::Cache),
            light: count(Route::Light),
            full: count(Route::Full),
        }
    }

    /// The cache, if there is one.
    pub fn cache(&self) -> Option<&Cache<Understanding>> {
        self.cache.as_ref()
    }

    fn routed(&self, mut understanding: Understanding, route: Route) -> Routed {
        understanding.embedding = None;
        self.counts[route as usize].fetch_add(1, Ordering::Relaxed);
        Routed {
            understanding,
            route,
            light: None,
        }
    }
}

impl fmt::Debug for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cascade")
            .field("in_parallel", &self.in_parallel)
            .field("cache", &self.cache)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
