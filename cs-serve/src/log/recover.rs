//! What a crash has left of a log.

use std::convert::Infallible;
use std::path::Path;

use cs_data::file::{FrameError, FrameKind, Frames, Torn};

use super::error::LogError;
use super::name::{Form, Name};

/// What a file of rows is.
pub(super) const KIND: FrameKind = FrameKind {
    magic: *b"cs-log\r\n",
    version: 2, // which has comparisons
};

/// Cuts the torn end off the last file of rows; those before it were synced before the next one was begun. A damaged file
/// is [`LogError::Frames`], and left as it is.
pub(super) fn recover(folder: &Path, names: &[Name]) -> Result<(), LogError> {
    let rows = names.iter().filter(|it| it.form == Form::Rows);
    let Some(last) = rows.max_by_key(|it| it.number) else {
        return Ok(());
    };
    let path = folder.join(last.file());
    let pass = |_, _: &[u8]| Ok::<(), Infallible>(());
    let cut = match Frames::read(&path, KIND, pass) {
        Ok(None) => return Ok(()),
        Ok(Some(_)) => Frames::open(&path, KIND, pass).map(|(_, torn)| torn),
        Err(error) => Err(error),
    };
    match cut {
        Ok(torn) => {
            let bytes = torn.map_or(0, |Torn { bytes, .. }| bytes);
            tracing::warn!(file = %path.display(), bytes, "a crash has torn the end of the log, which was cut off");
            Ok(())
        }
        Err(FrameError::Io { path, source }) => Err(LogError::Io { path, source }),
        Err(error) => Err(error.into()),
    }
}
