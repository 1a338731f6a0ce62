//! The wait for what another thread finds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// An answer to come.
#[derive(Default)]
pub(super) struct Reply {
    state: Mutex<ReplyState>,
}

#[derive(Default)]
struct ReplyState {
    /// What was found, once that is known.
    found: Option<Option<Vec<u8>>>,
    waker: Option<Waker>,
}

/// The duty to answer. Whoever waits gets nothing if it is dropped.
pub(super) struct Owed(pub(super) Arc<Reply>);

impl Drop for Owed {
    fn drop(&mut self) {
        self.0.give(None);
    }
}

impl Owed {
    /// Gives the answer.
    pub(super) fn give(&self, value: Option<Vec<u8>>) {
        self.0.give(value);
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
pub(super) struct Wait(pub(super) Arc<Reply>);

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
