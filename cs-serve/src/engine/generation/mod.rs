//! Texts for many callers at once, written token by token.
//!
//! - [`GenerationEngine`] owns the thread; [`GenerationEngine::drain`] ends it in order.
//! - [`GenerationHandle`] is what the service's threads and tasks hold: [`GenerationHandle::generate`]
//!   gives a [`GenerationStream`], [`GenerationHandle::swap`] changes the model.
//! - [`GenerationConfig`] bounds everything; [`GenerationSnapshot`] tells what happens.
//!
//! ```
//! use cs_data::Tokenizer;
//! use cs_model::generate::{Finish, GenerateConfig};
//! use cs_serve::ScriptedGeneration;
//! use cs_serve::engine::Options;
//! use cs_serve::engine::generation::{GenerationConfig, GenerationEngine, GenerationEvent};
//! use cs_serve::engine::generation::{GenerationModel, GenerationRequest};
//!
//! // A model that says one thing after whatever it reads, up to a token [SEP].
//! let tokenizer = Tokenizer::train(["where is it", "on its way"].into_iter(), 99)?;
//! let prompt = tokenizer.encode("where is it", 99)?.ids;
//! let reply = tokenizer.encode("on its way", 99)?.ids[1..].to_vec();
//! let (read, end) = (prompt.len(), reply[reply.len() - 1]);
//! let backend = ScriptedGeneration::new(tokenizer.vocab_size(), move |tokens| {
//!     Ok(reply[tokens.len() - read])
//! });
//! let settings = GenerateConfig { eos_token_id: vec![end], ..Default::default() };
//! let model = GenerationModel::new(tokenizer, settings, Box::new(backend));
//!
//! let engine = GenerationEngine::start(model, GenerationConfig::default())?;
//! let handle = engine.handle(); // Send + Sync + Clone
//! let config = handle.model().settings().clone();
//! let request = GenerationRequest::new("where is it", config); // or tokens of a chat template
//! let mut text = String::new();
//! for event in handle.generate(request, &Options::default())? {
//!     match event? {
//!         GenerationEvent::Delta(delta) => text += &delta.text,
//!         GenerationEvent::End(end) => assert_eq!((end.text, end.finish), (text.clone(), Finish::Stop)),
//!     }
//! }
//! assert_eq!(text, "on its way");
//! assert!(engine.drain(std::time::Duration::from_secs(5)).is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way of a request
//!
//! A prompt is tokenised on the caller's thread and put in line, or refused at once: because the
//! queue is full, because this caller has its share of it, or because there is no room for it even if
//! nobody else were there. The order is that of [understanding](crate::engine): priorities by shares,
//! within one callers in turns by tokens, of one caller first come, first served. Who is next is let
//! in as soon as the cache has room for the prompt and all that may come after it, so that nothing
//! that was begun ends for want of room; nothing overtakes it. What was written before is held while
//! there is room, and a prompt that begins likewise (the system prompt, knowledge, the turns before)
//! goes on from there.
//!
//! All that is being written goes on by a token in each step, in one forward with the next
//! [`prompt_tokens`](GenerationConfig::prompt_tokens) of the prompts that are being read, which take
//! turns. What comes does not depend on any of this.
//!
//! # Beside understanding
//!
//! The native runtime's forwards take the machine's threads in the order in which they ask for them,
//! and a step is one forward. So steps and batches of an [`Engine`](crate::engine::Engine)
//! alternate, and neither waits longer than the other's turn.
//!
//! # What goes wrong
//!
//! - **The caller goes** (drops the stream): the next step is without it, and its room is free.
//! - **The caller does not read**: the text is written and kept, which is at most `max_new_tokens`.
//! - **The deadline comes**: the text ends with an error, in line or half written.
//! - **The backend fails** on a step: each conversation is read once more alone, and those that fail
//!   again end. **It panics**: all that it was writing ends.
//! - **The engine ends**: see [`GenerationEngine::drain`].

mod config;
mod counters;
mod handle;
mod model;
mod shared;
mod stepper;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

pub use config::GenerationConfig;
pub use counters::GenerationSnapshot;
pub use handle::GenerationHandle;
pub use model::{GenerationFacts, GenerationModel, GenerationPrompt, GenerationRequest};
pub use stream::{GenerationDelta, GenerationEnd, GenerationEvent, GenerationStream};

use self::shared::{Served, Shared};
use super::Drained;
use super::shared::Phase;
use crate::error::EngineError;

/// A thread around a model that writes, and the queue in front of it. The [module](self) documents
/// its rules.
///
/// Dropping the engine [drains](Self::drain) it without waiting for any text.
pub struct GenerationEngine {
    shared: Arc<Shared>,
    /// The thread, until it is drained.
    thread: Option<JoinHandle<()>>,
}

impl GenerationEngine {
    /// Starts the thread, which sleeps while there is nothing to do.
    ///
    /// # Errors
    /// [`EngineError::Config`] for a value that cannot work, [`EngineError::Model`] for a cache
    /// smaller than a page of the model's; [`EngineError::Thread`] if the system starts no more
    /// threads.
    pub fn start(model: GenerationModel, config: GenerationConfig) -> Result<Self, EngineError> {
        config.validate()?;
        let facts = Arc::clone(model.facts());
        let batch = model.into_batch(&config)?;
        let served = Arc::new(Served {
            number: 0,
            facts,
            most_tokens: batch.most_tokens(),
        });
        let shared = Arc::new(Shared::new(config, served, batch));
        let own = Arc::clone(&shared);
        let thread = Builder::new().name("cs-generation".into());
        let thread = thread.spawn(move || stepper::run(&own));
        Ok(Self {
            shared,
            thread: Some(thread.map_err(|source| EngineError::Thread { source })?),
        })
    }

    /// Gives a handle, through which requests come in.
    pub fn handle(&self) -> GenerationHandle {
        GenerationHandle::new(Arc::clone(&self.shared))
    }

    /// Lets no request in any more, waits until those that are in are written, but no longer than
    /// `limit`, cuts off what is left, and ends the thread. Blocks for that time, and then, where a
    /// step is being computed, for a second at most.
    pub fn drain(mut self, limit: Duration) -> Drained {
        self.end(limit)
    }

    fn end(&mut self, limit: Duration) -> Drained {
        const GRACE: Duration = Duration::from_secs(1);
        let shared = &self.shared;
        let before = shared.snapshot().cut_off;
        shared.core().phase = Phase::Draining;
        let mut core = shared.rest(limit, |core| core.open.is_empty() || core.has_ended);
        core.phase = Phase::Closed;
        let (left, waiting) = (std::mem::take(&mut core.open), core.queue.clear());
        drop(core);
        drop(waiting);
        shared.work.notify_all();
        for channel in left.values() {
            channel.end(Err(EngineError::Closed), &shared.counters);
        }
        let has_ended = shared.rest(GRACE, |core| core.has_ended).has_ended;
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            // A panic of the thread was the engine's fault, and was reported when it happened.
            let _ = thread.join();
        }
        let cut_off = shared.snapshot().cut_off - before;
        Drained {
            cut_off: usize::try_from(cut_off).unwrap_or(usize::MAX),
            threads_left: usize::from(!has_ended),
        }
    }
}

impl Drop for GenerationEngine {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end(Duration::ZERO);
        }
    }
}

impl fmt::Debug for GenerationEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationEngine")
            .field("handle", &self.handle())
            .finish()
    }
}
