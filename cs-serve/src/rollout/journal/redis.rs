//! Events that replicas share, in Redis.

use std::fmt;
use std::time::Duration;

use ::redis::{Client, Connection, RedisError, RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::{Journal, Reader, decode, encode};
use crate::rollout::assign::Key;
use crate::rollout::error::{JournalError, RolloutError};
use crate::rollout::event::Event;

/// Adds an event to the list if as much has been decided as is known, and gives what is not known yet. A decision also has to
/// have the newest token.
const APPEND: &str = "
local events, epoch, token = KEYS[1], KEYS[2], KEYS[3]
if ARGV[4] ~= '' and redis.call('GET', token) ~= ARGV[4] then return {'fenced'} end
if (redis.call('GET', epoch) or '0') ~= ARGV[1] then return {'stale'} end
redis.call('RPUSH', events, ARGV[3])
if ARGV[4] ~= '' then redis.call('INCR', epoch) end
local new = redis.call('LRANGE', events, ARGV[2], -1)
table.insert(new, 1, 'written')
return new";

/// Gives the token of who holds the right to decide: the newest one if it is who asks, and a newer one if nobody holds it or it
/// is insisted on. 0 if it is another one.
const CLAIM: &str = "
local holder, token = KEYS[1], KEYS[2]
local held = redis.call('GET', holder)
if held == ARGV[1] then
  redis.call('PEXPIRE', holder, ARGV[2])
  return tonumber(redis.call('GET', token))
end
if held and ARGV[3] == '0' then return 0 end
redis.call('SET', holder, ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', token)";

/// Which Redis has the events.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisJournalConfig {
    /// Where it is: `redis://host:port/database`, or `redis+unix:///path`.
    pub url: String,
    /// What its keys begin with; another roll-out has another one. `cs-rollout` by default.
    pub namespace: String,
    /// How long it may take, one second by default.
    #[serde(rename = "timeout_ms", with = "crate::millis")]
    pub timeout: Duration,
    /// How long the process that decides may be silent before another one does. Ten seconds by default.
    #[serde(rename = "lease_ms", with = "crate::millis")]
    pub lease: Duration,
}

impl Default for RedisJournalConfig {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".into(),
            namespace: "cs-rollout".into(),
            timeout: Duration::from_secs(1),
            lease: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for RedisJournalConfig {
    /// Formats it without the address, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisJournalConfig")
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// A journal that replicas share: a list of events, which all of them follow. One of them decides at a time: each that becomes the
/// one gets a token greater than all before, and a decision with an older one is refused, however late it comes.
/// Nothing is written from what a replica does not know to have been decided.
pub struct RedisJournal {
    client: Client,
    connection: Option<Connection>,
    config: RedisJournalConfig,
    /// What this process is called by the lease.
    name: String,
    token: u64,
    /// The events that were given.
    given: usize,
}

impl RedisJournal {
    /// Connects to Redis.
    ///
    /// # Errors
    /// [`JournalError::Store`] if the address is none, or Redis does not answer; no random numbers for a name.
    pub fn open(config: &RedisJournalConfig) -> Result<Self, RolloutError> {
        let name = format!("{:?}", Key::random()?.id("replica"));
        let client = Client::open(config.url.as_str()).map_err(failed)?;
        let mut journal = Self {
            client,
            connection: None,
            config: config.clone(),
            name,
            token: 0,
            given: 0,
        };
        let connection = journal.connect().map_err(failed)?;
        journal.connection = Some(connection);
        Ok(journal)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let timeout = self.config.timeout.max(Duration::from_millis(1));
        let mut connection = self.client.get_connection_with_timeout(timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        cmd("PING").query::<String>(&mut connection)?;
        Ok(connection)
    }

    /// Asks Redis once. A connection that has failed is not used again.
    fn ask<T: ::redis::FromRedisValue>(
        &mut self,
        command: &::redis::Cmd,
    ) -> Result<T, JournalError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(failed)?,
        };
        let answer = command.query(&mut connection).map_err(failed)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.config.namespace)
    }

    /// Writes an event, by a token if it is a decision.
    fn write(
        &mut self,
        event: &Event,
        epoch: u64,
        token: &str,
        read: Reader<'_>,
    ) -> Result<(), JournalError> {
        let events = self.key("events");
        let mut append = cmd("EVAL");
        append.arg(APPEND).arg(3);
        append
            .arg(&events)
            .arg(self.key("epoch"))
            .arg(self.key("token"));
        append.arg(epoch).arg(self.given);
        append.arg(encode(event, &events)?).arg(token);
        let answer: Vec<Vec<u8>> = self.ask(&append)?;
        match answer.split_first() {
            Some((status, new)) if status == b"written" => self.give(new, read),
            Some((status, _)) if status == b"stale" => Err(JournalError::Stale),
            _ => Err(JournalError::NotDeciding),
        }
    }

    fn give(&mut self, new: &[Vec<u8>], read: Reader<'_>) -> Result<(), JournalError> {
        let place = self.key("events");
        for event in new {
            read(decode(event, &place)?);
            self.given += 1;
        }
        Ok(())
    }
}

/// Its message may quote the password that the address has.
fn failed(error: RedisError) -> JournalError {
    JournalError::Store {
        source: format!("Redis: {}", error.category()).into(),
    }
}

impl Journal for RedisJournal {
    fn catch_up(&mut self, read: Reader<'_>) -> Result<(), JournalError> {
        let mut range = cmd("LRANGE");
        range.arg(self.key("events")).arg(self.given).arg(-1);
        let new: Vec<Vec<u8>> = self.ask(&range)?;
        self.give(&new, read)
    }

    fn rewind(&mut self) {
        self.given = 0;
    }

    fn append(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.write(event, epoch, "", read)
    }

    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        let token = self.token.to_string();
        self.write(event, epoch, &token, read)
    }

    fn claim(&mut self, insists: bool) -> Result<bool, JournalError> {
        let lease = u64::try_from(self.config.lease.as_millis()).unwrap_or(u64::MAX);
        let mut claim = cmd("EVAL");
        claim.arg(CLAIM).arg(2);
        claim.arg(self.key("holder")).arg(self.key("token"));
        claim.arg(&self.name).arg(lease.max(1));
        claim.arg(u8::from(insists));
        let token: u64 = self.ask(&claim)?;
        if token > 0 {
            self.token = token;
        }
        Ok(token > 0)
    }
}

impl fmt::Debug for RedisJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisJournal")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
