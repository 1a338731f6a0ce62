//! A log's folder: what is read, and tidied.

mod days;
mod deletion;
mod reading;
mod salvage;
mod table;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::log::day::Day;
use crate::log::error::LogError;
use crate::log::keys::{self, KEYS};
use crate::log::lock::{self, Holder};
use crate::log::name::{self, Form, Name};
use crate::log::recover::recover;
use crate::log::writer::{LOOK, ROTATE};
use crate::safety::personal::Masker;

pub use days::Converted;
pub use deletion::Deleted;
pub use reading::ReadRows;
pub use salvage::SalvagedRows;

/// How long a writer is waited for until it begins another file.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of a log, with all that was written into it so far. A [`Log`](super::Log) may go on to write there,
/// also one of another process: it begins another file when the folder is opened.
#[derive(Debug)]
pub struct LogFolder {
    path: PathBuf,
    /// Nobody writes to these any more.
    names: Vec<Name>,
    _lock: File,
}

/// The files of a day that hold its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DayFiles {
    day: Day,
    parquet: Option<Name>,
    /// Files of rows that are not in the Parquet.
    rows: Vec<Name>,
}

impl LogFolder {
    /// Takes a folder. What a crash has left there is finished or removed first: a torn end, temporary files, files
    /// whose rows are in another one, a deletion. It takes up to a second if a [`Log`](super::Log) is writing there.
    ///
    /// # Errors
    /// [`LogError::Taken`] if another process has taken it as well; [`LogError::Waiting`] if a writer does not begin
    /// another file; a folder that is missing.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        // Before the lock, which would make a file in it.
        fs::read_dir(path).map_err(LogError::io(path))?;
        let lock = lock::take(path, Holder::Keeper)?;
        remove_temporary(path, is_keepers)?;
        let mut folder = Self {
            path: path.to_owned(),
            names: closed(path)?,
            _lock: lock,
        };
        folder.remove_superseded()?;
        folder.finish_deletion()?;
        Ok(folder)
    }

    /// Makes sure that the log is by these keys, as a tag of others is in none of its rows. A log that no
    /// [`Log`](super::Log) has begun does not say by which it is.
    ///
    /// # Errors
    /// [`LogError::Keys`] if it is by others.
    pub fn check_keys(&self, masker: &Masker) -> Result<(), LogError> {
        keys::check(&self.path, masker).map(drop)
    }

    /// Gives where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the days that have rows, the first one first.
    #[must_use]
    pub fn days(&self) -> Vec<Day> {
        self.files().into_iter().map(|it| it.day).collect()
    }

    /// Gives the bytes of all files.
    ///
    /// # Errors
    /// A file that has gone.
    pub fn bytes(&self) -> Result<u64, LogError> {
        let size = |name: &Name| {
            let path = self.place(*name);
            Ok(fs::metadata(&path).map_err(LogError::io(&path))?.len())
        };
        self.names.iter().map(size).sum()
    }

    /// Removes the days before `first`, and gives them. What a [`Vault`](crate::safety::personal::Vault) keeps of them
    /// stays there: see [`conversations_before`](Self::conversations_before).
    ///
    /// # Errors
    /// A file that cannot be removed; those of earlier days are gone then.
    pub fn retain(&mut self, first: Day) -> Result<Vec<Day>, LogError> {
        let days: Vec<Day> = self.days().into_iter().filter(|&it| it < first).collect();
        for name in self.names.clone() {
            if name.day < first {
                self.remove(name)?;
            }
        }
        Ok(days)
    }

    fn place(&self, name: Name) -> PathBuf {
        self.path.join(name.file())
    }

    fn remove(&mut self, name: Name) -> Result<(), LogError> {
        remove_file(&self.place(name))?;
        self.names.retain(|&it| it != name);
        Ok(())
    }

    /// Gives the files that count, by day.
    fn files(&self) -> Vec<DayFiles> {
        let days = self.names.chunk_by(|a, b| a.day == b.day);
        days.filter_map(files_of).collect()
    }

    /// Removes files whose rows are in another one: a crash came between that and their removal.
    fn remove_superseded(&mut self) -> Result<(), LogError> {
        let counting: Vec<Name> = self
            .files()
            .into_iter()
            .flat_map(|it| it.parquet.into_iter().chain(it.rows))
            .collect();
        for name in self.names.clone() {
            if !counting.contains(&name) {
                self.remove(name)?;
            }
        }
        Ok(())
    }
}

/// Of the files of a day, those that count: the last Parquet, and the rows that are not in it.
fn files_of(names: &[Name]) -> Option<DayFiles> {
    let of = |form| names.iter().copied().filter(move |it| it.form == form);
    let parquet = of(Form::Parquet).max();
    let is_in = |it: &Name| parquet.is_some_and(|parquet| it.number <= parquet.number);
    Some(DayFiles {
        day: names.first()?.day,
        parquet,
        rows: of(Form::Rows).filter(|it| !is_in(it)).collect(),
    })
}

/// Gives the files that nobody writes to any more.
fn closed(folder: &Path) -> Result<Vec<Name>, LogError> {
    let names = name::list(folder)?;
    // Without a writer, none can begin before this is done.
    if let Some(_lock) = lock::try_take(folder, Holder::Writer)? {
        remove_temporary(folder, |of| of == KEYS)?;
        match recover(folder, &names) {
            // It is told to who reads it.
            Ok(()) | Err(LogError::Frames(_)) => return Ok(names),
            Err(error) => return Err(error),
        }
    }
    let request = folder.join(ROTATE);
    fs::write(&request, "").map_err(LogError::io(&request))?;
    let until = Instant::now() + PATIENCE;
    while request.exists() {
        if Instant::now() > until {
            return Err(LogError::Waiting {
                path: folder.to_owned(),
                seconds: PATIENCE.as_secs(),
            });
        }
        thread::sleep(LOOK / 20);
    }
    Ok(names)
}

/// Removes what a crash has left of such files that were being written; those of others stay.
fn remove_temporary(folder: &Path, is_one: fn(&str) -> bool) -> Result<(), LogError> {
    let io = |source| LogError::io(folder)(source);
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let of = name.to_str().and_then(file_in_the_making);
        if of.is_some_and(is_one) {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// The name of the file that a temporary one is to become, as an [`AtomicFile`](cs_data::file::AtomicFile) has it.
fn file_in_the_making(name: &str) -> Option<&str> {
    let (name, _) = name.strip_prefix('.')?.rsplit_once(".tmp")?;
    Some(name)
}

/// Whether a file is written by who tidies, and not by who writes the log.
fn is_keepers(name: &str) -> bool {
    Name::of(name).is_some() || name == deletion::JOURNAL
}

/// Removes a file, unless it has gone.
fn remove_file(path: &Path) -> Result<(), LogError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(LogError::io(path)(error)),
        _ => Ok(()),
    }
}
