//! The thread that writes.

use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use cs_data::file::{FrameError, Frames};

use super::config::LogConfig;
use super::day::Day;
use super::handle::Counters;
use super::name::{Form, Name};
use super::recover::KIND;

/// The name of a file that asks the writer to begin another file; it removes it then.
pub(super) const ROTATE: &str = "rotate";

/// How often it is looked for.
pub(super) const LOOK: Duration = Duration::from_millis(500);

pub(super) enum Message {
    Record {
        time: u64,
        bytes: Vec<u8>,
        /// What it counts for in the queue.
        size: usize,
    },
    /// Sync, and say whether all is written.
    Sync(Sender<bool>),
}

pub(super) struct Writer {
    folder: PathBuf,
    config: LogConfig,
    counters: Arc<Counters>,
    open: Option<Open>,
    /// The number of the next file.
    next: u64,
    synced: Instant,
    looked: Instant,
}

struct Open {
    frames: Frames,
    day: Day,
    unsynced: u64,
}

impl Writer {
    pub(super) fn new(
        folder: PathBuf,
        config: LogConfig,
        (next, counters): (u64, Arc<Counters>),
    ) -> Self {
        let now = Instant::now();
        Self {
            folder,
            config,
            counters,
            open: None,
            next,
            synced: now,
            looked: now,
        }
    }

    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            match messages.recv_timeout(self.wait()) {
                Ok(Message::Record { time, bytes, size }) => {
                    self.write(time, &bytes);
                    self.counters.queued.fetch_sub(size, Ordering::Relaxed);
                }
                Ok(Message::Sync(done)) => {
                    self.sync();
                    let is_written = !self.counters.failing.load(Ordering::Relaxed);
                    // Who asked may wait no longer.
                    let _ = done.send(is_written);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tick(Instant::now());
        }
        self.sync();
    }

    /// How long nothing has to be done but for what comes.
    fn wait(&self) -> Duration {
        let left = |since: Instant, period: Duration| period.saturating_sub(since.elapsed());
        let look = left(self.looked, LOOK);
        match self.open.as_ref().is_some_and(|it| it.unsynced > 0) {
            true => look.min(left(self.synced, self.config.sync)),
            false => look,
        }
    }

    fn tick(&mut self, now: Instant) {
        if now.duration_since(self.synced) >= self.config.sync {
            self.sync();
        }
        if now.duration_since(self.looked) >= LOOK {
            self.looked = now;
            self.rotate_if_asked();
        }
    }

    fn write(&mut self, time: u64, bytes: &[u8]) {
        if let Err(error) = self.try_write(time, bytes) {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
            self.fail(&error);
        }
    }

    fn try_write(&mut self, time: u64, bytes: &[u8]) -> Result<(), FrameError> {
        let file_bytes = self.config.file_bytes;
        let goes_on = |it: &Open| it.day.takes(time) && it.frames.len() < file_bytes;
        if !self.open.as_ref().is_some_and(goes_on) {
            self.begin(Day::of(time))?;
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let appended = open.frames.append(bytes);
        appended.map_err(|source| FrameError::Io {
            path: open.frames.path().to_owned(),
            source,
        })?;
        open.unsynced += 1;
        self.counters.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Begins a file, once all of the one before it is on the disk.
    fn begin(&mut self, day: Day) -> Result<(), FrameError> {
        self.sync();
        self.open = None;
        let name = Name {
            day,
            number: self.next,
            form: Form::Rows,
        };
        let path = self.folder.join(name.file());
        let (frames, _) = Frames::open(&path, KIND, |_, _| Ok::<(), Infallible>(()))?;
        self.next += 1;
        self.open = Some(Open {
            frames,
            day,
            unsynced: 0,
        });
        Ok(())
    }

    fn sync(&mut self) {
        self.synced = Instant::now();
        let Some(open) = self.open.as_mut().filter(|it| it.unsynced > 0) else {
            return;
        };
        match open.frames.sync() {
            Ok(()) => {
                open.unsynced = 0;
                if self.counters.failing.swap(false, Ordering::Relaxed) {
                    let lost = self.counters.lost.load(Ordering::Relaxed);
                    tracing::warn!(lost, "the log is written again");
                }
            }
            Err(error) => {
                // What the system has of them is unknown from now on, so that another file is begun.
                let lost = open.unsynced;
                self.open = None;
                self.counters.lost.fetch_add(lost, Ordering::Relaxed);
                self.fail(&error);
            }
        }
    }

    fn rotate_if_asked(&mut self) {
        let path = self.folder.join(ROTATE);
        if !path.exists() {
            return;
        }
        self.sync();
        self.open = None;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::error!(file = %path.display(), %error, "this file cannot be removed");
            }
            _ => {}
        }
    }

    /// Tells the first failure of a stretch of them.
    fn fail(&self, error: &dyn fmt::Display) {
        if !self.counters.failing.swap(true, Ordering::Relaxed) {
            let folder = self.folder.display();
            tracing::error!(%folder, %error, "the log cannot be written: rows are lost until it can");
        }
    }
}
