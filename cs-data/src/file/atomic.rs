//! A file that appears whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

const BUFFER_BYTES: usize = 1 << 16;

/// The longest name that a temporary file's own has room for, of the 255 bytes of most file systems.
const MAX_NAME_BYTES: usize = 200;

/// A temporary file in the folder of its path, which gets its name once it is finished; dropped
/// before, it vanishes. What a crash leaves of `rows.txt` has a name such as `.rows.txt.tmpAbCdEf`.
///
/// ```
/// use std::io::Write;
///
/// use cs_data::file::AtomicFile;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("rows.txt");
/// std::fs::write(&path, "old")?;
///
/// let mut file = AtomicFile::create(&path)?;
/// file.write_all(b"new")?;
/// assert_eq!(std::fs::read(&path)?, b"old");
/// file.finish()?;
/// assert_eq!(std::fs::read(&path)?, b"new");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Starts a file that will stand at `path`, or, where that is a link to a file, at that file's
    /// path.
    ///
    /// # Errors
    ///
    /// A folder, device or pipe at `path`, which would be replaced, not written to; a folder that
    /// is missing or cannot be written in.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_with(path, 0o666)
    }

    /// Starts a file that its owner alone may read and write, on Unix; else as [`create`](Self::create).
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_private(path: &Path) -> Result<Self> {
        Self::create_with(path, 0o600)
    }

    fn create_with(path: &Path, mode: u32) -> Result<Self> {
        if let Some(found) = occupant(path) {
            let message = format!("{found}, expected a file or nothing");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let path = match path.is_symlink() && path.is_file() {
            true => path.canonicalize()?,
            false => path.to_owned(),
        };
        let prefix = prefix_of(&path);
        let file = builder(mode)
            .prefix(&prefix)
            .tempfile_in(folder_of(&path))?;
        Ok(Self {
            path,
            out: BufWriter::with_capacity(BUFFER_BYTES, file),
        })
    }

    /// Syncs the file and gives it its name, instead of what had it.
    ///
    /// # Errors
    ///
    /// A failure to write, sync or rename; what had the name before then stays as it was.
    pub fn finish(self) -> Result<()> {
        let file = self.out.into_inner()?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        sync(folder_of(&self.path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }
}

/// Writes an [`AtomicFile`] at `path`, with what `content` writes to it, buffered.
///
/// # Errors
///
/// The error of `content`, or of [`AtomicFile`]; a file that was there before stays as it was.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.json");
/// let fails = |_: &mut dyn std::io::Write| Err(std::io::Error::other("no"));
/// assert!(cs_data::file::write(&path, fails).is_err() && !path.exists());
///
/// cs_data::file::write(&path, |out| out.write_all(b"{}"))?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    content(&mut file)?;
    file.finish()
}

/// Writes a file at its own path and syncs it, for a folder that nobody reads yet: see
/// [`StagingFolder`](super::StagingFolder).
///
/// # Errors
///
/// A failure to create, write or sync the file, which may then be incomplete.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes what was written to a file, or renamed in a folder, outlast a crash of the machine.
/// Folders are left alone on other systems than Unix, which do not open them.
///
/// # Errors
///
/// A path that cannot be opened, or a failure to sync.
pub fn sync(path: &Path) -> Result<()> {
    match cfg!(unix) || path.is_file() {
        true => File::open(path)?.sync_all(),
        false => Ok(()),
    }
}

/// What stands at a path, other than a file, that a file must not replace.
pub(super) fn occupant(path: &Path) -> Option<&'static str> {
    let found = std::fs::metadata(path).ok()?;
    match () {
        () if found.is_file() => None,
        () if found.is_dir() => Some("a folder"),
        () => Some("a device or pipe"),
    }
}

/// The folder that a path is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// What the name of a temporary file begins with, by which it is known whose it was.
fn prefix_of(path: &Path) -> OsString {
    let name = path.file_name().filter(|it| it.len() <= MAX_NAME_BYTES);
    let mut prefix = OsString::from(".");
    if let Some(name) = name {
        prefix.push(name);
        prefix.push(".");
    }
    prefix.push("tmp");
    prefix
}

/// Makes temporary files and folders that get of `mode` what the umask leaves, as any new ones do;
/// by default they are private.
#[cfg_attr(not(unix), allow(unused_variables, reason = "modes are Unix's"))]
pub(super) fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    #[allow(unused_mut, reason = "modes are Unix's")]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder
}
