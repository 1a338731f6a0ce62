//! Many callers at once: the queue, batches and threads between a service's requests and an
//! [`Assistant`].
//!
//! - [`Engine`] owns the threads; [`Engine::drain`] ends it in order.
//! - [`Handle`] is what the service's threads and tasks hold: [`Handle::understand`] blocks,
//!   [`Handle::submit`] gives a future, [`Handle::swap`] changes the model.
//! - [`EngineConfig`] bounds everything; [`Snapshot`] tells what happens.
//! - [`generation`] does the same for texts that are written.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use cs_serve::EngineError;
//! use cs_serve::engine::{Engine, EngineConfig, Options, Priority};
//!
//! # use cs_data::Tokenizer;
//! # use cs_model::{BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, Tasks};
//! # use cs_model::{HeadOutput, Matrix};
//! # use cs_serve::{Assistant, ScriptedBackend};
//! # let dir = tempfile::tempdir()?;
//! # let tokenizer = Tokenizer::train(["where is my order", "my order is late"].into_iter(), 99)?;
//! # let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..Default::default() };
//! # let intent = Some(vec!["order_status".into(), "refund".into()]);
//! # let mut writer = BundleWriter::new(dir.path())?;
//! # writer.write("config.json", &EncoderConfig::from(config).to_json()?)?;
//! # writer.write("tokenizer.json", &tokenizer.to_json()?)?;
//! # writer.finish(Manifest::new(Tasks { intent, ..Default::default() }, 32))?;
//! # let backend = ScriptedBackend::new(move |batch| {
//! #     let intent = Matrix::new(batch.sequences(), 2, [9.0, 0.0].repeat(batch.sequences()))?;
//! #     Ok(HeadOutput { intent: Some(intent), ..HeadOutput::default() })
//! # });
//! # let assistant = Assistant::new(Bundle::open(dir.path())?, Box::new(backend))?;
//! let engine = Engine::start(Arc::new(assistant), EngineConfig::default())?;
//! let handle = engine.handle(); // Send + Sync + Clone
//!
//! let turn = handle.understand("where is my order", &Options::default())?;
//! assert_eq!(turn.intent.unwrap().label, "order_status");
//!
//! let urgent = Options {
//!     caller: Some("shop 7".into()),
//!     priority: Priority::High,
//!     deadline: Some(Duration::from_secs(2)),
//! };
//! let pending = handle.submit("my order is late", &urgent)?; // or `.await` it
//! assert_eq!(pending.wait()?.intents.len(), 2);
//!
//! assert_eq!(engine.drain(Duration::from_secs(5)).cut_off, 0);
//! let late = handle.understand("is it?", &Options::default());
//! assert!(matches!(late, Err(EngineError::Closed)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way of a request
//!
//! The texts of a request are tokenised on the caller's thread, unless it would be refused whatever
//! is in them. Then the request is put in line, or refused at once with what to do
//! ([`EngineError::retry_after`]): because the queue is full, because this caller has its share of
//! it, or because at the rate measured the answer would come after its deadline. As soon as a
//! worker is free, it takes as many texts as a batch holds, whoever's they are: batches are as
//! large as the load makes them, and no text waits for one to fill. While one is idle, a request
//! goes straight through. Who wants neither queue nor deadline asks the [model](Handle::model).
//!
//! The order is this: [`Priority`] by shares, within a priority callers in turns by tokens, of one
//! caller first come, first served. No text is overtaken because it is long. What came before a
//! [swap](Handle::swap) of models goes first.
//!
//! # What goes wrong
//!
//! - **The caller goes** (drops the future, or a [`Pending`]): what was not begun is not computed.
//! - **The deadline comes**: the request fails within some milliseconds, whether it is in line or
//!   being computed, even by a backend that hangs.
//! - **The backend fails or panics** on a batch: each of its texts is computed once more alone, and
//!   the requests of those that fail again fail. A text that was alone in its batch is not tried
//!   again.
//! - **The backend hangs**: the batch's requests fail at their deadlines. After
//!   [`hang_after`](EngineConfig::hang_after), another thread takes over from the worker, for at
//!   most [`spare_workers`](EngineConfig::spare_workers) workers at once. If the backend comes
//!   back, its thread ends. It is not interrupted: nothing can do that to a thread.
//! - **The engine ends**: see [`Engine::drain`].
//!
//! No error quotes a text, as long as the backend's own errors do not. The message of a panicking
//! backend goes where the process sends it (its panic hook), and into no error.

mod compute;
mod config;
mod counters;
pub mod generation;
mod handle;
mod job;
mod merge;
mod options;
mod pending;
mod policy;
mod reading;
mod shared;
mod sync;
mod threads;
mod windows;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use config::{EngineConfig, Windows};
#[cfg(feature = "http")]
pub(crate) use counters::{Buckets, MICRO};
pub use counters::{Distribution, Refusals, Snapshot, Stages};
pub use handle::Handle;
pub use options::{Options, Priority};
pub use pending::{Pending, PendingAll};

