//! A text as it comes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use cs_model::generate::{Finish, Latency};

use super::counters::GenerationCounters;
use super::shared::Shared;
use crate::engine::pending::Unpark;
use crate::engine::policy::{Moment, Sender};
use crate::engine::sync::lock;
use crate::error::EngineError;

/// A text that is being written, piece by piece: an iterator that blocks, or
/// [`poll_next`](Self::poll_next) for any executor. Dropping it cancels the request: the next step is
/// without it, and its room is free.
///
/// Who reads slowly gets larger pieces: what has come meanwhile is one. A text is never longer than
/// its `max_new_tokens`, and neither waits nor keeps anything else waiting for its reader.
#[must_use = "dropping it cancels the request"]
pub struct GenerationStream {
    pub(super) shared: Arc<Shared>,
    pub(super) channel: Arc<Channel>,
    pub(super) has_ended: bool,
}

/// What comes of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum GenerationEvent {
    /// The text goes on.
    Delta(GenerationDelta),
    /// The text is complete. Nothing comes after it.
    End(GenerationEnd),
}

/// The next piece of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenerationDelta {
    /// The piece, not empty, of whole characters.
    pub text: String,
    /// The number of tokens that have come since the piece before, this one's included.
    pub tokens: usize,
}

/// A text that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationEnd {
    /// The whole text.
    pub text: String,
    /// The tokens, with the one that ended the text.
    pub tokens: Vec<u32>,
    /// The reason why it ended.
    pub finish: Finish,
    /// The number of tokens of the prompt.
    pub prompt_tokens: usize,
    /// The number of these that were not read, as another prompt began likewise.
    pub reused_tokens: usize,
    /// When the tokens came, counted from the request.
    pub latency: Latency,
}

/// What a request's caller and the engine share.
pub(super) struct Channel {
    pub(super) id: u64,
    pub(super) sender: Sender,
    pub(super) accepted: Moment,
    pub(super) queued: Moment,
    pub(super) deadline: Moment,
    is_done: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The text so far; what of it was fetched comes first.
    text: String,
    fetched: usize,
    /// The number of tokens that have come since the last piece was fetched.
    tokens: usize,
    /// The time of the last token; `None` before the first.
    last: Option<Moment>,
    latency: Latency,
    end: Option<Result<GenerationEnd, EngineError>>,
    waker: Option<Waker>,
}

/// How a text ended, as far as the engine's thread knows.
pub(super) struct Written {
    pub(super) tokens: Vec<u32>,
    pub(super) finish: Finish,
    pub(super) prompt_tokens: usize,
    pub(super) reused_tokens: usize,
}

/// The arguments of [`Channel::new`].
pub(super) struct Admitted {
    pub(super) id: u64,
    pub(super) sender: Sender,
    pub(super) accepted: Moment,
    pub(super) queued: Moment,
    pub(super) deadline: Moment,
}

