//! Answers that replicas share, in Redis. Whatever is wrong with it, answers are made without.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ::redis::{Client, Connection, RedisError, RedisResult, cmd};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::question::Key;
use crate::error::CacheError;

/// The questions that may wait for Redis; one more is not asked there.
const WAITING: usize = 256;

/// How long Redis is left alone after a failure, and how often evictions are looked for.
const PAUSE: Duration = Duration::from_secs(1);

/// The replicas' common cache.
///
/// ```
/// use cs_serve::route::{Cache, CacheConfig, RedisConfig};
/// use cs_serve::Understanding;
///
/// let redis = RedisConfig { url: "redis://127.0.0.1:1".into(), ..RedisConfig::default() };
/// let cache: Cache<Understanding> = Cache::with_redis(CacheConfig::default(), &redis)?;
/// assert!(!cache.redis().unwrap().is_up); // nobody is there, and the cache does without
/// # Ok::<(), cs_serve::CacheError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// Where it is: `redis://host:port/database`, or `redis+unix:///path`.
    pub url: String,
    /// What its keys begin with. Replicas that decide differently have different ones.
    /// `cs-route` by default.
    pub namespace: String,
    /// How long it may take. 50 ms by default; what has waited for longer is answered without.
    #[serde(rename = "timeout_ms", with = "crate::millis")]
    pub timeout: Duration,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".into(),
            namespace: "cs-route".into(),
            timeout: Duration::from_millis(50),
        }
    }
}

/// How the replicas' common cache does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedisState {
    /// Whether it answered lately. If not, each replica goes by its own cache alone, and tries again
    /// every second.
    pub is_up: bool,
    /// Answers that another replica had made.
    pub found: u64,
    /// Connections that failed, and answers that did not come in time.
    pub failed: u64,
    /// Answers that it did not keep, for want of memory, say.
    pub refused: u64,
    /// What was found under an answer's key and is none.
    pub garbage: u64,
}

#[derive(Debug, Default)]
struct Counters {
    is_up: AtomicBool,
    found: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    garbage: AtomicU64,
}

/// The way to the thread that talks to Redis, so that no answer waits on a socket. The thread ends
/// with it.
pub(super) struct Redis {
    jobs: SyncSender<Job>,
    counters: Arc<Counters>,
    namespace: String,
    ttl: Duration,
}

enum Job {
    Get(String, Instant, Owed),
    Set(String, Vec<u8>, Duration),
    Evict(String, Vec<u8>, Duration),
}

/// What is done when another replica has evicted an answer.
pub(super) type OnEvicted = Box<dyn Fn(Key) + Send>;

impl Redis {
    pub(super) fn new(
        config: &RedisConfig,
        ttl: Duration,
        on_evicted: OnEvicted,
    ) -> Result<Self, CacheError> {
        let client = Client::open(config.url.as_str()).map_err(|source| CacheError::Redis {
            // Its message may quote the password that the address has.
            problem: source.category().to_owned(),
        })?;
        let (jobs, queue) = sync_channel(WAITING);
        let counters = Arc::new(Counters::default());
        let mut worker = Worker {
            client,
            timeout: config.timeout.max(Duration::from_millis(1)),
            evicted: format!("{}:evicted", config.namespace),
            counters: Arc::clone(&counters),
            on_evicted,
            connection: None,
            tried: None,
            seen: None,
            looked: Instant::now(),
        };
        worker.connect();
        std::thread::Builder::new()
            .name("cs-redis".into())
            .spawn(move || worker.run(&queue))
            .map_err(|source| CacheError::Thread { source })?;
        Ok(Self {
            jobs,
            counters,
            namespace: config.namespace.clone(),
            ttl: ttl.max(Duration::from_millis(1)),
        })
    }

    fn name(&self, key: &Key) -> String {
        let mut sum = Sha256::new();
        sum.update((key.version.len() as u64).to_le_bytes());
        sum.update(key.version.as_bytes());
        sum.update(key.text.as_bytes());
        format!("{}:{:x}", self.namespace, sum.finalize())
    }

    /// Gives what is kept under a key; `None` also if Redis is down, slow or asked too much.
    pub(super) async fn get(&self, key: &Key) -> Option<Vec<u8>> {
        if !self.counters.is_up.load(Ordering::Relaxed) {
            return None;
        }
        let reply = Arc::new(Reply::default());
        let job = Job::Get(self.name(key), Instant::now(), Owed(Arc::clone(&reply)));
        self.jobs.try_send(job).ok()?;
        Wait(reply).await
    }

