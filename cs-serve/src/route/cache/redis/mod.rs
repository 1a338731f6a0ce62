//! Answers that replicas share, in Redis. Whatever is wrong with it, answers are made without.

mod reply;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ::redis::Client;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::reply::{Owed, Reply, Wait};
pub(super) use self::worker::OnEvicted;
use self::worker::{Eviction, Job, Told, Worker};
use super::question::Key;
use crate::error::CacheError;

/// The questions that may wait for Redis; one more is not asked there.
const WAITING: usize = 256;

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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl fmt::Debug for RedisConfig {
    /// Formats it without the address, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("namespace", &self.namespace)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
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
        let shared = Arc::clone(&counters);
        let mut worker = Worker::new(client, config, shared, on_evicted);
        worker.connect(Instant::now());
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

    /// Has every replica forget an answer: within a second or so, or once Redis answers again. Waits
    /// for room in the queue, as an eviction must not get lost.
    pub(super) fn evict(&self, key: &Key) {
        let told = Told {
            version: (*key.version).into(),
            text: (*key.text).into(),
        };
        if let Ok(told) = serde_json::to_vec(&told) {
            // The thread lives as long as this sender.
            let _ = self.jobs.send(Job::Evict(Eviction {
                name: self.name(key),
                told,
                ttl: self.ttl,
            }));
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
