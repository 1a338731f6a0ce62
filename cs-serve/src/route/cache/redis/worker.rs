//! The thread that talks to Redis.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ::redis::{Client, Cmd, Connection, FromRedisValue, RedisError, RedisResult, cmd};
use serde::{Deserialize, Serialize};

use super::reply::Owed;
use super::{Counters, RedisConfig};
use crate::route::cache::question::Key;

/// How long Redis is left alone after a failure, and how often evictions are looked for.
const PAUSE: Duration = Duration::from_secs(1);

/// What the thread is asked to do.
pub(super) enum Job {
    Get(String, Instant, Owed),
    Set(String, Vec<u8>, Duration),
    Evict(Eviction),
}

/// An answer that every replica has to forget.
pub(super) struct Eviction {
    /// What Redis keeps the answer under.
    pub(super) name: String,
    /// What the other replicas are told: a [`Told`] as JSON.
    pub(super) told: Vec<u8>,
    /// How long they are told.
    pub(super) ttl: Duration,
}

/// A key, as replicas tell each other.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) version: String,
    pub(super) text: String,
}

/// What is done when another replica has evicted an answer.
pub(in crate::route::cache) type OnEvicted = Box<dyn Fn(Key) + Send>;

/// Something that is due every second.
#[derive(Default)]
struct Pulse {
    last: Option<Instant>,
}

impl Pulse {
    /// Whether it is due, which it then is not for a second. A clock that goes back does not delay it.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_early = |last| last <= now && now.duration_since(last) < PAUSE;
        if self.last.is_some_and(is_early) {
            return false;
        }
        self.last = Some(now);
        true
    }
}

pub(super) struct Worker {
    client: Client,
    timeout: Duration,
    /// The name of the list of evictions.
    evicted: String,
    counters: Arc<Counters>,
    on_evicted: OnEvicted,
    connection: Option<Connection>,
    /// Whether Redis answered at last, as far as the log knows.
    logged: Option<bool>,
    connecting: Pulse,
    looking: Pulse,
    /// The evictions that Redis does not know yet.
    untold: VecDeque<Eviction>,
    /// How many evictions were seen; `None` before the first connection, as what came before is not
    /// known here anyway.
    seen: Option<isize>,
}

impl Worker {
    pub(super) fn new(
        client: Client,
        config: &RedisConfig,
        counters: Arc<Counters>,
        on_evicted: OnEvicted,
    ) -> Self {
        Self {
            client,
            timeout: config.timeout.max(Duration::from_millis(1)),
            evicted: format!("{}:evicted", config.namespace),
            counters,
            on_evicted,
            connection: None,
            logged: None,
            connecting: Pulse::default(),
            looking: Pulse::default(),
            untold: VecDeque::new(),
            seen: None,
        }
    }

    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        loop {
            match queue.recv_timeout(PAUSE) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            self.connect(now);
            if self.looking.is_due(now) {
                self.tell();
                self.look();
            }
        }
    }

    /// Connects, if it has to and did not try just now.
    pub(super) fn connect(&mut self, now: Instant) {
        if self.connection.is_some() || !self.connecting.is_due(now) {
            return;
        }
        match self.connected() {
            Ok(connection) => {
                self.connection = Some(connection);
                self.counters.is_up.store(true, Ordering::Relaxed);
                match self.logged.replace(true) {
                    Some(false) => tracing::warn!("Redis answers again"),
                    _ => tracing::info!("Redis answers"),
                }
                self.tell();
                self.look();
            }
            Err(error) => self.failed(&error),
        }
    }

    fn connected(&self) -> RedisResult<Connection> {
        let mut connection = self.client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        cmd("PING").query::<String>(&mut connection)?;
        Ok(connection)
    }

    fn failed(&mut self, error: &RedisError) {
        self.connection = None;
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        self.counters.is_up.store(false, Ordering::Relaxed);
        if self.logged.replace(false) != Some(false) {
            let kind = error.category(); // the message may have the address, and its password
            tracing::warn!(
                kind,
                "Redis fails: each replica goes by its own cache alone"
            );
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Get(name, asked, reply) => {
                let value = if asked.elapsed() < self.timeout {
                    self.ask(cmd("GET").arg(name)).flatten()
                } else {
                    None
                };
                reply.give(value);
            }
            Job::Set(name, value, ttl) => {
                let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
                let set = self.ask::<()>(cmd("SET").arg(name).arg(value).arg("PX").arg(millis));
                if set.is_none() {
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            Job::Evict(eviction) => {
                self.untold.push_back(eviction);
                self.tell();
            }
        }
    }

    /// Asks Redis; `None` if there is no answer, or another one than was expected.
    fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Option<T> {
        match command.query(self.connection.as_mut()?) {
            Ok(value) => Some(value),
            // It has answered, if only that it does not do that: its memory is full.
            Err(error) if error.code().is_some() => None,
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Tells Redis of evictions. Those that it does not take, as it is down, say, are told later.
    fn tell(&mut self) {
        while let Some(Eviction { name, told, ttl }) = self.untold.front() {
            let seconds = ttl.as_secs().saturating_add(1);
            let delete = cmd("DEL").arg(name).clone();
            let push = cmd("RPUSH").arg(&self.evicted).arg(told).clone();
            let expire = cmd("EXPIRE").arg(&self.evicted).arg(seconds).clone();
            let mut commands = [delete, push, expire].into_iter();
            if !commands.all(|command| self.ask::<()>(&command).is_some()) {
                return;
            }
            self.untold.pop_front();
        }
    }

    /// Looks for what other replicas have evicted.
    fn look(&mut self) {
        let list = self.evicted.clone();
        let Some(length) = self.ask::<isize>(cmd("LLEN").arg(&list)) else {
            return;
        };
        // A shorter list is a new one: the old one had its time.
        let seen = self.seen.filter(|&seen| seen <= length);
        let from = seen.unwrap_or(if self.seen.is_some() { 0 } else { length });
        self.seen = Some(length);
        if from == length {
            return;
        }
        let range = self.ask::<Vec<Vec<u8>>>(cmd("LRANGE").arg(&list).arg(from).arg(length - 1));
        for told in range.into_iter().flatten() {
            match serde_json::from_slice::<Told>(&told) {
                Ok(Told { version, text }) => (self.on_evicted)(Key {
                    version: version.into(),
                    text: text.into(),
                }),
                Err(_) => {
                    self.counters.garbage.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_every_second_is_so_whatever_the_clock_does() {
        let mut pulse = Pulse::default();
        let hour = Instant::now() + Duration::from_secs(3600);
        let at = |seconds: f64| hour + Duration::from_secs_f64(seconds);
        assert!(pulse.is_due(at(0.0)));
        assert!(!pulse.is_due(at(0.0)) && !pulse.is_due(at(0.999)));
        assert!(pulse.is_due(at(1.0)));
        assert!(pulse.is_due(at(90_000.0))); // a day ahead
        assert!(pulse.is_due(hour - Duration::from_secs(1800))); // and back, beyond where it began
        assert!(!pulse.is_due(hour - Duration::from_millis(1_799_001)));
        assert!(pulse.is_due(at(0.0)));
    }
}
