//! Answers to come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use cs_model::Understanding;

use super::counters::count;
use super::job::{Job, Outcome};
use super::shared::Shared;
use crate::error::EngineError;

/// The answer to come of [`Handle::submit`](crate::engine::Handle::submit), a future that any
/// executor can poll, and that [`wait`](Self::wait) blocks for. Dropping it cancels the request:
/// what was not begun is not computed.
#[must_use = "dropping it cancels the request"]
pub struct Pending {
    ticket: Ticket,
}

/// The answers to come of [`Handle::submit_all`](crate::engine::Handle::submit_all), in the order
/// of the texts. It is a future like [`Pending`], and cancels the request when dropped.
#[must_use = "dropping it cancels the request"]
pub struct PendingAll {
    ticket: Ticket,
}

/// The claim to a request's outcome. Dropping it cancels the request.
pub(super) struct Ticket {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<Job>,
}

impl Pending {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self { ticket }
    }

    /// Blocks until the answer is there.
    ///
    /// # Errors
    /// [`EngineError::Deadline`] if it was late; [`EngineError::Closed`] if the engine ended
    /// before; [`EngineError::Panicked`] or [`EngineError::Model`] if the backend panicked or
    /// failed.
    pub fn wait(self) -> Result<Understanding, EngineError> {
        self.ticket.wait().and_then(first)
    }
}

impl PendingAll {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self { ticket }
    }

    /// Blocks until the answers are there.
    ///
    /// # Errors
    /// Those of [`Pending::wait`]; one text's failure fails all.
    pub fn wait(self) -> Result<Vec<Understanding>, EngineError> {
        self.ticket.wait()
    }
}

/// Gives the answer to the only text.
fn first(answers: Vec<Understanding>) -> Result<Understanding, EngineError> {
    // A request has an answer for each of its texts.
    answers.into_iter().next().ok_or(EngineError::Closed)
}

impl Future for Pending {
    type Output = Result<Understanding, EngineError>;

    /// # Panics
    /// If it is polled after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.ticket.job.poll(context.waker());
        outcome.map(|outcome| outcome.and_then(first))
    }
}

impl Future for PendingAll {
    type Output = Result<Vec<Understanding>, EngineError>;

    /// # Panics
    /// If it is polled after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.ticket.job.poll(context.waker())
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ticket.debug("Pending", f)
    }
}

impl fmt::Debug for PendingAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ticket.debug("PendingAll", f)
    }
}

/// Wakes a thread that is parked.
pub(super) struct Unpark(pub(super) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Ticket {
    pub(super) fn wait(&self) -> Outcome {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            if let Poll::Ready(outcome) = self.job.poll(&waker) {
                return outcome;
            }
            std::thread::park();
        }
    }

    /// Formats the request without its texts.
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("request", &self.job.id)
            .field("done", &self.job.is_done())
            .finish_non_exhaustive()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (shared, job) = (&self.shared, &self.job);
        if job.cancel() {
            count(&shared.counters.cancelled);
            let mut core = shared.core();
            let gone = core.queue.remove(&job.sender, job.id);
            shared.tell_rest(&core);
            drop(core);
            drop(gone); // perhaps with the last of a model
        }
    }
}
