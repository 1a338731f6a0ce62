//! Answers that are kept: of the same text, and of texts that ask the same.
//!
//! - [`Cache`] keeps answers, for a time and in so many bytes; those of one *version*, the models
//!   and whatever else they follow from, are not given in another.
//! - [`Question`] is a text as it is looked up; [`Semantic`] says when two of them ask the same,
//!   and [`fit_distance`] finds the largest distance at which they still do.
//! - [`Shareable`] marks what may be kept for everybody.

mod courtesy;
mod entry;
mod fit;
mod flight;
mod index;
mod meaning;
mod question;
#[cfg(feature = "redis")]
mod redis;

use std::fmt;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cs_model::Understanding;
use serde::{Deserialize, Serialize};

pub use self::entry::Shareable;
pub use self::fit::{FittedDistance, TextPair, fit_distance, words_that_may_differ};
pub use self::meaning::Semantic;
pub use self::question::{Key, Question};
#[cfg(feature = "redis")]
pub use self::redis::{RedisConfig, RedisState};

pub(crate) use self::entry::Entry;
use self::flight::Flights;
pub(crate) use self::flight::Ticket;
use self::index::Index;
use self::meaning::Meaning;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How much is kept, how long, and what is taken for the same.
///
/// ```
/// use cs_serve::route::CacheConfig;
///
/// let config: CacheConfig = serde_json::from_str(r#"{"ttl_ms": 60000}"#)?;
/// assert_eq!(config.ttl.as_secs(), 60);
/// assert_eq!(config.max_bytes, 64 << 20);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// The bytes that answers and their texts may take. 64 MiB by default. Of more, those stay that
    /// are asked for most (TinyLFU), so that a flood of texts that come once takes no place.
    pub max_bytes: u64,
    /// How long an answer is kept, at most a year. One hour by default. It is measured by a clock
    /// that does not jump.
    #[serde(rename = "ttl_ms", with = "crate::millis")]
    pub ttl: Duration,
    /// When two texts ask the same. `None`, the default, takes the same text alone.
    pub semantic: Option<Semantic>,
    /// The texts of an intent among which one that asks the same is looked for: the latest. 1024 by
    /// default, each of which takes four bytes for each of the light encoder's width.
    pub texts_per_intent: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            ttl: Duration::from_secs(3600),
            semantic: None,
            texts_per_intent: 1024,
        }
    }
}

/// How many questions were answered from a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Answers to the same text.
    pub exact: u64,
    /// Answers to a text that asks the same.
    pub semantic: u64,
    /// Answers to a question that another one was just asking.
    pub shared: u64,
    /// Questions that had to be answered.
    pub missed: u64,
}

/// The kinds of [`CacheCounts`], in the order of its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Exact,
    Semantic,
    Shared,
    Missed,
}

/// A cache of answers, for any number of threads. No lock is held while an answer is made.
///
/// An answer is found by the same text, whatever its case, spaces, invisible characters and final
/// full stop; what depends on those, as an entity's place, is only given to the very same text. A
/// text with invisible characters, or with letters replaced by others that look alike, is answered
/// from the cache and never fills it: so nobody can put an answer there for those who ask plainly.
///
/// ```
/// use std::sync::Arc;
/// use cs_serve::Understanding;
/// use cs_serve::route::{Cache, CacheConfig, Question};
///
/// let cache = Cache::new(CacheConfig::default());
/// let version: Arc<str> = "model 1, prices of May".into();
/// let question = Question::new(&version, "Where is my parcel?");
/// let answer = Understanding { text: "Where is my parcel?".into(), ..Default::default() };
/// cache.insert(&question, &answer);
///
/// let shouted = Question::new(&version, "WHERE IS MY  PARCEL?");
/// assert_eq!(cache.get(&shouted).unwrap().text, "WHERE IS MY  PARCEL?");
/// let june = Question::new(&"model 1, prices of June".into(), "Where is my parcel?");
/// assert!(cache.get(&june).is_none());
/// cache.evict(&shouted);
/// assert!(cache.get(&question).is_none());
/// ```
pub struct Cache<V: Shareable> {
    config: CacheConfig,
    entries: moka::sync::Cache<Key, Entry<V>>,
    index: Index,
    hash: RandomState,
    flights: Flights<Entry<V>>,
    knowledge: RwLock<Arc<str>>,
    counts: [AtomicU64; 4],
    #[cfg(feature = "redis")]
    redis: Option<redis::Redis>,
}

impl<V: Shareable> Cache<V> {
    /// Makes an empty cache.
    #[must_use]
    pub fn new(config: CacheConfig) -> Self {
        let bytes = |key: &Key, entry: &Entry<V>| {
            u32::try_from(key.bytes() + entry.bytes()).unwrap_or(u32::MAX)
        };
        Self {
            entries: moka::sync::Cache::builder()
                .max_capacity(config.max_bytes)
                .weigher(bytes)
                .time_to_live(config.ttl.min(YEAR))
                .build(),
            index: Index::new(config.texts_per_intent),
            hash: RandomState::new(),
            flights: Flights::default(),
            knowledge: RwLock::default(),
            counts: Default::default(),
            #[cfg(feature = "redis")]
            redis: None,
            config,
        }
    }

    /// Makes a cache that shares its answers with other replicas by Redis. While that is down, slow
    /// or full, this one goes by its own answers; that is no error, and [`redis`](Self::redis) tells
    /// it. Texts that ask the same are compared with those of this replica alone. An answer from
    /// there is kept here for the same time once more. How long Redis keeps it goes by the clock of
    /// its machine: where that jumps, it is kept for longer or shorter, and never given in another
    /// version.
    ///
    /// # Errors
    /// [`CacheError::Redis`](crate::CacheError) for an address that is none, and
    /// [`CacheError::Thread`](crate::CacheError) if no thread could be started.
    #[cfg(feature = "redis")]
    pub fn with_redis(config: CacheConfig, redis: &RedisConfig) -> Result<Self, crate::CacheError> {
        let ttl = config.ttl.min(YEAR);
        let cache = Self::new(config);
        let entries = cache.entries.clone();
        let on_evicted = Box::new(move |key| entries.invalidate(&key));
        Ok(Self {
            redis: Some(redis::Redis::new(redis, ttl, on_evicted)?),
            ..cache
        })
    }

