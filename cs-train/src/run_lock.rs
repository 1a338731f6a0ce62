//! [`RunLock`]: one run a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Holds a folder for a process that writes there, by a lock on its file `run.lock`, which has the
/// process's id. The system lets go of the lock when the process ends, however it ends, so that a
/// file that was left behind keeps nobody out. Dropped, the file goes too, and so do the folders
/// that were made for it and are still empty.
///
/// ```
/// use cs_train::RunLock;
/// # let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let lock = RunLock::take(&folder)?;
/// let refusal = RunLock::take(&folder).unwrap_err().to_string();
/// assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
/// drop(lock);
/// assert!(!folder.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    /// Folders that were made, the innermost first.
    made: Vec<PathBuf>,
    file: File,
}

impl RunLock {
    /// The name of the file in the folder.
    pub const FILE: &'static str = "run.lock";

    /// Takes a folder, which is made if need be.
    ///
    /// # Errors
    ///
    /// [`Error::Taken`] if another process, or another lock of this one, has it; [`Error::Io`] if
    /// the folder or the file cannot be made.
    pub fn take(folder: &Path) -> Result<Self> {
        let made = missing(folder);
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let path = folder.join(Self::FILE);
        loop {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true);
            let mut file = match options.truncate(false).open(&path) {
                // Its folder has just gone with the lock before this one.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
                    continue;
                }
                opened => opened.map_err(Error::io(&path))?,
            };
            match file.try_lock() {
                Ok(()) if !is_at(&file, &path) => continue, // it was removed meanwhile
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Taken {
                        path: folder.to_owned(),
                        process: process(&mut file),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    let file = path.display();
                    tracing::warn!(%file, %error, "nothing keeps a second run out of this folder");
                }
            }
            let written = file
                .set_len(0)
                .and_then(|()| writeln!(file, "{}", std::process::id()));
            written.map_err(Error::io(&path))?;
            return Ok(Self { path, made, file });
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Elsewhere an open file cannot be removed. Whatever stays does no harm.
        if cfg!(unix) && is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
        for folder in &self.made {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// A folder and those around it that are not there yet, the innermost first.
fn missing(folder: &Path) -> Vec<PathBuf> {
    let all = folder
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty());
    all.take_while(|path| !path.exists())
        .map(Path::to_owned)
        .collect()
}

fn process(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Whether a path still leads to an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(found)) => (open.dev(), open.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_runs_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let lock = RunLock::take(&folder).unwrap();
        let text = std::fs::read_to_string(folder.join(RunLock::FILE)).unwrap();
        assert_eq!(text.trim(), std::process::id().to_string());
        let error = RunLock::take(&folder).unwrap_err().to_string();
        let expected = format!("process {} is writing here", std::process::id());
        assert!(error.contains(&expected), "{error}");
        RunLock::take(&dir.path().join("a/c")).unwrap();
        std::fs::write(folder.join("result"), "x").unwrap();
        drop(lock);
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn what_a_dead_process_left_keeps_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(RunLock::FILE);
        for left in ["4194304999\n", "", "no number", "\u{fffd}\u{0}"] {
            std::fs::write(&file, left).unwrap();
            let lock = RunLock::take(dir.path()).unwrap();
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(text.trim(), std::process::id().to_string());
            drop(lock);
            assert!(!file.exists());
        }
    }

    #[test]
    fn of_many_at_once_one_gets_it_at_any_time() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out");
        let holders = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        if let Ok(_lock) = RunLock::take(&folder) {
                            let before = holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            assert_eq!(before, 0);
                            holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        }
                    }
                });
            }
        });
    }
}