use self::job::Model;
use self::shared::{Phase, Shared};
use self::sync::lock;
use crate::assistant::Assistant;
use crate::error::EngineError;

/// Workers around a model, and the queue in front of them. The [module](self) documents its rules.
///
/// Dropping the engine [drains](Self::drain) it without waiting for any request.
pub struct Engine {
    shared: Arc<Shared>,
    has_ended: bool,
}

/// How an engine ended, as [`Engine::drain`] reports it.
///
/// ```
/// let drained = cs_serve::engine::Drained { cut_off: 0, threads_left: 0 };
/// assert!(drained.is_clean());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// The number of requests that were let in and got [`EngineError::Closed`].
    pub cut_off: usize,
    /// The number of threads whose backend does not come back. They end when it does.
    pub threads_left: usize,
}

impl Drained {
    /// Whether every request had its answer, and every thread has ended.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        (self.cut_off, self.threads_left) == (0, 0)
    }
}

impl Engine {
    /// Starts the workers, and a thread that watches over deadlines. All of them sleep while there
    /// is nothing to do.
    ///
    /// # Errors
    /// [`EngineError::Config`] for a value that cannot work; [`EngineError::Thread`] if the system
    /// starts no more threads.
    pub fn start(model: Arc<Assistant>, config: EngineConfig) -> Result<Self, EngineError> {
        config.validate()?;
        let workers = config.workers.get();
        let model = Arc::new(Model {
            assistant: model,
            generation: 0,
        });
        // If a thread cannot be started, dropping this ends those that were.
        let engine = Self {
            shared: Arc::new(Shared::new(model, config)),
            has_ended: false,
        };
        for _ in 0..workers {
            threads::start_worker(&engine.shared)?;
        }
        threads::start_watch(&engine.shared)?;
        Ok(engine)
    }

    /// Gives a handle, through which requests come in.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Lets no request in any more, waits until those that are in are answered, but no longer than
    /// `limit`, cuts off what is left, and ends the threads. Blocks for that time, and then, where
    /// a batch is still being computed, for a second at most.
    pub fn drain(mut self, limit: Duration) -> Drained {
        const GRACE: Duration = Duration::from_secs(1);
        self.end(limit, GRACE)
    }

    fn end(&mut self, limit: Duration, grace: Duration) -> Drained {
        self.has_ended = true;
        let cut_off = self.close(limit);
        let threads_left = self.join(grace);
        Drained {
            cut_off,
            threads_left,
        }
    }

    /// Ends the work, and gives how many requests were cut off.
    fn close(&self, limit: Duration) -> usize {
        let shared = &*self.shared;
        let mut core = shared.core();
        if core.phase == Phase::Open {
            core.phase = Phase::Draining;
        }
        let is_idle = |core: &shared::Core| core.queue.is_empty() && core.slots.running() == 0;
        core = shared.rest(core, limit, is_idle);
        core.phase = Phase::Closed;
        let waiting = core.queue.clear();
        let flights = core.slots.items().flat_map(|flight| &flight.jobs);
        let mut jobs: Vec<_> = flights.cloned().collect();
        drop(core);
        shared.work.notify_all();
        shared.watch.notify_all();
        jobs.extend(waiting.into_iter().map(|entry| entry.item.job));
        let closed = |job: &Arc<job::Job>| job.end(Err(EngineError::Closed), &shared.counters);
        jobs.iter().filter(|job| closed(job)).count()
    }

    /// Waits for the threads, but no longer than `grace` for a backend. Gives how many are left.
    fn join(&self, grace: Duration) -> usize {
        let shared = &*self.shared;
        let mut threads = std::mem::take(&mut *lock(&shared.threads));
        let own = std::thread::current().id();
        if threads.iter().any(|thread| thread.thread().id() == own) {
            // The engine was dropped on one of its own threads, by a waker for instance: a thread
            // cannot wait for itself.
            return 0;
        }
        let is_over = |core: &shared::Core| core.slots.running() == 0;
        let core = shared.rest(shared.core(), grace, is_over);
        let busy: Vec<_> = core.slots.items().map(|it| it.worker).collect();
        drop(core);
        threads.retain(|thread| !busy.contains(&thread.thread().id()));
        for thread in threads {
            // A worker's panic was the engine's fault, and was reported when it happened.
            let _ = thread.join();
        }
        busy.len()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if !self.has_ended {
            let grace = self.shared.config.hang_after;
            self.end(Duration::ZERO, grace);
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("handle", &self.handle())
            .finish()
    }
}
