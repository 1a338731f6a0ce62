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

/// What a writer begins with.
pub(super) struct Start {
    pub(super) folder: PathBuf,
    pub(super) config: LogConfig,
    /// The number of the next file.
    pub(super) number: u64,
    pub(super) counters: Arc<Counters>,
}

pub(super) struct Writer {
    start: Start,
    open: Option<Open>,
    /// Whether the last row was written.
    writes: bool,
    synced: Instant,
    looked: Instant,
}

struct Open {
    frames: Frames,
    day: Day,
    unsynced: u64,
}

impl Writer {
    pub(super) fn new(start: Start) -> Self {
        let now = Instant::now();
        Self {
            start,
            open: None,
            writes: false,
            synced: now,
            looked: now,
        }
    }

    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            match messages.recv_timeout(self.wait()) {
                Ok(Message::Record { time, bytes, size }) => {
                    self.write(time, &bytes);
                    self.start
                        .counters
                        .queued
                        .fetch_sub(size, Ordering::Relaxed);
                }
                Ok(Message::Sync(done)) => {
                    self.sync();
                    let is_written = !self.start.counters.failing.load(Ordering::Relaxed);
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
            true => look.min(left(self.synced, self.start.config.sync)),
            false => look,
        }
    }

    fn tick(&mut self, now: Instant) {
        if now.duration_since(self.synced) >= self.start.config.sync {
            self.sync();
        }
        if now.duration_since(self.looked) >= LOOK {
            self.looked = now;
            self.rotate_if_asked();
        }
    }

    fn write(&mut self, time: u64, bytes: &[u8]) {
        let written = self.try_write(time, bytes);
        self.writes = written.is_ok();
        if let Err(error) = written {
            self.lose(1, &error);
        }
    }

    fn try_write(&mut self, time: u64, bytes: &[u8]) -> Result<(), FrameError> {
        let file_bytes = self.start.config.file_bytes;
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
        self.start.counters.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Begins a file, once all of the one before it is on the disk.
    fn begin(&mut self, day: Day) -> Result<(), FrameError> {
        self.sync();
        self.open = None;
        let name = Name {
            day,
            number: self.start.number,
            form: Form::Rows,
        };
        let path = self.start.folder.join(name.file());
        let (frames, _) = Frames::open(&path, KIND, |_, _| Ok::<(), Infallible>(()))?;
        self.start.number += 1;
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
                self.recover();
            }
            Err(error) => {
                // What the system has of them is unknown from now on, so that another file is begun.
                let lost = open.unsynced;
                self.open = None;
                self.lose(lost, &error);
            }
        }
    }

    fn rotate_if_asked(&mut self) {
        let path = self.start.folder.join(ROTATE);
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

    /// Ends a stretch of failures, if rows are written and no more are about to be lost in the queue.
    fn recover(&self) {
        let counters = &self.start.counters;
        let has_room = counters.queued.load(Ordering::Relaxed) <= self.start.config.queue_bytes / 2;
        if self.writes && has_room && counters.failing.swap(false, Ordering::Relaxed) {
            let lost = counters.lost.load(Ordering::Relaxed);
            tracing::warn!(lost, "the log is written again");
        }
    }

    fn lose(&self, count: u64, error: &dyn fmt::Display) {
        let Start {
            counters, folder, ..
        } = &self.start;
        counters.lose(count, folder, error);
    }
}
