//! What a caller may choose about a request.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a request is treated beside others: for whom, how urgently and until when.
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
    /// The name of the caller. Callers take turns by tokens, and one with a name alone fills at
    /// most half of the queue. `None`: the request is of all those without a name, who are one
    /// caller together, and may fill it all.
    pub caller: Option<Arc<str>>,
    /// How urgent the request is.
    pub priority: Priority,
    /// How long from now the answer is of use. `None`: as long as the engine's
    /// [`deadline`](crate::engine::EngineConfig::deadline).
    pub deadline: Option<Duration>,
}

/// How urgent a request is. While requests of all three priorities wait, they get 16 : 4 : 1 of the
/// tokens computed. So none starves, and a request of a priority that was not asked for lately goes
/// next.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A customer waits for the answer.
    High,
    /// Any other request. This is the default.
    #[default]
    Normal,
    /// Nobody waits for the answer: it is part of a backlog to be worked off.
    Low,
}

impl Priority {
    /// All priorities, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The price of a token: the inverse of the share.
    pub(super) fn price(self) -> u64 {
        match self {
            Self::High => 1,
            Self::Normal => 4,
            Self::Low => 16,
        }
    }
}
