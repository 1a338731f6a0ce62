//! What the service does for its customers.

#[cfg(feature = "actions")]
mod http;

#[cfg(feature = "actions")]
pub use http::{HttpActions, HttpActionsConfig};

use std::time::Duration;

use super::error::ActionError;
use crate::reply::Values;

/// A call of an action.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The action's name.
    pub action: &'a str,
    /// What tells this call from every other one, also of a session of the same name before: the same call has the
    /// same key when it is repeated, after a crash or an error, and is to be done once.
    pub key: &'a str,
    /// The session.
    pub session: &'a str,
    /// The values of the flow's slots. They are what a customer said.
    pub slots: &'a Values,
}

/// What the service does for its customers: finds an order, makes a refund. A function is one.
pub trait Actions: Send + Sync {
    /// Does it, and gives values that the flow may keep. Takes as long as a customer waits: a limit is the
    /// implementation's to keep.
    ///
    /// # Errors
    /// [`ActionError`] if it was not done, or may not have been.
    fn call(&self, call: &Call<'_>) -> Result<Values, ActionError>;

    /// The longest that a call takes. As long after one began that has no outcome, its turn is in progress with
    /// another replica; then that has ended too early, and the call is made again. Zero by default, which is right
    /// where one process has all sessions.
    fn time_limit(&self) -> Duration {
        Duration::ZERO
    }
}

impl<F> Actions for F
where
    F: Fn(&Call<'_>) -> Result<Values, ActionError> + Send + Sync,
{
    fn call(&self, call: &Call<'_>) -> Result<Values, ActionError> {
        self(call)
    }
}

/// A service that does nothing: each action fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoActions;

impl Actions for NoActions {
    fn call(&self, call: &Call<'_>) -> Result<Values, ActionError> {
        Err(ActionError::Failed {
            problem: format!("{}: the service has no actions", call.action),
        })
    }
}
