//! Files that appear whole or not at all.

use std::fs::{File, Permissions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, Result};

/// A temporary file beside `path`, which gets its name at the end; dropped before, it vanishes.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl Draft {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let path = &target(path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Error::File {
                path: path.into(),
                found: format!("no folder {}", folder.display()),
                expected: "a folder to write in".into(),
            });
        }
        let mut builder = tempfile::Builder::new();
        if let Some(permissions) = as_others() {
            builder.permissions(permissions);
        }
        let file = builder
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(failed(path))?;
        Ok(Draft {
            path: path.into(),
            out: BufWriter::with_capacity(1 << 16, file),
        })
    }

    /// Appends text.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.out
            .write_all(text.as_bytes())
            .map_err(failed(&self.path))
    }

    /// Syncs the file and gives it its name, in place of what had it.
    pub(crate) fn finish(self) -> Result<()> {
        let path = self.path;
        let file = self
            .out
            .into_inner()
            .map_err(|error| failed(&path)(error.into_error()))?;
        file.as_file().sync_all().map_err(failed(&path))?;
        file.persist(&path)
            .map_err(|error| failed(&path)(error.error))?;
        sync_folder_of(&path)
    }
}

/// Makes a new name in a folder outlast a crash of the machine. Only Unix opens folders.
fn sync_folder_of(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed(folder))?;
    }
    Ok(())
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Where a file at `path` goes: behind a link to a file, that file. A device or pipe would be
/// replaced, not written to, and so is refused.
fn target(path: &Path) -> Result<PathBuf> {
    let found = match std::fs::metadata(path) {
        Ok(at) if at.is_file() && path.is_symlink() => {
            return path.canonicalize().map_err(failed(path));
        }
        Ok(at) if at.is_dir() => "a folder",
        Ok(at) if !at.is_file() => "a device or pipe",
        _ => return Ok(path.into()),
    };
    Err(Error::File {
        path: path.into(),
        found: found.into(),
        expected: "a file or nothing".into(),
    })
}

/// Makes an [`Error::Io`] about `path`.
pub(crate) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io {
        path: path.into(),
        source,
    }
}

/// Writes a temporary file beside `path`, syncs it and renames it.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let mut draft = Draft::create(path)?;
    content(&mut draft).map_err(failed(path))?;
    draft.finish()
}

/// Temporary files are private by default; a result gets what the umask leaves of this.
#[cfg(unix)]
fn as_others() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn as_others() -> Option<Permissions> {
    None
}

/// A temporary folder beside `path`, which gets its name at the end; dropped before, it vanishes.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    draft: TempDir,
}

impl Folder {
    /// Refuses a `path` at which something other than an empty folder is.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let is_empty = |mut entries: std::fs::ReadDir| entries.next().is_none();
        if path.exists() && !std::fs::read_dir(path).is_ok_and(is_empty) {
            return Err(Error::File {
                path: path.into(),
                found: "something that is there already".into(),
                expected: "no folder of that name, or an empty one".into(),
            });
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        if let Some(permissions) = folder_as_others() {
            builder.permissions(permissions);
        }
        let draft = builder
            .tempdir_in(parent.unwrap_or(Path::new(".")))
            .map_err(failed(path))?;
        Ok(Folder {
            path: path.into(),
            draft,
        })
    }

    /// Where its files go meanwhile.
    pub(crate) fn path(&self) -> &Path {
        self.draft.path()
    }

    pub(crate) fn finish(self) -> Result<()> {
        // Renaming leaves nothing behind that dropping could delete.
        std::fs::rename(self.draft.path(), &self.path).map_err(failed(&self.path))?;
        sync_folder_of(&self.path)
    }
}

#[cfg(unix)]
fn folder_as_others() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o777))
}

#[cfg(not(unix))]
fn folder_as_others() -> Option<Permissions> {
    None
}