    /// Gives how the replicas' common cache does, if there is one.
    #[cfg(feature = "redis")]
    pub fn redis(&self) -> Option<RedisState> {
        self.redis.as_ref().map(redis::Redis::state)
    }

    /// Has what is kept be of another version of knowledge from now on: prices, rules, whatever
    /// answers follow from besides the models. What was made with another one is not given any
    /// more, also if it is only now being made.
    pub fn set_knowledge(&self, version: &str) {
        let mut knowledge = self
            .knowledge
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *knowledge = version.into();
    }

    /// Gives the version of answers by these models and the present knowledge.
    pub fn version(&self, models: &[&str]) -> Arc<str> {
        let knowledge = self
            .knowledge
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut version = models.join("\n");
        version.push('\n');
        version.push_str(&knowledge);
        version.into()
    }

    /// Gives the answer to the same text.
    pub fn get(&self, question: &Question<'_>) -> Option<V> {
        self.entries.get(&question.key)?.for_text(question.text())
    }

    /// Gives the answer to the same text, of this replica or of another one.
    pub async fn find(&self, question: &Question<'_>) -> Option<V> {
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.redis
            && !self.entries.contains_key(&question.key)
            && let Some(bytes) = redis.get(&question.key).await
        {
            let entry = serde_json::from_slice::<Entry<V>>(&bytes).ok();
            // Under a key there is an answer to its text, and nothing else.
            let entry = entry.filter(|it| question::normal_form(&it.text) == *question.key.text);
            redis.count_found(entry.is_some());
            if let Some(entry) = entry {
                self.entries.insert(question.key.clone(), entry);
            }
        }
        self.get(question)
    }

    /// Gives the answer to a text that asks the same, and what it is kept under. `light` is what
    /// the light model understands of the question, with its vector.
    pub fn similar(&self, question: &Question<'_>, light: &Understanding) -> Option<(Key, V)> {
        /// Texts that are still in the index and whose answers have gone, at most so many in a row.
        const GONE: usize = 16;
        let (semantic, intent, vector) = self.semantic(light)?;
        let meaning = Meaning::new(&question.key.text, light, semantic, &self.hash);
        let (version, most) = (&*question.key.version, semantic.max_distance);
        for _ in 0..GONE {
            let nearest = self.index.nearest(version, intent, &meaning, vector, most);
            let key = nearest?;
            if let Some(entry) = self.entries.get(&key) {
                return Some((key, entry.value));
            }
            self.index.remove(intent, &key);
        }
        None
    }

    /// Keeps an answer, if the text is written plainly; gives whether it does.
    pub fn insert(&self, question: &Question<'_>, answer: &V) -> bool {
        let can_fill = question.can_fill();
        if can_fill {
            let entry = Entry::new(question.text(), answer);
            #[cfg(feature = "redis")]
            if let Some(redis) = &self.redis
                && let Ok(bytes) = serde_json::to_vec(&entry)
            {
                redis.set(&question.key, bytes);
            }
            self.entries.insert(question.key.clone(), entry);
        }
        can_fill
    }

    /// Keeps an answer also for texts that ask the same.
    pub fn insert_similar(&self, question: &Question<'_>, light: &Understanding, answer: &V) {
        let kept = self.insert(question, answer);
        if let Some((semantic, intent, vector)) = self.semantic(light).filter(|_| kept) {
            let meaning = Meaning::new(&question.key.text, light, semantic, &self.hash);
            self.index.insert(intent, &question.key, meaning, vector);
        }
    }

    /// Forgets the answer to a text, because it is wrong; gives whether this replica had one. Texts
    /// that ask the same lose it too.
    pub fn evict(&self, question: &Question<'_>) -> bool {
        self.evict_key(&question.key)
    }

    /// Forgets the answer that is kept under a key; gives whether this replica had one.
    pub fn evict_key(&self, key: &Key) -> bool {
        let evicted = self.entries.remove(key).is_some();
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.redis {
            redis.evict(key);
        }
        evicted
    }

    /// Forgets everything that this replica keeps.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// Gives how many questions were answered from the cache.
    pub fn counts(&self) -> CacheCounts {
        let [exact, semantic, shared, missed] =
            [0, 1, 2, 3].map(|kind: usize| self.counts[kind].load(Ordering::Relaxed));
        CacheCounts {
            exact,
            semantic,
            shared,
            missed,
        }
    }

    pub(crate) fn count(&self, kind: Kind) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Has the question answered once, whoever else asks it.
    pub(crate) fn join(&self, question: &Question<'_>) -> Ticket<'_, Entry<V>> {
        self.flights.join(&question.key)
    }

    /// What similarity goes by, if texts are compared at all and this one can be.
    fn semantic<'a>(&self, light: &'a Understanding) -> Option<(&Semantic, &'a str, &'a [f32])> {
        let semantic = self.config.semantic.as_ref()?;
        let intent = light.intents.first()?;
        let is_whole = !light.truncated;
        let vector = light.embedding.as_deref().filter(|_| is_whole)?;
        Some((semantic, &intent.label, vector))
    }
}

impl<V: Shareable> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("counts", &self.counts())
            .field("entries", &self.entries.entry_count())
            .finish_non_exhaustive()
    }
}
