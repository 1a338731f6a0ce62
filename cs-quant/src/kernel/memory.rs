//! Memory that may be refused: a request too large for the machine is an error, not an abort.

use crate::error::{Error, Result};

/// Makes a buffer at least `len` long. Nothing may rely on what it held before.
///
/// # Errors
///
/// [`Error::Memory`] if the system does not have that much.
pub(crate) fn grow<T: Clone + Default>(buffer: &mut Vec<T>, len: usize) -> Result<()> {
    let Some(more) = len.checked_sub(buffer.len()) else {
        return Ok(());
    };
    reserve(buffer, more)?;
    buffer.resize(len, T::default());
    Ok(())
}

/// Copies a buffer.
///
/// # Errors
///
/// [`Error::Memory`] if the system does not have that much.
pub(crate) fn copy<T: Copy>(buffer: &[T]) -> Result<Vec<T>> {
    let mut own = Vec::new();
    reserve(&mut own, buffer.len())?;
    own.extend_from_slice(buffer);
    Ok(own)
}

fn reserve<T>(buffer: &mut Vec<T>, more: usize) -> Result<()> {
    let len = buffer.len().saturating_add(more);
    let refused = |_| Error::Memory {
        bytes: len.saturating_mul(size_of::<T>()),
    };
    buffer.try_reserve_exact(more).map_err(refused)
}
