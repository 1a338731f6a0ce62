//! Words of lists, found in texts however they are disguised.
//!
//! - [`WordList`] is what is looked for: words with their category, [`Severity`](super::Severity) and [`Action`](super::Action).
//! - [`Filter`] finds them: [`Filter::filter`] tells each [`Hit`] with the [`Trick`] that disguises it.
//! - [`Stream`] filters a text that comes in pieces; [`CurrentFilter`] has the next version of a list take its place.

mod alphabet;
mod current;
mod expressions;
mod filter;
mod found;
mod index;
mod list;
mod matching;
mod patterns;
mod plausible;
mod relation;
mod settled;
mod splits;
mod stream;
mod tables;
mod trick;
mod view;

pub use current::CurrentFilter;
pub use filter::{Filter, FilterConfig, Filtered, Hit};
pub use list::WordList;
pub use stream::Stream;
pub use trick::{Trick, Tricks};