    /// Has an answer kept, some time soon.
    pub(super) fn set(&self, key: &Key, value: Vec<u8>) {
        if self.counters.is_up.load(Ordering::Relaxed) {
            let sent = self
                .jobs
                .try_send(Job::Set(self.name(key), value, self.ttl));
            if sent.is_err() {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Has every replica forget an answer within a second or so. Waits for room in the queue, as an
    /// eviction must not get lost.
    pub(super) fn evict(&self, key: &Key) {
        let told = Told {
            version: (*key.version).into(),
            text: (*key.text).into(),
        };
        if let Ok(told) = serde_json::to_vec(&told) {
            // The thread lives as long as this sender.
            let _ = self.jobs.send(Job::Evict(self.name(key), told, self.ttl));
        }
    }

    pub(super) fn count_found(&self, is_answer: bool) {
        let counter = if is_answer {
            &self.counters.found
        } else {
            &self.counters.garbage
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> RedisState {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RedisState {
            is_up: self.counters.is_up.load(Ordering::Relaxed),
            found: load(&self.counters.found),
            failed: load(&self.counters.failed),
            refused: load(&self.counters.refused),
            garbage: load(&self.counters.garbage),
        }
    }
}

impl fmt::Debug for Redis {
    /// Formats it without its address, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// A key, as replicas tell each other.
#[derive(Serialize, Deserialize)]
struct Told {
    version: String,
    text: String,
}

struct Worker {
    client: Client,
    timeout: Duration,
    /// The list of evictions.
    evicted: String,
    counters: Arc<Counters>,
    on_evicted: OnEvicted,
    connection: Option<Connection>,
    tried: Option<Instant>,
    /// How many evictions were seen; `None` before the first connection, as what came before is not
    /// known here anyway.
    seen: Option<isize>,
    looked: Instant,
}

impl Worker {
    fn run(mut self, queue: &Receiver<Job>) {
        loop {
            match queue.recv_timeout(PAUSE) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.connection.is_none() {
                self.connect();
            }
            if self.looked.elapsed() >= PAUSE {
                self.looked = Instant::now();
                self.look();
            }
        }
    }

    /// Connects, unless it was tried just now.
    fn connect(&mut self) {
        if self.tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
            return;
        }
        self.tried = Some(Instant::now());
        match self.connected() {
            Ok(connection) => {
                tracing::info!("Redis answers");
                self.connection = Some(connection);
                self.counters.is_up.store(true, Ordering::Relaxed);
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
        if self.counters.is_up.swap(false, Ordering::Relaxed) {
            let kind = error.category();
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
                reply.0.give(value);
            }
            Job::Set(name, value, ttl) => {
                let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
                let set = self.ask::<()>(cmd("SET").arg(name).arg(value).arg("PX").arg(millis));
                if set.is_none() {
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            Job::Evict(name, told, ttl) => {
                let seconds = ttl.as_secs().saturating_add(1);
                self.ask::<()>(cmd("DEL").arg(name));
                self.ask::<()>(cmd("RPUSH").arg(self.evicted.clone()).arg(told));
                self.ask::<()>(cmd("EXPIRE").arg(self.evicted.clone()).arg(seconds));
            }
        }
    }

    /// Asks Redis; `None` if there is no answer, or another one than was expected.
    fn ask<T: ::redis::FromRedisValue>(&mut self, command: &::redis::Cmd) -> Option<T> {
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

/// An answer of the worker to come.
#[derive(Default)]
struct Reply {
    state: Mutex<ReplyState>,
}

#[derive(Default)]
struct ReplyState {
    /// What was found, once that is known.
    found: Option<Option<Vec<u8>>>,
    waker: Option<Waker>,
}

/// The duty to answer. Whoever waits gets nothing if it is dropped.
struct Owed(Arc<Reply>);

impl Drop for Owed {
    fn drop(&mut self) {
        self.0.give(None);
    }
}

impl Reply {
    /// Gives the answer, unless one was given before.
    fn give(&self, value: Option<Vec<u8>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.found.get_or_insert(value);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// The wait for it.
struct Wait(Arc<Reply>);

impl Future for Wait {
    type Output = Option<Vec<u8>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.found {
            Some(value) => Poll::Ready(value.take()),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
