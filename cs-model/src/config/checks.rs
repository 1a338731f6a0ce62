//! Checks of single values of a configuration.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Checks that a size is from 1 to `most`.
pub(super) fn size(field: &str, found: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::field(field, found, format!("1 to {most}")))
}

/// Checks that a number divides that of another field.
pub(super) fn divides(field: &str, found: usize, of: &str, whole: usize) -> Result<()> {
    if found > 0 && whole.is_multiple_of(found) {
        return Ok(());
    }
    Err(Error::field(
        field,
        found,
        format!("a divisor of {of} {whole}"),
    ))
}

/// Checks that a rate is from 0 to 1.
pub(super) fn rate(field: &str, found: f64) -> Result<()> {
    if (0.0..=1.0).contains(&found) {
        return Ok(());
    }
    Err(Error::field(field, found, "0 to 1"))
}

/// Checks that a token is one of the vocabulary.
pub(super) fn token(field: &str, found: u32, vocab_size: usize) -> Result<()> {
    if (found as usize) < vocab_size {
        return Ok(());
    }
    Err(Error::field(
        field,
        found,
        format!("less than vocab_size {vocab_size}"),
    ))
}

/// Checks that a key which this crate does not use has, if it is there, the only value that this
/// crate can handle.
pub(super) fn only(
    extra: &Map<String, Value>,
    field: &str,
    accepted: impl Into<Value>,
) -> Result<()> {
    let accepted = accepted.into();
    match extra.get(field) {
        Some(found) if *found != accepted && !found.is_null() => {
            Err(Error::field(field, found, accepted.to_string()))
        }
        _ => Ok(()),
    }
}
