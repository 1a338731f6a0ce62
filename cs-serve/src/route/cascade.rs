//! The light model first, the full one only when it is needed.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use cs_model::Understanding;
use serde::Serialize;

use super::layer::{Layer, Layers, block_on};
use super::policy::{Choice, Router, Turn};

/// Where an answer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub enum Route {
    /// The light model answered.
    Light,
    /// The full model answered.
    Full,
}

impl Route {
    /// All routes.
    pub const ALL: [Self; 2] = [Self::Light, Self::Full];

    /// The name in answers and figures: `light` or `full`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
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
}

/// How many answers went which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteCounts {
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
            Route::Light => self.light,
            Route::Full => self.full,
        }
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
    in_parallel: bool,
    counts: [AtomicU64; Route::ALL.len()],
}

impl Cascade {
    /// Makes a cascade that goes by what `router` decides.
    pub fn new(router: impl Router + 'static) -> Self {
        Self {
            router: Box::new(router),
            in_parallel: false,
            counts: Default::default(),
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
    /// # Errors
    /// What the layer fails with that was asked.
    pub async fn understand<L: Layer>(
        &self,
        layers: Layers<&L>,
        turn: &Turn<'_>,
    ) -> Result<Routed, L::Error> {
        let mut full = pin!(layers.full.understand(turn.text));
        let mut early = None;
        if self.router.before(turn) == Choice::Light {
            let mut light = pin!(layers.light.understand(turn.text));
            let beside = self.in_parallel && layers.full.is_idle();
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
            if self.router.after(turn, &light) == Choice::Light {
                return Ok(self.routed(light, Route::Light));
            }
        }
        let answer = match early {
            Some(answer) => answer?,
            None => full.await?,
        };
        Ok(self.routed(answer, Route::Full))
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
        let [light, full] = &self.counts;
        RouteCounts {
            light: light.load(Ordering::Relaxed),
            full: full.load(Ordering::Relaxed),
        }
    }

    fn routed(&self, understanding: Understanding, route: Route) -> Routed {
        self.counts[route as usize].fetch_add(1, Ordering::Relaxed);
        Routed {
            understanding,
            route,
        }
    }
}

impl fmt::Debug for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cascade")
            .field("in_parallel", &self.in_parallel)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
