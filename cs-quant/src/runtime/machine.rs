//! The kernel and the threads that a model is run with.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::config::RuntimeConfig;
use super::loader::Loader;
use crate::Kernel;
use crate::error::Result;
use crate::kernel::Simd;
use crate::kernel::pool::{Crew, Pool, available_threads};

/// The kernel of a model, and the pool of which it may use some threads.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    simd: Simd,
    threads: NonZeroUsize,
    pool: Arc<Pool>,
}

impl Machine {
    /// Chooses what the settings leave open.
    ///
    /// # Errors
    ///
    /// The machine lacks the kernel, or refuses the threads.
    pub(crate) fn new(config: &RuntimeConfig) -> Result<Self> {
        let simd = Simd::new(config.kernel.unwrap_or_else(Kernel::detect))?;
        let threads = config.threads.unwrap_or_else(available_threads);
        Ok(Self {
            simd,
            threads,
            pool: Pool::shared(threads)?,
        })
    }

    pub(crate) fn simd(&self) -> Simd {
        self.simd
    }

    /// The number of the pool's threads that a call may use.
    pub(crate) fn threads(&self) -> usize {
        self.threads.get()
    }

    /// The number of ranks that the pool's threads have.
    pub(crate) fn ranks(&self) -> usize {
        self.pool.ranks()
    }

    /// Leases as many threads as are worth their while, one at least and those of a call at most.
    pub(crate) fn lease(&self, worthwhile: usize) -> Crew<'_> {
        self.pool.lease(worthwhile.clamp(1, self.threads()))
    }

    /// Makes a loader of as many threads.
    pub(crate) fn loader(&self) -> Loader<'_> {
        Loader::new(&self.pool, self.threads)
    }
}
