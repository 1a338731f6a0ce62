//! Sessions in memory.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Sessions, SessionsConfig, decode, encode, is_over};
use crate::dialogue::error::{ChatError, SessionError};
use crate::dialogue::event::Event;

const SHARDS: usize = 64;
/// How often sessions are looked for whose time is over, in milliseconds.
const SWEEP: u64 = 60_000;
/// The most bytes of all sessions, if nobody says.
const MOST_BYTES: u64 = 2 << 30;
/// What one session may take of them, so that no caller of a few has all; and what each may take in any case.
const SHARES: u64 = 1_000;
const LEAST_BYTES: u64 = 64 << 10;
/// What a session takes beside its name and its events, in bytes.
const OVERHEAD: usize = 96;

/// Sessions in memory: they end with the process. Each takes the memory of its events as JSON, all together 2 GiB at
/// most by default: beyond, no turn is kept, and so none is answered, until sessions expire. A session that takes more than
/// a thousandth of that, or 64 KiB if these are more, gets no further turn.
///
/// ```
/// use cs_serve::dialogue::{Event, MemorySessions, SessionError, Sessions, SessionsConfig};
///
/// let sessions = MemorySessions::new(&SessionsConfig::default())?;
/// sessions.append("s1", 0, &[Event::Began(1)], 1_000)?;
/// assert_eq!(sessions.load("s1", 0, 2_000)?, [Event::Began(1)]);
/// let other = sessions.append("s1", 0, &[Event::Began(1)], 2_000);
/// assert!(matches!(other, Err(SessionError::Changed)));
/// assert!(sessions.load("s1", 0, 100_000_000)?.is_empty()); // a day later
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemorySessions {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    count: AtomicUsize,
    bytes: AtomicU64,
    most_bytes: u64,
    config: SessionsConfig,
}

#[derive(Default)]
struct Shard {
    sessions: HashMap<Box<str>, Kept>,
    swept: u64,
}

/// A session, its events a line of JSON each, which is one allocation.
struct Kept {
    at: u64,
    count: u32,
    lines: Vec<u8>,
}

impl Kept {
    /// The memory that it takes, under its name.
    fn bytes(&self, name: &str) -> u64 {
        (name.len() + OVERHEAD + self.lines.len()) as u64
    }

    /// The lines of the events from one on, looked for from the end.
    fn from(&self, event: usize) -> &[u8] {
        let wanted = (self.count as usize).saturating_sub(event);
        let ends = self.lines.iter().enumerate().rev();
        let mut ends = ends.filter(|&(_, &byte)| byte == b'\n').skip(wanted);
        let start = ends.next().map_or(0, |(at, _)| at + 1);
        &self.lines[start..]
    }
}

