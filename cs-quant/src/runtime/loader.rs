//! The threads that load a model's parts side by side.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use super::scratch::lock;
use crate::error::Result;
use crate::kernel::pool::{Pool, Quiet};

/// The threads that load a model. They are its own, beside those of the pool, which go on with what
/// they do.
#[derive(Debug)]
pub(crate) struct Loader<'a> {
    threads: usize,
    quiet: Quiet<'a>,
}

impl<'a> Loader<'a> {
    /// Makes a loader of up to `threads` threads, for as long as nobody uses the pool.
    pub(crate) fn new(pool: &'a Pool, threads: NonZeroUsize) -> Self {
        Self {
            threads: threads.get(),
            quiet: pool.quiet(),
        }
    }

    /// Gives both results; the first one comes from a thread of its own if nobody uses the pool.
    pub(crate) fn join<A: Send, B>(
        &self,
        first: impl Fn() -> A + Sync,
        second: impl FnOnce() -> B,
    ) -> (A, B) {
        if self.threads == 1 || !self.quiet.lasts() {
            return (first(), second());
        }
        std::thread::scope(|scope| {
            let helper = helper().spawn_scoped(scope, &first);
            let second = second();
            let first = match helper {
                Ok(helper) => helper.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => first(),
            };
            (first, second)
        })
    }

    /// Gives what `load` gives for each of `0..count`, in order. The calling thread has helpers,
    /// which stop after what they have in hand when somebody uses the pool, so that a forward then
    /// shares the machine with one thread at most.
    ///
    /// # Errors
    ///
    /// The first failure by index.
    pub(crate) fn each<T: Send>(
        &self,
        count: usize,
        load: impl Fn(usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let slots: Vec<Mutex<Option<Result<T>>>> = (0..count).map(|_| Mutex::default()).collect();
        let next = AtomicUsize::new(0);
        let load_next = || {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = slots.get(index) else {
                return false;
            };
            *lock(slot) = Some(load(index));
            true
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(count) {
                // Without the helper, it only takes longer.
                let _ = helper().spawn_scoped(scope, || while self.quiet.lasts() && load_next() {});
            }
            while load_next() {}
        });
        let loaded = slots.into_iter();
        loaded
            .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }
}

fn helper() -> Builder {
    Builder::new().name("cs-quant-load".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread::ThreadId;

    use cs_model::Bundle;

    use super::*;
    use crate::kernel::pool::available_threads;
    use crate::{NativeModel, RuntimeConfig};

    fn two() -> NonZeroUsize {
        NonZeroUsize::new(2).unwrap()
    }

    fn who_loads(loader: &Loader<'_>) -> Vec<ThreadId> {
        let threads = loader.each(20, |_| Ok(std::thread::current().id()));
        threads.unwrap()
    }

    #[test]
    fn everything_is_loaded_once_and_in_order() {
        let pool = Pool::new(two()).unwrap();
        let loader = Loader::new(&pool, two());
        let count = AtomicUsize::new(0);
        let loaded = loader.each(50, |i| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(i)
        });
        assert_eq!(loaded.unwrap(), (0..50).collect::<Vec<_>>());
        assert_eq!(count.into_inner(), 50);
        assert_eq!(loader.join(|| 1, || 2), (1, 2));
    }

    #[test]
    fn one_thread_loads_while_another_model_answers() {
        let pool = Pool::new(two()).unwrap();
        let ours = std::thread::current().id();
        let loader = Loader::new(&pool, two());
        let crew = pool.lease(1);
        assert!(who_loads(&loader).iter().all(|&thread| thread == ours));
        assert_eq!(loader.join(|| std::thread::current().id(), || 0), (ours, 0));
        drop(crew);
        // It has been used since the load began.
        assert!(who_loads(&loader).iter().all(|&thread| thread == ours));
    }

    #[test]
    fn a_model_is_loaded_while_every_thread_computes() {
        let pool = Pool::shared(available_threads()).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/bert_gelu");
        let bundle = Bundle::open(&folder).unwrap();
        let crew = pool.lease(usize::MAX);
        assert!(NativeModel::open(&bundle, &RuntimeConfig::default()).is_ok());
        drop(crew);
    }
}
