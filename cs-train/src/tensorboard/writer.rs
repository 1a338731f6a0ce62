//! [`EventWriter`]: one event file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use prost::Message;

use super::hparams::{self, HParams};
use super::proto::{self, SESSION_START, What};
use super::record::{self, now};
use super::summary::Summary;
use crate::error::{Error, Result};

/// The beginning of an event file's name.
const PREFIX: &str = "events.out.tfevents.";
/// Bytes held back before they go to the file.
const HELD_BYTES: usize = 64 << 10;
/// Time for which they are held back, looked at when something is written.
const HELD_TIME: Duration = Duration::from_secs(5);

/// Writes an event file that TensorBoard reads, in plain Rust.
///
/// A folder is a run, and one writer at a time writes to it. Records go to the file when 64 KiB
/// have gathered or five seconds have passed, to the disk at [`EventWriter::flush`] and when the
/// writer is dropped. What a killed run leaves is readable up to the last whole record.
///
/// After a failed write the file still ends with a whole record, and the records that were held
/// back are lost.
///
/// ```
/// use cs_train::tensorboard::{EventWriter, Summary};
///
/// let folder = tempfile::tempdir()?;
/// let mut events = EventWriter::create(folder.path())?;
/// for step in 1..=3 {
///     events.write(step, Summary::new().scalar("train/loss", 1.0 / step as f64))?;
/// }
/// events.flush()?;
/// assert!(events.path().metadata()?.len() > 3 * 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: File,
    /// Bytes of whole records in the file.
    written: u64,
    held: Vec<u8>,
    since: Instant,
}

impl EventWriter {
    /// Begins a file in `folder`, which is made if need be.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or the file cannot be made or written.
    pub fn create(folder: &Path) -> Result<Self> {
        Self::begin(folder, 0)
    }

    /// Begins another file in the folder of a run that goes on with `step`: what earlier files
    /// say of this step and of later ones, TensorBoard forgets.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or the file cannot be made or written.
    pub fn resume(folder: &Path, step: u64) -> Result<Self> {
        Self::begin(folder, step)
    }

    fn begin(folder: &Path, step: u64) -> Result<Self> {
        let (path, file) = new_file(folder)?;
        let mut writer = Self {
            path,
            file,
            written: 0,
            held: Vec::new(),
            since: Instant::now(),
        };
        writer.hold(0, What::FileVersion("brain.Event:2".to_owned()));
        // TensorBoard takes only the second one in a folder, and those after it, for a restart that
        // makes it forget this step and later ones: so the first file needs one as well.
        let status = SESSION_START;
        writer.hold(step, What::SessionLog(proto::SessionLog { status }));
        writer.flush()?;
        Ok(writer)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records `summary` for `step`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub fn write(&mut self, step: u64, summary: Summary) -> Result<()> {
        self.hold(step, What::Summary(summary.into_proto()));
        if self.held.len() < HELD_BYTES && self.since.elapsed() < HELD_TIME {
            return Ok(());
        }
        self.write_held()
    }

    /// Records the run's settings, and that it began when `hparams` were made.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub fn hparams(&mut self, hparams: &HParams) -> Result<()> {
        self.write(0, hparams.experiment())?;
        self.write(0, hparams.session_start())
    }

    /// Records that the run whose [`EventWriter::hparams`] were written has ended, well or not.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub fn end(&mut self, success: bool) -> Result<()> {
        self.write(0, hparams::session_end(success, now()))
    }

    /// Returns when everything recorded so far is on the disk. Some milliseconds.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.write_held()?;
        self.file
            .sync_data()
            .map_err(|source| io(&self.path, source))
    }

    fn hold(&mut self, step: u64, what: What) {
        let event = proto::Event {
            wall_time: now(),
            step: i64::try_from(step).unwrap_or(i64::MAX),
            what: Some(what),
        };
        record::append(&mut self.held, &event.encode_to_vec());
    }

    fn write_held(&mut self) -> Result<()> {
        self.since = Instant::now();
        let result = self.file.write_all(&self.held);
        let length = self.held.len() as u64;
        self.held.clear();
        match result {
            Ok(()) => {
                self.written += length;
                Ok(())
            }
            Err(source) => {
                // A reader stops at a torn record: later ones would never be seen.
                if let Err(error) = self.file.set_len(self.written) {
                    tracing::warn!(path = %self.path.display(), %error, "a torn record stays");
                }
                Err(io(&self.path, source))
            }
        }
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "the last TensorBoard events are lost");
        }
    }
}

/// The event files in `folder`, in the order in which TensorBoard reads them; none if there is
/// no such folder.
pub(super) fn event_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(io(folder, source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| io(folder, source))?.path();
        if seconds_of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The time in an event file's name, in seconds since 1970.
pub(super) fn seconds_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    let (seconds, _) = name.split_once('.')?;
    (seconds.len() == 10).then(|| seconds.parse().ok())?
}

pub(super) fn create_dir(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| io(folder, source))
}

/// Moves `file` into `folder`.
#[cfg(feature = "torch")]
pub(super) fn move_file(file: &Path, folder: &Path) -> Result<()> {
    let target = folder.join(file.file_name().unwrap_or_default());
    std::fs::rename(file, target).map_err(|source| io(file, source))
}

/// A new file whose name sorts after those that are there, in whose order they are read.
fn new_file(folder: &Path) -> Result<(PathBuf, File)> {
    create_dir(folder)?;
    let last = event_files(folder)?
        .iter()
        .filter_map(|path| seconds_of(path))
        .max();
    let seconds = last.map_or(0, |last| last + 1).max(now() as u64);
    let name = format!("{PREFIX}{seconds:010}.{}.{}.0", host(), std::process::id());
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    // Appending, so that a write after a failed one goes to where the file was cut.
    match options.append(true).create_new(true).open(&path) {
        Ok(file) => Ok((path, file)),
        Err(source) => Err(io(&path, source)),
    }
}

fn host() -> String {
    #[cfg(target_os = "linux")]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(target_os = "linux"))]
    let name = String::new();
    // A dot or a slash would end the part of the file's name.
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        source,
    }
}