impl MemorySessions {
    /// Keeps no session yet.
    ///
    /// # Errors
    /// [`ChatError::Config`] for a configuration that cannot work.
    pub fn new(config: &SessionsConfig) -> Result<Self, ChatError> {
        config.validate()?;
        Ok(Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            count: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            most_bytes: MOST_BYTES,
            config: config.clone(),
        })
    }

    /// Has the sessions take at most so many bytes together.
    #[must_use]
    pub fn with_most_bytes(self, most_bytes: u64) -> Self {
        Self { most_bytes, ..self }
    }

    fn shard(&self, session: &str) -> MutexGuard<'_, Shard> {
        let at = self.hasher.hash_one(session) as usize % SHARDS;
        lock(&self.shards[at])
    }

    /// Forgets the sessions of a shard whose time is over.
    fn sweep(&self, shard: &mut Shard, now: u64) {
        let expiry = self.config.expiry;
        shard.sessions.retain(|name, kept| {
            let stays = !is_over(kept.at, now, expiry);
            if !stays {
                self.forgotten(name, kept);
            }
            stays
        });
        shard.swept = now;
    }

    fn forgotten(&self, name: &str, kept: &Kept) {
        let bytes = kept.bytes(name);
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn forget(&self, shard: &mut Shard, name: &str) -> bool {
        let kept = shard.sessions.remove(name);
        if let Some(kept) = &kept {
            self.forgotten(name, kept);
        }
        kept.is_some()
    }

    /// Makes room for bytes more.
    fn make_room_of(&self, bytes: u64, shard: &mut Shard, now: u64) -> Result<(), SessionError> {
        let most = self.most_bytes;
        let taken = || self.bytes.load(Ordering::Relaxed);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > most {
            self.sweep(shard, now);
            if taken() > most {
                self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                return Err(SessionError::Memory { most });
            }
        }
        Ok(())
    }

    /// Makes room for one session more.
    fn make_room(&self, shard: &mut Shard, now: u64) -> Result<(), SessionError> {
        if now.abs_diff(shard.swept) >= SWEEP {
            self.sweep(shard, now);
        }
        let most = self.config.most;
        if self.count.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(());
        }
        self.sweep(shard, now);
        if self.count.load(Ordering::Relaxed) <= most {
            return Ok(());
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        Err(SessionError::Full { most })
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions for MemorySessions {
    fn load(&self, session: &str, from: usize, now: u64) -> Result<Vec<Event>, SessionError> {
        let shard = self.shard(session);
        let kept = shard.sessions.get(session);
        let Some(kept) = kept.filter(|kept| !is_over(kept.at, now, self.config.expiry)) else {
            return Ok(Vec::new());
        };
        let lines = kept.from(from).to_vec();
        drop(shard);
        let lines = lines.split(|&byte| byte == b'\n');
        lines.filter(|line| !line.is_empty()).map(decode).collect()
    }

    fn append(
        &self,
        session: &str,
        known: usize,
        events: &[Event],
        now: u64,
    ) -> Result<(), SessionError> {
        let mut added = Vec::new();
        for event in events {
            added.extend(encode(event)?);
            added.push(b'\n');
        }
        let mut shard = self.shard(session);
        let kept = shard.sessions.get(session);
        let is_there = kept.is_some_and(|kept| !is_over(kept.at, now, self.config.expiry));
        if kept.is_some() && !is_there {
            self.forget(&mut shard, session);
        }
        let found = shard.sessions.get(session);
        if found.map_or(0, |kept| kept.count as usize) != known {
            return Err(SessionError::Changed);
        }
        let most = (self.most_bytes / SHARES).max(LEAST_BYTES);
        let begins_turn = || events.iter().any(|it| matches!(it, Event::Customer(_)));
        if found.is_some_and(|kept| kept.lines.len() as u64 > most) && begins_turn() {
            return Err(SessionError::Large { most });
        }
        let new = match is_there {
            true => 0,
            false => session.len() + OVERHEAD,
        };
        let bytes = (new + added.len()) as u64;
        self.make_room_of(bytes, &mut shard, now)?;
        if !is_there && let Err(full) = self.make_room(&mut shard, now) {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(full);
        }
        let kept = shard.sessions.entry(session.into()).or_insert(Kept {
            at: now,
            count: 0,
            lines: Vec::new(),
        });
        kept.at = kept.at.max(now);
        kept.count += u32::try_from(events.len()).unwrap_or(u32::MAX);
        kept.lines.reserve_exact(added.len());
        kept.lines.extend(added);
        Ok(())
    }

    fn expiry(&self) -> Duration {
        self.config.expiry
    }

    fn delete(&self, session: &str) -> Result<bool, SessionError> {
        let mut shard = self.shard(session);
        Ok(self.forget(&mut shard, session))
    }

    fn count(&self, now: u64) -> Result<usize, SessionError> {
        let is_there = |kept: &&Kept| !is_over(kept.at, now, self.config.expiry);
        let counts = self
            .shards
            .iter()
            .map(|shard| lock(shard).sessions.values().filter(is_there).count());
        Ok(counts.sum())
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions")
            .field("sessions", &self.count.load(Ordering::Relaxed))
            .field("bytes", &self.bytes.load(Ordering::Relaxed))
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
