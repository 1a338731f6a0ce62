//! Sessions in a file of one process.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition,
};

use super::{Sessions, SessionsConfig, decode, encode, is_over, store_failed};
use crate::dialogue::error::SessionError;
use crate::dialogue::event::Event;

/// When each session was last written to, and how many events it has.
const SESSIONS: TableDefinition<'_, &str, (u64, u32)> = TableDefinition::new("sessions");
/// Each event, by its session and its number there.
const EVENTS: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("events");
/// How often sessions are looked for whose time is over, in milliseconds.
const SWEEP: u64 = 60_000;
/// How many sessions a turn looks at for that: the next one goes on behind them, so that none waits for all.
const SWEPT: usize = 256;

/// Sessions in a file, by redb: they outlast the process, and a crash of the machine. One process has
/// the file at a time. Each turn that is written waits for the disk.
///
/// ```
/// use cs_serve::dialogue::{Event, RedbSessions, Sessions, SessionsConfig};
///
/// let folder = tempfile::tempdir()?;
/// let (path, config) = (folder.path().join("sessions.redb"), SessionsConfig::default());
/// RedbSessions::open(&path, &config)?.append("s1", 0, &[Event::Began(1)], 1_000)?;
/// assert_eq!(RedbSessions::open(&path, &config)?.load("s1", 0, 2_000)?, [Event::Began(1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedbSessions {
    database: Database,
    swept: Mutex<Swept>,
    config: SessionsConfig,
}

/// How far sessions were looked at whose time may be over.
#[derive(Default)]
struct Swept {
    /// When it last began.
    at: u64,
    /// The session at which it goes on; none if it has been through.
    next: Option<String>,
}

impl RedbSessions {
    /// Opens a file of sessions, or makes one.
    ///
    /// # Errors
    /// [`SessionError::Open`] if the configuration cannot work, another process has the file, or it is
    /// something else.
    pub fn open(path: &Path, config: &SessionsConfig) -> Result<Self, SessionError> {
        let failed = |problem: String| SessionError::Open {
            place: path.display().to_string(),
            problem,
        };
        config
            .validate()
            .map_err(|error| failed(error.to_string()))?;
        let database = Database::create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => failed(
                "another process has it open, expected to be the only one; replicas share Redis"
                    .into(),
            ),
            error => failed(format!("{error}, expected a file of sessions")),
        })?;
        let sessions = Self {
            database,
            swept: Mutex::default(),
            config: config.clone(),
        };
        sessions
            .make_tables()
            .map_err(|error| failed(error.to_string()))?;
        Ok(sessions)
    }

    fn make_tables(&self) -> Result<(), ::redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(SESSIONS)?;
        transaction.open_table(EVENTS)?;
        transaction.commit()?;
        Ok(())
    }

    fn read(&self, session: &str, from: usize, now: u64) -> Result<Vec<Vec<u8>>, ::redb::Error> {
        let transaction = self.database.begin_read()?;
        let sessions = transaction.open_table(SESSIONS)?;
        let Some((at, count)) = sessions.get(session)?.map(|found| found.value()) else {
            return Ok(Vec::new());
        };
        let from = u32::try_from(from).unwrap_or(u32::MAX).min(count);
        if is_over(at, now, self.config.expiry) {
            return Ok(Vec::new());
        }
        let events = transaction.open_table(EVENTS)?;
        let mut found = Vec::new();
        for event in events.range((session, from)..(session, count))? {
            found.push(event?.1.value().to_vec());
        }
        Ok(found)
    }

    fn write(&self, adding: &Adding<'_>) -> Result<Result<(), SessionError>, ::redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut sessions = transaction.open_table(SESSIONS)?;
            let mut events = transaction.open_table(EVENTS)?;
            let mut tables = Tables {
                sessions: &mut sessions,
                events: &mut events,
                config: &self.config,
            };
            self.sweep(&mut tables, adding)?;
            if let Err(error) = tables.add(adding)? {
                // Dropped, the transaction leaves everything as it was.
                return Ok(Err(error));
            }
        }
        transaction.commit()?;
        Ok(Ok(()))
    }

    /// Goes on with the search for sessions whose time is over, or begins it anew if that is due, or there is no room
    /// for the session.
    fn sweep(&self, tables: &mut Tables<'_, '_>, adding: &Adding<'_>) -> Result<(), ::redb::Error> {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = adding.known == 0 && tables.sessions.len()? >= self.config.most as u64;
        if swept.next.is_none() && (is_full || adding.now.abs_diff(swept.at) >= SWEEP) {
            swept.at = adding.now;
            swept.next = Some(String::new());
        }
        if let Some(next) = swept.next.take() {
            swept.next = tables.sweep(&next, adding.now)?;
        }
        Ok(())
    }

    fn remove(&self, session: &str) -> Result<bool, ::redb::Error> {
        let transaction = self.database.begin_write()?;
        let removed = {
            let mut sessions = transaction.open_table(SESSIONS)?;
            let mut events = transaction.open_table(EVENTS)?;
            let mut tables = Tables {
                sessions: &mut sessions,
                events: &mut events,
                config: &self.config,
            };
            tables.remove(session)?
        };
        transaction.commit()?;
        Ok(removed)
    }

    fn open_sessions(&self, now: u64) -> Result<usize, ::redb::Error> {
        let transaction = self.database.begin_read()?;
        let sessions = transaction.open_table(SESSIONS)?;
        let mut count = 0;
        for session in sessions.iter()? {
            let (at, _) = session?.1.value();
            count += usize::from(!is_over(at, now, self.config.expiry));
        }
        Ok(count)
    }
}

