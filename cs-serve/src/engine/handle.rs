//! The way into an engine.

use std::fmt;
use std::sync::Arc;

use cs_data::Encoding;
use cs_model::Understanding;

use super::compute::attempt;
use super::counters::{Counters, Snapshot, count};
use super::job::{Admitted, Job, Model, Task};
use super::options::Options;
use super::pending::{Pending, PendingAll, Ticket};
use super::policy::{Ask, Entry, Moment, Sender, Size};
use super::reading::Reading;
use super::shared::{Phase, Shared};
use crate::assistant::Assistant;
use crate::error::EngineError;

/// The way into an [`Engine`](crate::engine::Engine), for any number of threads and tasks. A clone
/// is another handle on the same engine. A handle may outlive its engine, and then finds it closed.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// A request whose texts were read.
struct Read {
    model: Arc<Model>,
    sender: Sender,
    accepted: Moment,
    deadline: Moment,
    reading: Reading,
    encodings: Vec<Encoding>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Answers with intent, entities and sentiment of a text. Blocks until they are there.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit) and [`Pending::wait`].
    pub fn understand(
        &self,
        text: impl Into<String>,
        options: &Options,
    ) -> Result<Understanding, EngineError> {
        self.submit(text, options)?.wait()
    }

    /// Answers with intent, entities and sentiment of each text, in the order given. The texts go
    /// into batches as those of as many requests would. Blocks until all answers are there.
    ///
    /// # Errors
    /// Those of [`submit_all`](Self::submit_all) and [`PendingAll::wait`].
    pub fn understand_all(
        &self,
        texts: Vec<String>,
        options: &Options,
    ) -> Result<Vec<Understanding>, EngineError> {
        self.submit_all(texts, options)?.wait()
    }

    /// Tokenises a text and puts it in line. The answer is a future, which needs no particular
    /// runtime.
    ///
    /// # Errors
    /// These come at once: [`EngineError::Full`], [`EngineError::Overloaded`],
    /// [`EngineError::TooLarge`] and [`EngineError::Closed`] if the request is not let in;
    /// [`EngineError::Deadline`] if there is no time at all; [`EngineError::Model`] for a text of
    /// more than 64 KiB.
    pub fn submit(
        &self,
        text: impl Into<String>,
        options: &Options,
    ) -> Result<Pending, EngineError> {
        self.enter(vec![text.into()], options).map(Pending::new)
    }

    /// Tokenises texts and puts them in line, all or none.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit).
    pub fn submit_all(
        &self,
        texts: Vec<String>,
        options: &Options,
    ) -> Result<PendingAll, EngineError> {
        self.enter(texts, options).map(PendingAll::new)
    }

    /// Replaces the engine's model by another one, and gives the old one back. What was let in
    /// before is answered by the old one, what comes after by the new one, and a batch is never of
    /// both. The old one is freed with its last request.
    ///
    /// The new one has to answer a single word first, on this thread.
    ///
    /// # Errors
    /// [`EngineError::Model`] or [`EngineError::Panicked`] if the new model fails on that word; the
    /// old one stays then.
    pub fn swap(&self, model: Arc<Assistant>) -> Result<Arc<Assistant>, EngineError> {
        let trial = "order";
        let encoding = model.encode(trial)?;
        attempt(&model, &[trial], &[encoding], &Counters::default())?;
        let old = self.shared.swap(model);
        count(&self.shared.counters.swaps);
        Ok(Arc::clone(&old.assistant))
    }

    /// Gives the model that answers what comes now.
    pub fn model(&self) -> Arc<Assistant> {
        Arc::clone(&self.shared.model().assistant)
    }

    /// Whether requests are let in: the engine neither drains nor has ended.
    pub fn is_open(&self) -> bool {
        self.shared.core().phase == Phase::Open
    }

    /// Gives the figures of what the engine does and has done.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    fn enter(&self, texts: Vec<String>, options: &Options) -> Result<Ticket, EngineError> {
        let ticket = self.read(texts, options).and_then(|read| self.let_in(read));
        ticket.inspect_err(|error| self.shared.counters.refused(error))
    }

    /// Reads the texts, unless the request would be refused whatever is in them.
    fn read(&self, texts: Vec<String>, options: &Options) -> Result<Read, EngineError> {
        let shared = &*self.shared;
        let accepted = shared.now();
        let after = options.deadline.unwrap_or(shared.config.deadline);
        let deadline = accepted.saturating_add(after);
        let model = shared.model();
        let sender = Sender {
            priority: options.priority,
            caller: options.caller.clone(),
        };
        let ask = Ask {
            sender: &sender,
            size: Size {
                texts: texts.len(),
                tokens: 0,
            },
            generation: model.generation,
            deadline,
        };
        shared.admit(&shared.core(), &ask, accepted)?;
        let (reading, encodings) = Reading::new(texts, &model.assistant, shared.config.windows)?;
        let now = shared.now();
        shared.counters.encode.time(now.saturating_sub(accepted));
        if deadline <= now {
            return Err(EngineError::Deadline { after });
        }
        Ok(Read {
            model,
            sender,
            accepted,
            deadline,
            reading,
            encodings,
        })
    }

    fn let_in(&self, read: Read) -> Result<Ticket, EngineError> {
        let shared = &self.shared;
        let now = shared.now();
        let mut core = shared.core();
        let ask = Ask {
            sender: &read.sender,
            size: read.reading.size(),
            generation: read.model.generation,
            deadline: read.deadline,
        };
        shared.admit(&core, &ask, now)?;
        let admitted = Admitted {
            id: shared.number(&mut core),
            model: read.model,
            sender: read.sender,
            accepted: read.accepted,
            queued: now,
            deadline: read.deadline,
        };
        let job = Arc::new(Job::new(admitted, read.reading));
        for (piece, encoding) in read.encodings.into_iter().enumerate() {
            core.queue.push(Entry {
                request: job.id,
                sender: job.sender.clone(),
                tokens: encoding.ids.len(),
                generation: job.model.generation,
                deadline: job.deadline,
                item: Task {
                    job: Arc::clone(&job),
                    piece,
                    encoding,
                },
            });
        }
        shared.wake_watch_by(&mut core, job.deadline);
        let is_free = core.slots.is_free();
        drop(core);
        if is_free {
            shared.work.notify_one();
        }
        if job.reading.size() == Size::default() {
            job.end(Ok(Vec::new()), &shared.counters);
        }
        let shared = Arc::clone(shared);
        Ok(Ticket { shared, job })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("model", &self.shared.model().assistant)
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}
