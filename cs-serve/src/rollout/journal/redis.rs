//! Events that replicas share, in Redis.

use std::fmt;
use std::time::{Duration, Instant};

use ::redis::{Client, Cmd, Connection, RedisError, RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::{Journal, Reader, decode, encode};
use crate::rollout::assign::Key;
use crate::rollout::error::{JournalError, RolloutError};
use crate::rollout::state::{Event, Opened};

/// So many events are read at once.
const PAGE: usize = 10_000;
/// After a failure, Redis is not asked for so many times the time that it may take: who calls would wait that long.
const PAUSE: u32 = 4;

/// What all scripts on events begin with. The list may begin with a snapshot, which is all events before it: `base` is the number
/// of the list's first event, and `folded` of the first one behind the snapshot. `generation` counts how often it was put together
/// again after a loss.
const PLACE: &str = "
local events, epoch, token, place = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local function field(name) return tonumber(redis.call('HGET', place, name) or '0') end
local base, folded, generation = field('base'), field('folded'), field('generation')
";

/// What scripts of who has read events go on with. `is_lost` says whether some of these are not there any more, by the last one
/// of them. `new` gives a page of what was not read, with where it begins and where all of it ends; who has not come to the end of a
/// snapshot reads that, from its beginning unless it was known.
const READER: &str = "
local given, known, page = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local since, last = tonumber(ARGV[4]), ARGV[5]
local function is_lost()
  if generation ~= since then return generation < since end
  if given > base + redis.call('LLEN', events) then return true end
  return given > base and given > folded and redis.call('LINDEX', events, given - base - 1) ~= last
end
local function new(status)
  local from = given - base
  if generation ~= since or (known ~= base and given < folded) then from = 0 end
  local found = redis.call('LRANGE', events, from, from + page - 1)
  local length = base + redis.call('LLEN', events)
  local head = {status, base, base + from, length, generation}
  for i = #head, 1, -1 do table.insert(found, 1, tostring(head[i])) end
  return found
end
if is_lost() then return {'lost'} end
";

const READ: &str = "return new('read')";

/// Adds an event to the list if as much has been decided as is known, and gives what is not known yet. A decision also has to
/// have the newest token.
const APPEND: &str = "
if ARGV[8] ~= '' and redis.call('GET', token) ~= ARGV[8] then return {'fenced'} end
if generation ~= since or (redis.call('GET', epoch) or '0') ~= ARGV[6] then return {'stale'} end
redis.call('RPUSH', events, ARGV[7])
if ARGV[8] ~= '' then redis.call('INCR', epoch) end
return new('written')";

/// Puts a snapshot in the place of all events, if there are none that it does not have.
const COMPACT: &str = "
local length = base + redis.call('LLEN', events)
if redis.call('GET', token) ~= ARGV[1] then return {'fenced'} end
if tostring(length) ~= ARGV[2] then return {'stale'} end
redis.call('DEL', events)
for i = 3, #ARGV do redis.call('RPUSH', events, ARGV[i]) end
base = length - (#ARGV - 2)
redis.call('HSET', place, 'base', base, 'folded', length)
return {'written'}";

/// Puts a snapshot in the place of what a loss has left, as the next generation of the list, if nobody else has.
const RESTORE: &str = "
if redis.call('GET', token) ~= ARGV[1] then return {'fenced'} end
if generation >= tonumber(ARGV[2]) then return {'stale'} end
redis.call('DEL', events)
for i = 4, #ARGV do redis.call('RPUSH', events, ARGV[i]) end
redis.call('SET', epoch, ARGV[3])
redis.call('HSET', place, 'base', 0, 'folded', #ARGV - 3, 'generation', ARGV[2])
return {'written'}";

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
/// Nothing is written from what a replica does not know to have been decided. If Redis has lost events that a replica has read,
/// as after a fail-over or a start without its files, whoever decides puts them there again, and all go on by that.
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
    generation: i64,
    /// The last event that was given.
    last: Vec<u8>,
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
            generation: 0,
            last: Vec::new(),
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

    /// One that goes on from what this handle has given.
    fn reading(&self, script: &str) -> Cmd {
        let mut eval = self.script(&format!("{READER}{script}"));
        eval.arg(self.given).arg(self.base).arg(PAGE);
        eval.arg(self.generation).arg(&self.last[..]);
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
        let mut append = self.reading(APPEND);
        append.arg(epoch);
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
            Some(b"lost") => return Err(JournalError::Lost),
            _ => return Err(JournalError::NotDeciding),
        }
        let (base, from, length) = (numbers(1), numbers(2), numbers(3));
        let (Some(base), Some(from), Some(length), Some(generation)) =
            (base, from, length, numbers(4))
        else {
            let problem = "an answer that is none".to_owned();
            return Err(JournalError::Format { place, problem });
        };
        (self.base, self.given, self.generation) = (base, from, generation);
        for event in answer.into_iter().skip(5) {
            read(decode(&event, &place)?);
            (self.given, self.last) = (self.given + 1, event);
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
            let page = self.reading(READ);
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

    fn restore(&mut self, snapshot: &[Event], epoch: u64) -> Result<(), JournalError> {
        let place = self.key("events");
        let first: Option<Vec<u8>> = self.ask(cmd("LINDEX").arg(&place).arg(0))?;
        let first = first.map(|it| decode(&it, &place)).transpose()?;
        if !first.as_ref().is_none_or(|it| is_of(it, snapshot)) {
            let problem = "another roll-out in the place of this one".to_owned();
            return Err(JournalError::Format { place, problem });
        }
        if !self.claim(false)? {
            return Err(JournalError::Lost);
        }
        let mut restore = self.script(RESTORE);
        restore.arg(self.token).arg(self.generation + 1).arg(epoch);
        let mut last = Vec::new();
        for event in snapshot {
            last = encode(event, &place)?;
            restore.arg(&last[..]);
        }
        let answer: Vec<Vec<u8>> = self.ask(&restore)?;
        if answer.first().map(Vec::as_slice) != Some(b"written") {
            return Err(JournalError::Lost);
        }
        let given = i64::try_from(snapshot.len()).unwrap_or(i64::MAX);
        (self.base, self.given, self.last) = (0, given, last);
        self.generation += 1;
        Ok(())
    }
}

/// Whether what a list begins with is of the same roll-out as a snapshot.
fn is_of(first: &Event, snapshot: &[Event]) -> bool {
    let opened = |event: &Event| match event {
        Event::Opened(opened) => Some(Opened::clone(opened)),
        Event::Snapshot(state) => Some(state.opened().clone()),
        _ => None,
    };
    let of = |it: Opened| (it.stable, it.candidate, it.config);
    let ours = snapshot.first().and_then(opened).map(of);
    // A loss may have left what is in the middle of a snapshot.
    opened(first).is_none_or(|it| Some(of(it)) == ours)
}

impl fmt::Debug for RedisJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisJournal")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