/// What is to be added to a session.
struct Adding<'a> {
    session: &'a str,
    known: usize,
    events: &'a [Vec<u8>],
    now: u64,
}

struct Tables<'a, 't> {
    sessions: &'a mut ::redb::Table<'t, &'static str, (u64, u32)>,
    events: &'a mut ::redb::Table<'t, (&'static str, u32), &'static [u8]>,
    config: &'a SessionsConfig,
}

impl Tables<'_, '_> {
    fn add(&mut self, adding: &Adding<'_>) -> Result<Result<(), SessionError>, ::redb::Error> {
        let (session, now) = (adding.session, adding.now);
        let found = self.sessions.get(session)?.map(|found| found.value());
        let is_gone = |&(at, _): &(u64, u32)| is_over(at, now, self.config.expiry);
        let (at, count) = match found {
            Some(found) if is_gone(&found) => {
                self.remove(session)?;
                (now, 0)
            }
            Some(found) => found,
            None => (now, 0),
        };
        if count as usize != adding.known {
            return Ok(Err(SessionError::Changed));
        }
        let most = self.config.most;
        if count == 0 && self.sessions.len()? >= most as u64 {
            return Ok(Err(SessionError::Full { most }));
        }
        let mut number = count;
        for event in adding.events {
            self.events.insert((session, number), event.as_slice())?;
            number += 1;
        }
        self.sessions.insert(session, (at.max(now), number))?;
        Ok(Ok(()))
    }

    fn remove(&mut self, session: &str) -> Result<bool, ::redb::Error> {
        let Some((_, count)) = self.sessions.remove(session)?.map(|found| found.value()) else {
            return Ok(false);
        };
        for number in 0..count {
            self.events.remove((session, number))?;
        }
        Ok(true)
    }

    /// Forgets those of some sessions, from one on, whose time is over; gives the one at which to go on.
    fn sweep(&mut self, from: &str, now: u64) -> Result<Option<String>, ::redb::Error> {
        let (mut over, mut next) = (Vec::new(), None);
        for (at, session) in self.sessions.range(from..)?.enumerate() {
            let (name, found) = session?;
            if at == SWEPT {
                next = Some(name.value().to_owned());
                break;
            }
            if is_over(found.value().0, now, self.config.expiry) {
                over.push(name.value().to_owned());
            }
        }
        for session in over {
            self.remove(&session)?;
        }
        Ok(next)
    }
}

impl Sessions for RedbSessions {
    fn load(&self, session: &str, from: usize, now: u64) -> Result<Vec<Event>, SessionError> {
        let found = self.read(session, from, now).map_err(store_failed)?;
        found.iter().map(|event| decode(event)).collect()
    }

    fn append(
        &self,
        session: &str,
        known: usize,
        events: &[Event],
        now: u64,
    ) -> Result<(), SessionError> {
        let events: Vec<Vec<u8>> = events.iter().map(encode).collect::<Result<_, _>>()?;
        let adding = Adding {
            session,
            known,
            events: &events,
            now,
        };
        self.write(&adding).map_err(store_failed)?
    }

    fn expiry(&self) -> Duration {
        self.config.expiry
    }

    fn delete(&self, session: &str) -> Result<bool, SessionError> {
        self.remove(session).map_err(store_failed)
    }

    fn count(&self, now: u64) -> Result<usize, SessionError> {
        self.open_sessions(now).map_err(store_failed)
    }
}

impl fmt::Debug for RedbSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbSessions")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
