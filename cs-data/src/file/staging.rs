//! A folder that appears whole or not at all.

use std::io::Result;
use std::path::Path;

use tempfile::TempDir;

use super::atomic::{builder, folder_of, sync};

/// A temporary folder in which files are gathered, until one renaming makes it, or what is in it,
/// visible; dropped before, it vanishes.
///
/// ```
/// use cs_data::file::{StagingFolder, write_synced};
///
/// let home = tempfile::tempdir()?;
/// let staging = StagingFolder::create(home.path(), ".step-")?;
/// write_synced(&staging.path().join("state.json"), b"{}")?;
/// staging.rename_to(&home.path().join("step-1"))?;
/// assert_eq!(std::fs::read(home.path().join("step-1/state.json"))?, b"{}");
/// assert_eq!(std::fs::read_dir(home.path())?.count(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct StagingFolder(TempDir);

impl StagingFolder {
    /// Makes a folder inside `parent`, under a name of `prefix` and random characters, by which the
    /// next writer may find and remove what a killed process left.
    ///
    /// # Errors
    ///
    /// A `parent` that is missing or cannot be written in.
    pub fn create(parent: &Path, prefix: &str) -> Result<Self> {
        builder(0o777).prefix(prefix).tempdir_in(parent).map(Self)
    }

    /// Path of the folder until it is renamed.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Syncs the folder, gives it the name `path`, instead of an empty folder at most, and syncs
    /// the folder that `path` is in. The caller has to sync its files.
    ///
    /// # Errors
    ///
    /// A failure to sync or rename; a folder that was not renamed is removed.
    pub fn rename_to(self, path: &Path) -> Result<()> {
        sync(self.path())?;
        std::fs::rename(self.path(), path)?;
        // There is nothing left for a drop to remove.
        let _ = self.0.keep();
        sync(folder_of(path))
    }

    /// Removes the folder and what is in it.
    ///
    /// # Errors
    ///
    /// What the operating system refuses to remove.
    pub fn remove(self) -> Result<()> {
        self.0.close()
    }
}
