//! What a service holds of its log.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;

use super::config::LogConfig;
use super::error::LogError;
use super::keys;
use super::lock::{self, Holder};
use super::name;
use super::recover::recover;
use super::row::{Comparison, Given, Rating, Row};
use super::writer::{Message, Start, Writer};
use crate::safety::personal::{Masked, Masker};

/// What a message takes in the queue besides its bytes.
const OVERHEAD: usize = 64;

/// Writes a log into a folder, by a thread of its own: what is given to it never waits for the disk. It takes what
/// is [`Masked`], and nothing else:
///
/// ```compile_fail,E0308
/// # fn write(log: &cs_serve::log::Log, row: cs_serve::log::Row) {
/// log.write(&row); // expected `&Masked<Row>`, found `&Row`
/// # }
/// ```
///
/// Dropped, it writes what waits.
pub struct Log {
    folder: PathBuf,
    queue: Option<Sender<Message>>,
    queue_bytes: usize,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
    _lock: File,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) queued: AtomicUsize,
    pub(super) written: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) failing: AtomicBool,
}

impl Counters {
    /// Counts what is lost, and tells the first failure of a stretch of them.
    pub(super) fn lose(&self, count: u64, folder: &Path, error: &dyn fmt::Display) {
        self.lost.fetch_add(count, Ordering::Relaxed);
        if !self.failing.swap(true, Ordering::Relaxed) {
            let folder = folder.display();
            tracing::error!(%folder, %error, "the log cannot be written: rows are lost until it can");
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("folder", &self.folder)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Begins to write into a folder, which is made if need be, what `masker` masks. What a crash has torn is cut off
    /// first.
    ///
    /// # Errors
    /// [`LogError::Taken`] if another process writes there; [`LogError::Keys`] if the log was begun with other keys, as
    /// a customer would have two tags in it; a configuration that cannot work; a folder that cannot be made or read. A
    /// damaged file is none: it is told as an error of `tracing`, left as it is, and another one begun.
    pub fn open(folder: &Path, config: LogConfig, masker: &Masker) -> Result<Self, LogError> {
        config.validate()?;
        std::fs::create_dir_all(folder).map_err(LogError::io(folder))?;
        let lock = lock::take(folder, Holder::Writer)?;
        keys::begin(folder, masker)?;
        let names = name::list(folder)?;
        match recover(folder, &names) {
            Err(LogError::Frames(error)) => {
                tracing::error!(%error, "a file of the log is left as it is, and another one begun");
            }
            recovered => recovered?,
        }
        let counters = Arc::new(Counters::default());
        let (queue, messages) = mpsc::channel();
        let queue_bytes = config.queue_bytes;
        let writer = Writer::new(Start {
            folder: folder.to_owned(),
            config,
            number: names.iter().map(|it| it.number).max().unwrap_or(0) + 1,
            counters: Arc::clone(&counters),
        });
        let thread = thread::Builder::new().name("log".to_owned());
        let thread = thread.spawn(move || writer.run(&messages));
        Ok(Self {
            folder: folder.to_owned(),
            queue: Some(queue),
            queue_bytes,
            counters,
            thread: Some(thread.map_err(|source| LogError::Thread { source })?),
            _lock: lock,
        })
    }

    /// Gives a turn to the thread that writes; some microseconds. False if it is lost, as too much waits.
    pub fn write(&self, row: &Masked<Row>) -> bool {
        self.put(row.get().time, &Given::Row(row.get()))
    }

    /// Gives a rating to the thread that writes, as [`write`](Self::write). It is put to its turn when the log is read.
    pub fn rate(&self, rating: &Masked<Rating>) -> bool {
        let rating = rating.get();
        self.put(rating.time, &Given::Rating(rating))
    }

    /// Gives what a candidate makes of a turn otherwise to the thread that writes, as [`write`](Self::write). It is put to its
    /// turn when the log is read.
    pub fn compare(&self, comparison: &Masked<Comparison>) -> bool {
        let comparison = comparison.get();
        self.put(comparison.time, &Given::Comparison(comparison))
    }

    /// Waits until all that was given to it is on the disk, but no longer than `limit`. False if it may not be.
    pub fn drain(&self, limit: Duration) -> bool {
        let (done, synced) = mpsc::channel();
        let sent = self.queue.as_ref().map(|it| it.send(Message::Sync(done)));
        matches!(sent, Some(Ok(()))) && synced.recv_timeout(limit) == Ok(true)
    }

    /// Gives the number of turns, ratings and comparisons that were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.counters.written.load(Ordering::Relaxed)
    }

    /// Gives the number of those that were lost, as too much waited or the disk was full, or that may be, as a sync
    /// failed.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counters.lost.load(Ordering::Relaxed)
    }

    /// Whether turns and ratings are being lost: one was, as too much waited or writing or syncing failed, and none was
    /// written and synced since with at most half of the queue waiting. The first of such a stretch is an error of `tracing`.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.counters.failing.load(Ordering::Relaxed)
    }

    /// Gives the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn put(&self, time: u64, record: &impl Serialize) -> bool {
        let taken = serde_json::to_vec(record).is_ok_and(|bytes| self.send(time, bytes));
        if !taken {
            let error = "too much waits for the disk, or its thread has ended";
            self.counters.lose(1, &self.folder, &error);
        }
        taken
    }

    fn send(&self, time: u64, bytes: Vec<u8>) -> bool {
        let size = bytes.len() + OVERHEAD;
        let queued = &self.counters.queued;
        let fits = queued.fetch_add(size, Ordering::Relaxed) + size <= self.queue_bytes;
        let message = Message::Record { time, bytes, size };
        let sent = fits
            && self
                .queue
                .as_ref()
                .is_some_and(|it| it.send(message).is_ok());
        if !sent {
            queued.fetch_sub(size, Ordering::Relaxed);
        }
        sent
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // It panics for bugs alone, which were told then.
            let _ = thread.join();
        }
    }
}
