//! What may be chosen about a pipeline.

use std::num::NonZeroUsize;

/// How many rows [`Pipeline`](super::Pipeline) makes.
///
/// ```
/// use cs_data::augment::PipelineConfig;
/// let config = PipelineConfig { copies: 3, seed: 7, ..PipelineConfig::default() };
/// assert_eq!((config.balance, config.keep_original), (None, false));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineConfig {
    /// Number of copies of each row.
    pub copies: usize,
    /// Number of rows to which each intent is brought, instead of `copies`, counting the originals
    /// if they are kept. Rows without an intent get no copies.
    pub balance: Option<usize>,
    /// Whether the rows themselves come first in the result.
    pub keep_original: bool,
    /// Seed of all chance: equal seeds give equal bytes, whatever the number of threads.
    pub seed: u64,
    /// Number of threads; `None`: as many as the machine has.
    pub threads: Option<NonZeroUsize>,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        PipelineConfig {
            copies: 1,
            balance: None,
            keep_original: false,
            seed: 0,
            threads: None,
        }
    }
}
