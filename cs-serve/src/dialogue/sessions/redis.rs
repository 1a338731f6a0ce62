//! Sessions that replicas share, in Redis.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Client, Cmd, Connection, FromRedisValue, RedisError, RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::{Sessions, at_least, decode, encode};
use crate::dialogue::error::{ChatError, SessionError};
use crate::dialogue::event::Event;

/// Adds events to a list if it has as many as are known, and has it expire.
const APPEND: &str = "
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
for at = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[at]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1";
/// How many keys are looked through at once.
const SCANNED: usize = 1_000;
/// How many connections are kept for the next turn.
const MOST_IDLE: usize = 32;

/// Which Redis has the sessions, and how they are kept there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSessionsConfig {
    /// Where it is: `redis://host:port/database`, or `redis+unix:///path`.
    pub url: String,
    /// What its keys begin with. `cs-session` by default.
    pub namespace: String,
    /// How long it may take, one second by default.
    #[serde(rename = "timeout_ms", with = "crate::millis")]
    pub timeout: Duration,
    /// How long a session is kept after its last event. A day by default.
    #[serde(rename = "expiry_ms", with = "crate::millis")]
    pub expiry: Duration,
}

impl Default for RedisSessionsConfig {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".into(),
            namespace: "cs-session".into(),
            timeout: Duration::from_secs(1),
            expiry: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl RedisSessionsConfig {
    /// Checks that sessions can be kept at all. The address is looked at by [`RedisSessions::open`].
    ///
    /// # Errors
    /// [`ChatError::Config`] for an expiry under a second, no time to answer, or no namespace.
    pub fn validate(&self) -> Result<(), ChatError> {
        at_least("expiry_ms", self.expiry.as_millis(), 1_000, "at least 1000")?;
        at_least("timeout_ms", self.timeout.as_millis(), 1, "at least 1")?;
        if self.namespace.is_empty() {
            return Err(ChatError::Config {
                name: "namespace",
                found: "nothing".into(),
                expected: "what keys begin with",
            });
        }
        Ok(())
    }
}

impl fmt::Debug for RedisSessionsConfig {
    /// Formats it without the address, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessionsConfig")
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

/// Sessions that replicas share: a list of events for each, by Redis' clock. Two replicas that answer in
/// one session at the same time do not both: the second one's events are refused.
pub struct RedisSessions {
    client: Client,
    idle: Mutex<Vec<Connection>>,
    config: RedisSessionsConfig,
}

impl RedisSessions {
    /// Connects to Redis.
    ///
    /// # Errors
    /// [`SessionError::Open`] if the configuration cannot work, the address is none, or Redis does not answer.
    pub fn open(config: &RedisSessionsConfig) -> Result<Self, SessionError> {
        let refused = |problem: String| SessionError::Open {
            place: "Redis".into(),
            problem,
        };
        config.validate().map_err(|it| refused(it.to_string()))?;
        // Its message may quote the password that the address has.
        let failed = |error: RedisError| {
            let category = error.category();
            refused(format!(
                "{category}, expected an answer at redis://HOST:PORT or redis+unix:///PATH"
            ))
        };
        let sessions = Self {
            client: Client::open(config.url.as_str()).map_err(failed)?,
            idle: Mutex::default(),
            config: config.clone(),
        };
        let mut connection = sessions.connect().map_err(failed)?;
        cmd("PING")
            .query::<String>(&mut connection)
            .map_err(failed)?;
        sessions.keep(connection);
        Ok(sessions)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let timeout = self.config.timeout;
        let connection = self.client.get_connection_with_timeout(timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        Ok(connection)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    /// Asks Redis by a connection of before, or by a new one. What is not said twice is said by a connection
    /// that has answered just now.
    fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        is_repeatable: bool,
    ) -> Result<T, SessionError> {
        self.try_ask(command, is_repeatable)
            .map_err(|error| SessionError::Store {
                source: format!("Redis: {}", error.category()).into(),
            })
    }

    fn try_ask<T: FromRedisValue>(&self, command: &Cmd, is_repeatable: bool) -> RedisResult<T> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(mut connection) = idle {
            let is_alive = is_repeatable || cmd("PING").query::<String>(&mut connection).is_ok();
            if is_alive {
                let answer = command.query(&mut connection);
                if answer.is_ok() || !is_repeatable {
                    return self.answered(connection, answer);
                }
            }
        }
        let mut connection = self.connect()?;
        let answer = command.query(&mut connection);
        self.answered(connection, answer)
    }

    fn answered<T>(&self, connection: Connection, answer: RedisResult<T>) -> RedisResult<T> {
        if answer.is_ok() {
            self.keep(connection);
        }
        answer
    }

    fn key(&self, session: &str) -> String {
        format!("{}:{session}", self.config.namespace)
    }
}

impl Sessions for RedisSessions {
    fn load(&self, session: &str, from: usize, _now: u64) -> Result<Vec<Event>, SessionError> {
        let mut range = cmd("LRANGE");
        range.arg(self.key(session)).arg(from).arg(-1);
        let events: Vec<Vec<u8>> = self.ask(&range, true)?;
        events.iter().map(|event| decode(event)).collect()
    }

    fn append(
        &self,
        session: &str,
        known: usize,
        events: &[Event],
        _now: u64,
    ) -> Result<(), SessionError> {
        let millis = u64::try_from(self.config.expiry.as_millis()).unwrap_or(u64::MAX);
        let mut append = cmd("EVAL");
        append.arg(APPEND).arg(1).arg(self.key(session));
        append.arg(known).arg(millis);
        for event in events {
            append.arg(encode(event)?);
        }
        match self.ask::<u32>(&append, false)? {
            0 => Err(SessionError::Changed),
            _ => Ok(()),
        }
    }

    fn expiry(&self) -> Duration {
        self.config.expiry
    }

    fn delete(&self, session: &str) -> Result<bool, SessionError> {
        let mut delete = cmd("DEL");
        delete.arg(self.key(session));
        Ok(self.ask::<u32>(&delete, true)? > 0)
    }

    fn count(&self, _now: u64) -> Result<usize, SessionError> {
        let (mut cursor, mut count) = (0_u64, 0);
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(self.key("*"));
            scan.arg("COUNT").arg(SCANNED);
            let (next, keys): (u64, Vec<String>) = self.ask(&scan, true)?;
            count += keys.len();
            cursor = next;
            if cursor == 0 {
                return Ok(count);
            }
        }
    }
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
