//! Whatever continues conversations.

use cs_model::generate::Conversations;
use cs_quant::NativeConversations;

/// A backend that continues conversations, which come and go between its forwards. Which tokens come
/// and what is kept is decided above it, so an implementation is a model's
/// [`Conversations`], and a name. [`ScriptedGeneration`](crate::ScriptedGeneration) takes the part of
/// a model in tests.
pub trait GenerationBackend: Conversations + Send {
    /// A short name, for logs and errors.
    fn name(&self) -> &str;
}

impl GenerationBackend for NativeConversations {
    fn name(&self) -> &str {
        "native"
    }
}
