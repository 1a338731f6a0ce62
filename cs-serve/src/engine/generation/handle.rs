//! The way into a generation engine.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cs_model::generate::Generation;

use super::counters::GenerationSnapshot;
use super::model::{GenerationFacts, GenerationModel, GenerationRequest};
use super::shared::{Served, Shared, Task};
use super::stream::{Admitted, Channel, GenerationStream};
use crate::engine::counters::count;
use crate::engine::options::Options;
use crate::engine::policy::{Ask, Moment, Sender, Size};
use crate::engine::shared::Phase;
use crate::error::EngineError;

/// The way into a [`GenerationEngine`](super::GenerationEngine), for any number of threads and tasks.
/// A clone is another handle on the same engine. A handle may outlive its engine, and then finds it
/// closed.
#[derive(Clone)]
pub struct GenerationHandle {
    shared: Arc<Shared>,
}

/// Who asks, and until when.
struct Asked {
    sender: Sender,
    accepted: Moment,
    deadline: Moment,
}

impl GenerationHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Tokenises a prompt and puts it in line; what is written comes as a stream.
    ///
    /// # Errors
    /// These come at once: [`EngineError::Full`], [`EngineError::TooLarge`] and
    /// [`EngineError::Closed`] if the request is not let in; [`EngineError::TooLong`] for a prompt
    /// and `max_new_tokens` that the cache has no room for; [`EngineError::Deadline`] if there is no
    /// time at all; [`EngineError::Model`] for a prompt that is empty, not of the vocabulary, beyond
    /// the model's positions or of more than 64 KiB of text, for settings that contradict each other,
    /// and for beams.
    pub fn generate(
        &self,
        request: GenerationRequest,
        options: &Options,
    ) -> Result<GenerationStream, EngineError> {
        let stream = self.enter(request, options);
        stream.inspect_err(|error| self.shared.counters.requests.refused(error))
    }

    /// What is known of the model that writes what is asked for now.
    pub fn model(&self) -> Arc<GenerationFacts> {
        Arc::clone(&self.shared.model().facts)
    }

    /// Replaces the engine's model by another one. What was let in before is written to its end by
    /// the old one, beside what the new one writes; then the old one is freed. Each of them has the
    /// engine's whole cache.
    ///
    /// The new one has to read a token first, on this thread.
    ///
    /// # Errors
    /// [`EngineError::Model`] or [`EngineError::Panicked`] if the new model fails on that token, or
    /// if a page of its cache is larger than the whole; the old one stays then.
    pub fn swap(&self, mut model: GenerationModel) -> Result<(), EngineError> {
        let facts = Arc::clone(model.facts());
        let tried = catch_unwind(AssertUnwindSafe(|| model.try_out()));
        let panicked = EngineError::Panicked {
            name: facts.name().to_owned(),
        };
        tried.map_err(|_| panicked)??;
        let batch = model.into_batch(&self.shared.config)?;
        self.shared.swap(facts, batch);
        count(&self.shared.counters.requests.swaps);
        Ok(())
    }

    /// Whether requests are let in: the engine neither drains nor has ended.
    pub fn is_open(&self) -> bool {
        self.shared.core().phase == Phase::Open
    }

    /// Gives the figures of what the engine does and has done.
    pub fn snapshot(&self) -> GenerationSnapshot {
        self.shared.snapshot()
    }

    fn enter(
        &self,
        request: GenerationRequest,
        options: &Options,
    ) -> Result<GenerationStream, EngineError> {
        let shared = &self.shared;
        let accepted = shared.now();
        let after = options.deadline.unwrap_or(shared.config.deadline);
        let served = shared.model();
        let asked = Asked {
            sender: Sender {
                priority: options.priority,
                caller: options.caller.clone(),
            },
            accepted,
            deadline: accepted.saturating_add(after),
        };
        // What would be refused whatever is in it is not read.
        shared.admit(&shared.core(), &asked.ask(0, &served), accepted)?;
        let new = request.config.max_new_tokens;
        let generation = served.facts.begin(request)?;
        if generation.most_read() > served.most_tokens {
            return Err(EngineError::TooLong {
                prompt: generation.prompt_length(),
                new,
                most: served.most_tokens,
            });
        }
        if asked.deadline <= shared.now() {
            return Err(EngineError::Deadline { after });
        }
        self.let_in(asked, generation, served)
    }

    fn let_in(
        &self,
        asked: Asked,
        generation: Generation<'static>,
        served: Arc<Served>,
    ) -> Result<GenerationStream, EngineError> {
        let shared = &self.shared;
        let now = shared.now();
        let mut core = shared.core();
        let ask = asked.ask(generation.most_read(), &served);
        shared.admit(&core, &ask, now)?;
        let channel = Arc::new(Channel::new(Admitted {
            id: shared.number(&mut core),
            sender: asked.sender,
            accepted: asked.accepted,
            queued: now,
            deadline: asked.deadline,
        }));
        let task = Task {
            channel: Arc::clone(&channel),
            generation,
            served,
        };
        shared.push(&mut core, task);
        drop(core);
        Ok(GenerationStream {
            shared: Arc::clone(shared),
            channel,
            has_ended: false,
        })
    }
}

impl Asked {
    fn ask(&self, tokens: usize, served: &Served) -> Ask<'_> {
        Ask {
            sender: &self.sender,
            size: Size { texts: 1, tokens },
            generation: served.number,
            deadline: self.deadline,
        }
    }
}

impl fmt::Debug for GenerationHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationHandle")
            .field("model", &self.model())
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}
