//! Events that replicas share, in Redis.

use std::fmt;
use std::time::{Duration, Instant};

use ::redis::{Client, Cmd, Connection, RedisError, RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::{Journal, Reader, decode, encode};
use crate::rollout::assign::Key;
use crate::rollout::error::{JournalError, RolloutError};
use crate::rollout::state::Event;

/// So many events are read at once.
const PAGE: usize = 10_000;
/// After a failure, Redis is not asked for so many times the time that it may take: who calls would wait that long.
const PAUSE: u32 = 4;

/// What all scripts begin with. The list may begin with a snapshot, which is all events before it: `base` is the number of the
/// list's first event, and `folded` of the first one behind the snapshot. Who has not come to that reads the snapshot, from
/// its beginning unless that was `known`. `new` gives a page of events with where they begin and where all of them end.
const PLACE: &str = "
local events, epoch, token, place = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local base = tonumber(redis.call('HGET', place, 'base') or '0')
local folded = tonumber(redis.call('HGET', place, 'folded') or '0')
local function new(status, given, known, page)
  local length = base + redis.call('LLEN', events)
  if given > length then return {'lost'} end
  local from = given - base
  if known ~= base and given < folded then from = 0 end
  local found = redis.call('LRANGE', events, from, from + page - 1)
  table.insert(found, 1, status)
  table.insert(found, 2, tostring(base))
  table.insert(found, 3, tostring(base + from))
  table.insert(found, 4, tostring(length))
  return found
end
";

const READ: &str = "return new('read', tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))";

/// Adds an event to the list if as much has been decided as is known, and gives what is not known yet. A decision also has to
/// have the newest token.
const APPEND: &str = "
if ARGV[6] ~= '' and redis.call('GET', token) ~= ARGV[6] then return {'fenced'} end
if (redis.call('GET', epoch) or '0') ~= ARGV[4] then return {'stale'} end
if tonumber(ARGV[1]) > base + redis.call('LLEN', events) then return {'lost'} end
redis.call('RPUSH', events, ARGV[5])
if ARGV[6] ~= '' then redis.call('INCR', epoch) end
return new('written', tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))";

/// Puts a snapshot in the place of all events, if there are none that it does not have.
const COMPACT: &str = "
local length = base + redis.call('LLEN', events)
if redis.call('GET', token) ~= ARGV[1] then return {'fenced'} end
if tostring(length) ~= ARGV[2] then return {'stale'} end
redis.call('DEL', events)
for i = 3, #ARGV do redis.call('RPUSH', events, ARGV[i]) end
base = length - (#ARGV - 2)
redis.call('HSET', place, 'base', base, 'folded', length)
return {'written', tostring(base)}";

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
    /// What its keys have in braces at their beginning; another roll-out has another one. `cs-rollout` by default.
    pub namespace: String,
    /// How long it may take, one second by default. After a failure it is not asked for four times as long.
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
    /// When it may be asked again after a failure.
    again: Option<Instant>,
    /// What this process is called by the lease.
    name: String,
    token: u64,
    /// The number of the next event that is to be given.
    given: i64,
    /// The number of the first event that the list had when it was read last.
    base: i64,
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
            again: None,
            name,
            token: 0,
            given: 0,
            base: 0,
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

    /// Asks Redis once. A connection that has failed is not used again, and no other one for some time.
    fn ask<T: ::redis::FromRedisValue>(&mut self, command: &Cmd) -> Result<T, JournalError> {
        if self.again.is_some_and(|again| Instant::now() < again) {
            let source = "Redis: it has failed a moment ago".into();
            return Err(JournalError::Store { source });
        }
        let asked = self.connection.take().map_or_else(|| self.connect(), Ok);
        let asked = asked.and_then(|mut connection| {
            let answer = command.query(&mut connection)?;
            Ok((connection, answer))
        });
        match asked {
            Ok((connection, answer)) => {
                (self.connection, self.again) = (Some(connection), None);
                Ok(answer)
            }
            Err(error) => {
                self.again = Some(Instant::now() + PAUSE * self.config.timeout);
                Err(failed(error))
            }
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.config.namespace)
    }

    /// A script on all that the roll-out has.
    fn script(&self, script: &str) -> Cmd {
        let mut eval = cmd("EVAL");
        eval.arg(format!("{PLACE}{script}")).arg(4);
        for name in ["events", "epoch", "token", "place"] {
            eval.arg(self.key(name));
        }
        eval
    }

    /// Writes an event, by a token if it is a decision.
    fn write(
        &mut self,
        event: &Event,
        epoch: u64,
        token: &str,
        read: Reader<'_>,
    ) -> Result<(), JournalError> {
        let mut append = self.script(APPEND);
        append.arg(self.given).arg(self.base).arg(PAGE).arg(epoch);
        append.arg(encode(event, &self.key("events"))?).arg(token);
        let answer = self.ask(&append)?;
        match self.give(answer, read)? {
            true => self.catch_up(read),
            false => Ok(()),
        }
    }

    /// Gives a page of events that a script has answered, and says whether there are more.
    fn give(&mut self, answer: Vec<Vec<u8>>, read: Reader<'_>) -> Result<bool, JournalError> {
        let place = self.key("events");
        let number = |bytes: &[u8]| str::from_utf8(bytes).ok()?.parse::<i64>().ok();
        let numbers = |at: usize| answer.get(at).and_then(|it| number(it));
        match answer.first().map(Vec::as_slice) {
            Some(b"read" | b"written") => {}
            Some(b"stale") => return Err(JournalError::Stale),
            Some(b"lost") => {
                return Err(JournalError::Format {
                    place,
                    problem: "fewer events than there were; expected none to be lost".to_owned(),
                });
            }
            _ => return Err(JournalError::NotDeciding),
        }
        let (Some(base), Some(from), Some(length)) = (numbers(1), numbers(2), numbers(3)) else {
            let problem = "an answer that is none".to_owned();
            return Err(JournalError::Format { place, problem });
        };
        (self.base, self.given) = (base, from);
        for event in answer.iter().skip(4) {
            read(decode(event, &place)?);
            self.given += 1;
        }
        Ok(self.given < length)
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
        loop {
            let mut page = self.script(READ);
            page.arg(self.given).arg(self.base).arg(PAGE);
            let answer = self.ask(&page)?;
            if !self.give(answer, read)? {
                return Ok(());
            }
        }
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

    fn written(&self) -> u64 {
        u64::try_from(self.given - self.base).unwrap_or(0)
    }

    fn compact(&mut self, snapshot: &[Event]) -> Result<(), JournalError> {
        let place = self.key("events");
        let mut compact = self.script(COMPACT);
        compact.arg(self.token).arg(self.given);
        for event in snapshot {
            compact.arg(encode(event, &place)?);
        }
        let answer: Vec<Vec<u8>> = self.ask(&compact)?;
        match answer.first().map(Vec::as_slice) {
            Some(b"written") => {
                self.base = self.given - i64::try_from(snapshot.len()).unwrap_or(i64::MAX);
                Ok(())
            }
            // There is more by now, or another one decides: whoever does will come to it.
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for RedisJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisJournal")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
