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

/// What has texts that can be masked, as a row of a log has.
///
/// ```
/// use cs_serve::safety::personal::{Keys, Mask, Masker};
///
/// struct Row {
///     turn: u32,
///     text: String,
/// }
///
/// impl Mask for Row {
///     fn mask(self, mask: &mut dyn FnMut(String) -> String) -> Self {
///         Self { text: self.text.mask(mask), ..self }
///     }
/// }
///
/// let row = Row { turn: 3, text: "a@b.example".to_owned() };
/// let masked = Masker::new(Keys::random()?).mask("conversation 7", row);
/// assert_eq!(masked.get().turn, 3);
/// assert!(masked.get().text.starts_with("<EMAIL:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Mask {
    /// Gives the same with each of its texts put through `mask`.
    #[must_use]
    fn mask(self, mask: &mut dyn FnMut(String) -> String) -> Self;
}

impl Mask for String {
    fn mask(self, mask: &mut dyn FnMut(String) -> String) -> Self {
        mask(self)
    }
}

impl<T: Mask> Mask for Option<T> {
    fn mask(self, mask: &mut dyn FnMut(String) -> String) -> Self {
        self.map(|it| it.mask(mask))
    }
}

impl<T: Mask> Mask for Vec<T> {
    fn mask(self, mask: &mut dyn FnMut(String) -> String) -> Self {
        self.into_iter().map(|it| it.mask(mask)).collect()
    }
}
