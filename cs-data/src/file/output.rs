//! What a writer of rows writes to: an atomic file or folder whose errors say its path.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::atomic;
use super::atomic::{AtomicFile, folder_of};
use super::staging::StagingFolder;

/// A file that gets its name at the end; dropped before, it vanishes.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: AtomicFile,
}

impl Output {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if let Some(found) = atomic::occupant(path) {
            return Err(Error::file(path, found, "a file or nothing"));
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            let found = format!("no folder {}", folder.display());
            return Err(Error::file(path, found, "a folder to write in"));
        }
        Ok(Self {
            path: path.into(),
            file: AtomicFile::create(path).map_err(failed(path))?,
        })
    }

    /// Appends text.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.file
            .write_all(text.as_bytes())
            .map_err(failed(&self.path))
    }

    /// Syncs the file and gives it its name, instead of what had it.
    pub(crate) fn finish(self) -> Result<()> {
        self.file.finish().map_err(failed(&self.path))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file as an [`Output`].
pub(crate) fn write_output(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let mut output = Output::create(path)?;
    content(&mut output).map_err(failed(path))?;
    output.finish()
}

/// A folder beside `path`, which gets its name at the end; dropped before, it vanishes.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    staging: StagingFolder,
}

impl OutputFolder {
    /// Refuses a `path` at which something other than an empty folder is.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let entries = std::fs::read_dir(path);
        if path.exists() && !entries.is_ok_and(|mut entries| entries.next().is_none()) {
            return Err(Error::file(
                path,
                "something that is there already",
                "no folder of that name, or an empty one",
            ));
        }
        Ok(Self {
            path: path.into(),
            staging: StagingFolder::create(folder_of(path), ".tmp").map_err(failed(path))?,
        })
    }

    /// The path where the folder's files go meanwhile.
    pub(crate) fn path(&self) -> &Path {
        self.staging.path()
    }

    /// Gives the folder its name.
    pub(crate) fn finish(self) -> Result<()> {
        self.staging
            .rename_to(&self.path)
            .map_err(failed(&self.path))
    }
}

/// Makes an [`Error::Io`] about `path`.
pub(crate) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io {
        path: path.into(),
        source,
    }
}
