//! How a light and a full model are made one, as plain data.

use serde::{Deserialize, Serialize};

use super::cache::CacheConfig;
use super::policy::Policy;

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

impl Default for RouteConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            cache: Some(CacheConfig::default()),
            in_parallel: false,
        }
    }
}
