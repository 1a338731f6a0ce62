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

    /// Gives what `load` gives, from a thread of its own: it can give way to forwards, which the
    /// caller's thread must not.
    pub(crate) fn apart<T: Send>(&self, load: impl Fn() -> T + Sync) -> T {
        std::thread::scope(|scope| match helper().spawn_scoped(scope, &load) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => load(),
        })
    }

    /// Gives both results; the first one comes from a thread of its own if nobody uses the pool.
    pub(crate) fn join<A: Send, B>(
        &self,
        first: impl Fn() -> A + Sync,
        second: impl FnOnce() -> B,
    ) -> (A, B) {
        if !self.quiet.lasts() {
            give_way();
        }
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
            if !self.quiet.lasts() {
                give_way();
            }
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

const NAME: &str = "cs-quant-load";

fn helper() -> Builder {
    Builder::new().name(NAME.to_owned())
}

/// Lets this thread compute, from now on, only where nobody else wants to: a load may take longer,
/// a forward may not. A thread that is not the loader's own keeps its priority, which it could not
/// get back.
fn give_way() {
    #[cfg(target_os = "linux")]
    if std::thread::current().name() == Some(NAME) {
        // If the system refuses, the load does not give way, which costs time alone.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LOWEST);
    }
}

/// The lowest of the priorities ("niceness") that Linux has for ordinary threads.
#[cfg(target_os = "linux")]
const LOWEST: i32 = 19;

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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_load_gives_way_to_forwards_on_a_thread_of_its_own() {
        let priority = || {
            let thread = Some(rustix::thread::gettid());
            rustix::process::getpriority_process(thread).unwrap()
        };
        let pool = Pool::new(two()).unwrap();
        let loader = Loader::new(&pool, two());
        let ours = priority();
        let loaded_at = || loader.apart(|| loader.join(|| (), priority).1);
        assert_eq!(loaded_at(), ours);
        let crew = pool.lease(1);
        assert_eq!(loaded_at(), LOWEST);
        drop(crew);
        assert_eq!(priority(), ours);
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
