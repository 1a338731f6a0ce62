//! From one bundle of a folder to the next, whatever happens on the way.
//!
//! A bundle's folder holds more than its bundle (recordings, checkpoints), and may be a mount point:
//! it cannot be exchanged as a whole. So the files of a new bundle are gathered in a hidden folder
//! inside, synced, and that folder becomes [`NEXT`] by one renaming. From then on it *is* the bundle:
//! readers look there first. What follows, moving the files to their places, `bundle.json` last, may
//! stop anywhere, and is completed by whoever writes there next.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::manifest::MANIFEST;

/// Inside a bundle's folder: the files of the newest bundle that are not in their places yet. Its
/// `bundle.json` is among them, or there is no such bundle.
const NEXT: &str = ".bundle-next";
/// Of folders in which a bundle is being gathered.
const STAGING: &str = ".bundle-";

/// Which of the files in a folder are its bundle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Those in the folder itself.
    Home,
    /// Those in [`NEXT`], and in the folder itself what is not there.
    Next,
}

impl Place {
    /// Of the newest bundle in a folder.
    pub(crate) fn of(dir: &Path) -> Self {
        match dir.join(NEXT).join(MANIFEST).exists() {
            true => Self::Next,
            false => Self::Home,
        }
    }

    /// Where a file of the bundle is. A file may be moved from [`NEXT`] to its place meanwhile, which
    /// an open handle survives, but not the other way round.
    pub(crate) fn path(self, dir: &Path, name: &str) -> PathBuf {
        let next = dir.join(NEXT).join(name);
        match self {
            Self::Next if next.exists() => next,
            _ => dir.join(name),
        }
    }
}

/// A folder in which a bundle is gathered. Dropped, it vanishes.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: TempDir,
    /// Locked while this lives, so that nobody takes it for what a killed process left.
    _claim: Option<File>,
}

impl Staging {
    /// Inside `dir`, which is there.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let _guard = lock(dir);
        let mut builder = tempfile::Builder::new();
        // A temporary folder is private by default; a model should be as readable as any new folder.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let folder = builder.prefix(STAGING).tempdir_in(dir)?;
        Ok(Self {
            _claim: lock(folder.path()),
            folder,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes its files, synced already, `bundle.json` among them, the bundle of `dir`.
    pub(crate) fn publish(self, dir: &Path) -> Result<()> {
        sync(self.path())?;
        let _guard = lock(dir);
        complete(dir)?;
        rename(self.path(), &dir.join(NEXT))?;
        let _ = self.folder.keep();
        sync(dir)?;
        complete(dir)?;
        sweep(dir)
    }
}

/// Moves what is in [`NEXT`] to its place.
fn complete(dir: &Path) -> Result<()> {
    let next = dir.join(NEXT);
    if next.join(MANIFEST).exists() {
        for entry in std::fs::read_dir(&next)? {
            let entry = entry?;
            if entry.file_name() != MANIFEST {
                rename(&entry.path(), &dir.join(entry.file_name()))?;
            }
        }
        sync(dir)?;
        rename(&next.join(MANIFEST), &dir.join(MANIFEST))?;
        sync(dir)?;
    }
    match step(|| std::fs::remove_dir(&next)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Removes the folders of writers that were killed.
fn sweep(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let staging = name.to_str().is_some_and(|name| name.starts_with(STAGING));
        let dead = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if staging && entry.file_type()?.is_dir() && dead() {
            step(|| std::fs::remove_dir_all(entry.path()))?;
        }
    }
    Ok(())
}

/// Holds off other writers of a folder until it is dropped; `None` where folders cannot be locked
/// (other systems than Unix, some network file systems).
fn lock(dir: &Path) -> Option<File> {
    let folder = File::open(dir).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    step(|| std::fs::rename(from, to))
}

/// Makes what was written to a file, or renamed in a folder, outlast a crash of the machine.
pub(crate) fn sync(path: &Path) -> Result<()> {
    step(|| cs_data::file::sync(path))
}

/// An operation on files that may be the last before a crash: a test says which.
pub(crate) fn step<T>(operation: impl FnOnce() -> Result<T>) -> Result<T> {
    #[cfg(test)]
    crash::count()?;
    operation()
}

/// A crash, for the tests.
#[cfg(test)]
pub(crate) mod crash {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// From now on, this thread's operations fail after so many.
    pub(crate) fn after(operations: usize) {
        LEFT.set(operations);
    }

    pub(super) fn count() -> std::io::Result<()> {
        match LEFT.get() {
            0 => Err(std::io::Error::other("crashed")),
            usize::MAX => Ok(()),
            left => {
                LEFT.set(left - 1);
                Ok(())
            }
        }
    }
}
