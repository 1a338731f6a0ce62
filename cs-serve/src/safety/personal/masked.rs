//! What was masked.

use serde::Serialize;

/// Something whose texts were masked. Only a [`Masker`](super::Masker) makes it:
///
/// ```compile_fail,E0423
/// use cs_serve::safety::personal::Masked;
///
/// let unmasked = Masked(String::from("13800138000"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Masked<T>(T);

impl<T> Masked<T> {
    pub(super) fn new(masked: T) -> Self {
        Self(masked)
    }

    /// Gives what was masked.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Gives what was masked, which may then be changed.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}