impl Channel {
    pub(super) fn new(admitted: Admitted) -> Self {
        Self {
            id: admitted.id,
            sender: admitted.sender,
            accepted: admitted.accepted,
            queued: admitted.queued,
            deadline: admitted.deadline,
            is_done: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Whether nothing that is still written is of use.
    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    /// Takes the next token, with the text that it made sure.
    pub(super) fn push(&self, text: &str, now: Moment, counters: &GenerationCounters) {
        let mut state = lock(&self.state);
        if self.is_done() {
            return;
        }
        counters.new_token();
        if let Some(last) = state.last.replace(now) {
            let between = now.saturating_sub(last);
            state.latency.between_tokens.push(between);
            counters.between_tokens.time(between);
        } else {
            let first = now.saturating_sub(self.accepted);
            state.latency.first_token = first;
            counters.first_token.time(first);
        }
        state.tokens += 1;
        state.text.push_str(text);
        let waker = state.waker.take_if(|_| !text.is_empty());
        drop(state);
        wake(waker);
    }

    /// Ends the text, unless it has ended already: the first outcome counts. Gives whether this one
    /// does.
    pub(super) fn end(
        &self,
        outcome: Result<Written, EngineError>,
        counters: &GenerationCounters,
    ) -> bool {
        let mut state = lock(&self.state);
        if self.is_done.swap(true, Ordering::AcqRel) {
            return false;
        }
        counters.requests.ended(&outcome);
        let outcome = outcome.map(|written| {
            counters.prompt(written.prompt_tokens, written.reused_tokens);
            GenerationEnd {
                text: state.text.clone(),
                tokens: written.tokens,
                finish: written.finish,
                prompt_tokens: written.prompt_tokens,
                reused_tokens: written.reused_tokens,
                latency: std::mem::take(&mut state.latency),
            }
        });
        state.end = Some(outcome);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        true
    }

    /// Ends the text because nobody reads it any more; gives `false` if it had ended.
    pub(super) fn cancel(&self) -> bool {
        let mut state = lock(&self.state);
        let was_open = !self.is_done.swap(true, Ordering::AcqRel);
        let left = std::mem::take(&mut *state);
        drop(state);
        drop(left); // with the caller's waker
        was_open
    }

    /// Gives what has come since this was last asked, or promises to wake `waker` when more has.
    fn poll(&self, waker: &Waker) -> Poll<Result<GenerationEvent, EngineError>> {
        let state = &mut *lock(&self.state);
        let piece = state.text[state.fetched..].to_owned();
        match state.end.take_if(|end| piece.is_empty() || end.is_err()) {
            Some(end) => Poll::Ready(end.map(GenerationEvent::End)),
            None if !piece.is_empty() => {
                state.fetched = state.text.len();
                Poll::Ready(Ok(GenerationEvent::Delta(GenerationDelta {
                    text: piece,
                    tokens: std::mem::take(&mut state.tokens),
                })))
            }
            None => {
                match &mut state.waker {
                    Some(kept) => kept.clone_from(waker),
                    None => state.waker = Some(waker.clone()),
                }
                Poll::Pending
            }
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        // The waker is the caller's code, whose faults must not end the engine's thread.
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}

impl GenerationStream {
    /// Gives what has come, or has the task woken when something has: `None` after the end or an
    /// error. `std::future::poll_fn(|context| stream.poll_next(context)).await` waits for it.
    ///
    /// The deadline is looked at between steps; of a backend that hangs, only the iterator, which
    /// has a thread of its own to sleep on, comes back in time.
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<GenerationEvent, EngineError>>> {
        self.poll(context.waker())
    }

    fn poll(&mut self, waker: &Waker) -> Poll<Option<Result<GenerationEvent, EngineError>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        self.channel.poll(waker).map(|event| {
            self.has_ended = !matches!(event, Ok(GenerationEvent::Delta(_)));
            Some(event)
        })
    }

    /// Blocks until the text is complete.
    ///
    /// # Errors
    /// [`EngineError::Deadline`] if it was late; [`EngineError::Closed`] if the engine ended before;
    /// [`EngineError::Panicked`] or [`EngineError::Model`] if the backend panicked or failed, or the
    /// settings left no token to go on with.
    pub fn wait(mut self) -> Result<GenerationEnd, EngineError> {
        loop {
            match self.next() {
                Some(Ok(GenerationEvent::Delta(_))) => {}
                Some(Ok(GenerationEvent::End(end))) => return Ok(end),
                Some(Err(error)) => return Err(error),
                None => return Err(EngineError::Closed),
            }
        }
    }
}

impl Iterator for GenerationStream {
    type Item = Result<GenerationEvent, EngineError>;

    /// Blocks until something has come; nothing comes after the end or an error.
    fn next(&mut self) -> Option<Self::Item> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            if let Poll::Ready(event) = self.poll(&waker) {
                return event;
            }
            let left = self.channel.deadline.saturating_sub(self.shared.now());
            if left.is_zero() {
                self.shared.expire(&self.channel);
            } else {
                std::thread::park_timeout(left);
            }
        }
    }
}

impl fmt::Debug for GenerationStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationStream")
            .field("request", &self.channel.id)
            .field("done", &self.channel.is_done())
            .finish_non_exhaustive()
    }
}

impl Drop for GenerationStream {
    fn drop(&mut self) {
        self.shared.cancel(&self.channel);
    }
}
