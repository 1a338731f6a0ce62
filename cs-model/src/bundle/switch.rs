//! From one bundle of a folder to the next, whatever happens on the way.
//!
//! A bundle's folder holds more than its bundle (recordings, checkpoints), and may be a mount
//! point: it cannot be exchanged as a whole. So the files of a new bundle are gathered in a hidden
//! folder inside, synced, and that folder becomes [`NEXT`] by one renaming. From then on it *is*
//! the bundle: readers look there first. What follows, moving the files to the bundle's folder,
//! `bundle.json` last, may stop anywhere, and is completed by whoever writes there next.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::manifest::MANIFEST;

/// The folder, inside a bundle's folder, of the newest bundle's files that were not moved out of it
/// yet. Its `bundle.json` is among them, or there is no such bundle.
const NEXT: &str = ".bundle-next";
/// The beginning of the name of folders in which a bundle is being gathered.
const STAGING: &str = ".bundle-";

/// Where the files of a folder's bundle are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// All files are in the folder itself.
    Home,
    /// The files are in [`NEXT`]; those that are not there are in the folder itself.
    Next,
}

impl Place {
    /// Finds where the files of the newest bundle in a folder are.
    pub(crate) fn of(dir: &Path) -> Self {
        match dir.join(NEXT).join(MANIFEST).exists() {
            true => Self::Next,
            false => Self::Home,
        }
    }

    /// Gives the path of a file of the bundle. A file may be moved from [`NEXT`] to the folder
    /// itself meanwhile, which an open handle survives, but never the other way round.
    pub(crate) fn path(self, dir: &Path, name: &str) -> PathBuf {
        let next = dir.join(NEXT).join(name);
        match self {
            Self::Next if next.exists() => next,
            _ => dir.join(name),
        }
    }
}

/// A folder in which a bundle is gathered. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: TempDir,
    /// A lock on the folder while this lives, so that nobody takes it for what a killed process
    /// left.
    _claim: Option<File>,
}

impl Staging {
    /// Makes a folder inside `dir`, which is there.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let _guard = lock(dir);
        let mut builder = tempfile::Builder::new();
        // A temporary folder is private by default; a model should be as readable as any new
        // folder.
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

    /// Makes the files gathered here, which are synced already and include `bundle.json`, the
    /// bundle of `dir`.
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

/// Moves the files of [`NEXT`] to the bundle's folder.
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

/// Runs an operation on files that may be the last before a crash: tests decide after which one a
/// crash comes.
pub(crate) fn step<T>(operation: impl FnOnce() -> Result<T>) -> Result<T> {
    #[cfg(test)]
    crash::count()?;
    operation()
}

/// A simulated crash, for the tests.
#[cfg(test)]
pub(crate) mod crash {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// From now on, this thread's operations fail after `operations` of them.
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
