//! Regular expressions, compiled once.

use std::sync::LazyLock;

use regex::Regex;

pub(super) type Pattern = LazyLock<Regex>;

/// Compiles a pattern of this crate's own.
pub(super) fn pattern(text: &str) -> Regex {
    #[allow(clippy::expect_used, reason = "a constant, which every test compiles")]
    Regex::new(text).expect("a pattern that is none")
}
