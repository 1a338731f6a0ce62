//! Personal data in texts: found, and masked by tags that tell nothing.
//!
//! - [`find`] gives what a text has of each [`Kind`]; numbers in whatever way they are written or said, as
//!   一三八，零零一三，八零零零 and "one three eight".
//! - [`Masker`] puts `<KIND:tag>` in its place. A tag is the same for the same value in one conversation, and
//!   another one in every other; only who has the [`Keys`] could try values against it.
//! - [`Masked`] is what it makes and nobody else can, so that what takes that alone, as a log does, cannot be
//!   given a text that was not masked.
//! - [`Vault`] keeps the values themselves, for who has a third key.
//!
//! What has a check digit is told by it, what has none by its form and by the words around it. No rule finds
//! all names and addresses: those that a model finds can be given to [`Masker::text_with`].
//!
//! ```
//! use cs_serve::safety::personal::{Keys, Kind, Masker, find};
//!
//! let text = "我的手机是一三八，零零一三，八零零零，订单号13800138000。";
//! let kinds: Vec<Kind> = find(text).iter().map(|it| it.kind).collect();
//! assert_eq!(kinds, [Kind::Mobile, Kind::Order]);
//!
//! let masker = Masker::new(Keys::random()?);
//! let masked = masker.text("conversation 7", text).masked;
//! assert!(masked.get().starts_with("我的手机是<MOBILE:"));
//! assert_eq!(masker.text("conversation 7", masked.get()).masked, masked);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clues;
mod error;
mod found;
mod keys;
mod kind;
mod masked;
mod masker;
mod numbers;
mod placeholder;
mod recognizers;
mod tag;
mod vault;
mod view;

pub use error::{KeyError, VaultError};
pub use found::{Found, find};
pub use keys::Keys;
pub use kind::Kind;
pub use masked::Masked;
pub use masker::{Mask, MaskedText, Masker, Masking};
pub use vault::Vault;
