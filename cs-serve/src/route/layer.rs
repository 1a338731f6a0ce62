//! A model as one of two layers.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park};

use cs_model::Understanding;

use crate::assistant::Assistant;
use crate::error::Error;

/// A model that answers a text, by whatever way: an [`Assistant`] at once, on this thread. Implement
/// it to ask a model elsewhere.
pub trait Layer: Sync {
    /// The error that the model fails with.
    type Error: Send;

    /// Answers a text. Nothing is done before the future is polled, and dropping it cancels what
    /// was not begun.
    ///
    /// # Errors
    /// Whatever the model fails with.
    fn understand(
        &self,
        text: &str,
    ) -> impl Future<Output = Result<Understanding, Self::Error>> + Send;

    /// Gives the version of the model that answers now, which its answers name too; `None`, the
    /// default, if that cannot be told. Then nothing is cached.
    fn version(&self) -> Option<String> {
        None
    }

    /// Whether the model has nothing else to do, so that it may be asked on suspicion.
    fn is_idle(&self) -> bool {
        false
    }
}

impl Layer for Assistant {
    type Error = Error;

    async fn understand(&self, text: &str) -> Result<Understanding, Error> {
        Self::understand(self, text)
    }

    fn version(&self) -> Option<String> {
        self.bundle().version().map(str::to_owned)
    }
}

/// A light and a full model, as the layers of one.
#[derive(Debug, Clone, Copy)]
pub struct Layers<L> {
    /// The small model, which reads most turns first.
    pub light: L,
    /// The large model, for those that the small one is not to answer.
    pub full: L,
}

impl<L> Layers<L> {
    /// The same layers, borrowed.
    #[must_use]
    pub fn by_ref(&self) -> Layers<&L> {
        Layers {
            light: &self.light,
            full: &self.full,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks until a future is ready.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        park();
    }
}
