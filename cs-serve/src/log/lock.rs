//! One writer, and one who tidies, a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::LogError;

/// Who may hold a folder, each beside the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder {
    Writer,
    #[cfg(feature = "parquet")]
    Keeper,
}

/// Takes a folder until the file is dropped, or the process ends; `None` if another one has it.
pub(super) fn try_take(folder: &Path, holder: Holder) -> Result<Option<File>, LogError> {
    let path = folder.join(match holder {
        Holder::Writer => "writer.lock",
        #[cfg(feature = "parquet")]
        Holder::Keeper => "keeper.lock",
    });
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(LogError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(LogError::io(&path)(error)),
    }
}

/// Takes a folder, or fails.
pub(super) fn take(folder: &Path, holder: Holder) -> Result<File, LogError> {
    let taken = || LogError::Taken {
        path: folder.to_owned(),
        what: match holder {
            Holder::Writer => "writes this log",
            #[cfg(feature = "parquet")]
            Holder::Keeper => "reads or tidies this log",
        },
    };
    try_take(folder, holder)?.ok_or_else(taken)
}
