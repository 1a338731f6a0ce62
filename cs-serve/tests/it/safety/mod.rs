//! What may not be said, and what may not be kept.

mod meaning;
mod personal;
mod vault;
mod words;
