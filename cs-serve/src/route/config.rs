//! How a light and a full model are made one, as plain data.

use serde::{Deserialize, Serialize};

use super::cache::CacheConfig;
use super::policy::Policy;
use crate::error::FitError;

/// The settings of a [`Cascade`](super::Cascade) by rules: what the example `route` writes and
/// `serve` reads.
///
/// ```
/// use cs_serve::route::{Cascade, RouteConfig};
///
/// let json = r#"{"policy": {"threshold": 0.83}, "cache": null}"#;
/// let config: RouteConfig = serde_json::from_str(json)?;
/// assert!(Cascade::of(&config).cache().is_none());
/// assert!(Cascade::of(&RouteConfig::default()).cache().is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteConfig {
    /// Which model answers.
    pub policy: Policy,
    /// What is kept of the answers. `None` keeps nothing; the default keeps what
    /// [`CacheConfig::default`] does.
    pub cache: Option<CacheConfig>,
    /// Whether an idle full model reads beside the light one. By default it does not.
    pub in_parallel: bool,
}

impl RouteConfig {
    /// Checks that thresholds and distances are such.
    ///
    /// # Errors
    /// [`FitError::Setting`] names the value that is out of range.
    pub fn validate(&self) -> Result<(), FitError> {
        let setting = |name, found: f32, most: f32, expected| match (0.0..=most).contains(&found) {
            true => Ok(()),
            false => Err(FitError::Setting {
                name,
                found,
                expected,
            }),
        };
        setting("policy.threshold", self.policy.threshold, 1.0, "0 to 1")?;
        let semantic = self
            .cache
            .as_ref()
            .and_then(|cache| cache.semantic.as_ref());
        let distance = semantic.map_or(0.0, |semantic| semantic.max_distance);
        setting("cache.semantic.max_distance", distance, 2.0, "0 to 2")
    }
}

impl Default for RouteConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            cache: Some(CacheConfig::default()),
            in_parallel: false,
        }
    }
}
