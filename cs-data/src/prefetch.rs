//! Work ahead of its use.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Result};

/// An iterator that another thread runs, a bounded number of items ahead of who takes them.
///
/// The items and their order are those of the iterator. An error is an item like others; a panic
/// there becomes one here, after the items made before it. Dropping this ends the thread: it
/// finishes the item it is at, nothing more, and what went wrong with items that nobody took is
/// not reported.
///
/// ```
/// use cs_data::{BatchPlan, Batches, Prefetch, TokenBatch};
/// let rows: Vec<Vec<u32>> = (0..20).map(|row| vec![7; 1 + row % 5]).collect();
/// let plan = BatchPlan { max_tokens: 32, max_sequences: 8, shuffle: Some(1) };
/// let steps = Batches::new(plan, rows.iter().map(Vec::len).collect());
/// let packed = steps.map(move |step| {
///     TokenBatch::pack(step.rows.iter().map(|&row| rows[row].as_slice()))
/// });
/// let batches = Prefetch::new(packed, 4)?; // four batches ready at most
/// assert!(batches.take(10).all(|batch| batch.tokens() <= 32));
/// # Ok::<(), cs_data::Error>(())
/// ```
pub struct Prefetch<T> {
    /// Both `None` once the thread has ended.
    items: Option<Receiver<T>>,
    worker: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts to work on `items`, at most `ahead` of them (0 counts as 1) made and not yet taken.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    pub fn new<I>(items: I, ahead: usize) -> Result<Self>
    where
        I: IntoIterator<Item = T> + Send + 'static,
    {
        // One more waits to be put into the channel.
        let (sender, receiver) = sync_channel(ahead.saturating_sub(1));
        let work = move || {
            // A failed send: nobody takes any more.
            items
                .into_iter()
                .try_for_each(|item| sender.send(item))
                .ok();
        };
        let spawned = Builder::new().name("prefetch".into()).spawn(work);
        Ok(Prefetch {
            items: Some(receiver),
            worker: Some(spawned.map_err(|source| Error::Thread { source })?),
        })
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    /// # Panics
    ///
    /// If making the item did, with what it panicked with; then the iterator is at its end.
    fn next(&mut self) -> Option<T> {
        let item = self.items.as_ref()?.recv().ok();
        if item.is_none() {
            self.items = None;
            if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
                resume_unwind(panic);
            }
        }
        item
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // First, or the thread would wait for room.
        self.items = None;
        if let Some(worker) = self.worker.take() {
            worker.join().ok();
        }
    }
}

impl<T> fmt::Debug for Prefetch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefetch")
            .field("ended", &self.worker.is_none())
            .finish_non_exhaustive()
    }
}
