//! What the service does for its customers.

#[cfg(feature = "actions")]
mod http;

#[cfg(feature = "actions")]
pub use http::{HttpActions, HttpActionsConfig};

use super::error::ActionError;
use crate::reply::Values;

/// A call of an action.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The action's name.
    pub action: &'a str,
    /// What tells this call from every other one: the same call has the same key when it is repeated after a
    /// crash, and is to be done once.
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
