//! What a caller may say about a request.

use std::sync::Arc;
use std::time::Duration;

/// How a request is treated beside others.
///
/// ```
/// use cs_serve::engine::{Options, Priority};
/// use std::time::Duration;
///
/// let options = Options {
///     caller: Some("shop 7".into()),
///     priority: Priority::High,
///     deadline: Some(Duration::from_millis(300)),
/// };
/// assert!(options.priority < Options::default().priority); // goes first
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Who asks. Callers take turns by tokens, and one alone fills at most half of the queue. `None`:
    /// one of those who did not say, who are one caller together, and may fill it all.
    pub caller: Option<Arc<str>>,
    /// Before whom.
    pub priority: Priority,
    /// How long from now the answer is of use. `None`: as long as the engine's
    /// [`deadline`](crate::engine::EngineConfig::deadline) says.
    pub deadline: Option<Duration>,
}

/// How urgent a request is. While all three wait, they get 16 : 4 : 1 of the tokens computed; so none
/// starves, and a request of a priority that was not asked for lately goes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A customer waits for it.
    High,
    /// Any other.
    #[default]
    Normal,
    /// Nobody waits: a backlog to be worked off.
    Low,
}

impl Priority {
    /// The most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// What a token costs: the inverse of the share.
    pub(super) fn price(self) -> u64 {
        match self {
            Self::High => 1,
            Self::Normal => 4,
            Self::Low => 16,
        }
    }
}
