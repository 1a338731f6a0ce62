//! A log that is damaged.

use std::fs;
use std::path::Path;

use cs_data::file::Frames;
use serde::Serialize;

use super::{LogFolder, closed};
use crate::log::error::LogError;
use crate::log::lock::{self, Holder};
use crate::log::name::Form;
use crate::log::recover::KIND;

/// What a salvage has made of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SalvagedRows {
    /// The files that were damaged, and have been written anew.
    pub files: u64,
    /// The turns, ratings and comparisons that are in these now.
    pub rows: u64,
    /// The bytes of them that were no whole row, which are lost.
    pub lost_bytes: u64,
}

impl LogFolder {
    /// Takes what is damaged, as by a bad sector or a page that a crash has kept from the disk, out of a folder's files of
    /// rows, so that what is whole can be read, turned into Parquet and deleted again. It comes before [`open`](Self::open),
    /// which goes on with a deletion and for that reads all files. Parquet stays as it is: of a file that is named as
    /// unreadable, a copy has to be put in its place, or it has to be removed.
    ///
    /// # Errors
    /// [`LogError::Taken`] if another process has the folder; a file that is not one of rows at all; a failure to read or
    /// write.
    pub fn salvage(path: &Path) -> Result<SalvagedRows, LogError> {
        // Before the lock, which would make a file in it.
        fs::read_dir(path).map_err(LogError::io(path))?;
        let _lock = lock::take(path, Holder::Keeper)?;
        let mut salvaged = SalvagedRows::default();
        let names = closed(path)?.into_iter();
        for name in names.filter(|it| it.form == Form::Rows) {
            let file = Frames::salvage(&path.join(name.file()), KIND)?;
            if file.lost_bytes > 0 {
                salvaged.files += 1;
                salvaged.rows += file.frames;
                salvaged.lost_bytes += file.lost_bytes;
            }
        }
        Ok(salvaged)
    }
}
