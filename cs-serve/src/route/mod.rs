//! A light and a full model as one: most turns are answered by the small model, and the large one
//! reads only what the small one is not to answer.
//!
//! - [`Cascade`] asks the light model first and, where its [`Router`] says so, the full one.
//! - [`Policy`] is the router by rules: confidence, length, entities that conflict, the dialogue.
//! - [`Cache`] keeps answers for the same text, and for texts that ask the same.
//! - [`fit_threshold`] finds the least confidence that keeps a stated [`Budget`] of lost answers; [`Refit`] does as turns come.
//!
//! ```
//! use cs_serve::route::{Budget, Cascade, Layer, Layers, Outcome, Policy, Route, Turn};
//! use cs_serve::route::fit_threshold;
//! use cs_serve::{Error, Intent, Understanding};
//!
//! /// Answers everything with the same confidence, in the place of a model.
//! struct Sure(f32);
//!
//! impl Layer for Sure {
//!     type Error = Error;
//!     async fn understand(&self, text: &str) -> Result<Understanding, Error> {
//!         let intents = vec![Intent { label: "refund".into(), confidence: self.0 }];
//!         Ok(Understanding { text: text.into(), intents, ..Understanding::default() })
//!     }
//! }
//!
//! // What both models answered to labelled turns that they had not learned from.
//! let outcome = |i| {
//!     let confidence = i as f32 / 3000.0;
//!     Outcome { confidence, light_is_right: confidence > 0.6, full_is_right: true }
//! };
//! let outcomes: Vec<Outcome> = (0..3000).map(outcome).collect();
//! let fitted = fit_threshold(&outcomes, Budget { max_loss: 0.01, risk: 0.05 })?;
//! let cascade = Cascade::new(Policy { threshold: fitted.threshold, ..Policy::default() });
//!
//! for (confidence, route) in [(0.8, Route::Light), (0.3, Route::Full)] {
//!     let (light, full) = (Sure(confidence), Sure(0.99));
//!     let layers = Layers { light: &light, full: &full };
//!     let answer = cascade.understand_blocking(layers, &Turn::alone("my money back"))?;
//!     assert_eq!(answer.route, route);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bound;
mod cache;
mod cascade;
mod config;
mod fit;
mod layer;
mod policy;
mod refit;

pub use bound::upper_bound;
pub use cache::{
    Cache, CacheConfig, CacheCounts, FittedDistance, Key, Question, Semantic, Shareable, TextPair,
    fit_distance, words_that_may_differ,
};
#[cfg(feature = "redis")]
pub use cache::{RedisConfig, RedisState};
pub use cascade::{Cascade, Route, RouteCounts, Routed};
pub use config::RouteConfig;
pub use fit::{Budget, FittedThreshold, Outcome, fit_threshold};
pub use layer::{Layer, Layers};
pub use policy::{Choice, DialogueState, Policy, Router, Turn};
pub use refit::{Proposal, Refit};
