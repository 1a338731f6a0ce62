//! What a generation engine has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::counters::{Buckets, Counters, Distribution, MICRO, Refusals};

/// What a generation engine does at the moment and has done so far: everything that metrics are made
/// of.
///
/// Each of the requests that were accepted was answered, failed, late, cancelled or cut off, or is
/// still to be done.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct GenerationSnapshot {
    /// The number of requests that wait now.
    pub waiting: usize,
    /// The number of texts that are being written now.
    pub active: usize,
    /// The number of tokens for whose keys and values there is room.
    pub cache_tokens: usize,
    /// The number of them that is reserved now by texts that are being written.
    pub reserved_tokens: usize,
    /// The number of them that is taken now, by what is held for prompts to come as well.
    pub used_tokens: usize,

    /// The number of requests that were let in.
    pub accepted: u64,
    /// The number of requests whose text came to its end.
    pub answered: u64,
    /// The number of requests for which the backend failed or panicked.
    pub failed: u64,
    /// The number of requests whose deadline came before the end of their text.
    pub late: u64,
    /// The number of requests whose caller gave up before the end of their text.
    pub cancelled: u64,
    /// The number of requests that were cut off because the engine ended.
    pub cut_off: u64,
    /// The numbers of requests that were not let in, by reason.
    pub refused: Refusals,
    /// How often the backend panicked.
    pub panics: u64,
    /// How often the model was replaced by another one.
    pub swaps: u64,

    /// The number of tokens of the prompts of texts that came to their end.
    pub prompt_tokens: u64,
    /// The number of these that were not read, as another prompt began likewise.
    pub reused_tokens: u64,
    /// The number of tokens that were written.
    pub new_tokens: u64,
    /// The seconds that requests waited until their prompt could be read.
    pub wait: Distribution,
    /// The seconds from a request to its first token.
    pub first_token: Distribution,
    /// The seconds between two tokens of a text.
    pub between_tokens: Distribution,
    /// The seconds that a step took.
    pub step: Distribution,
}

#[derive(Debug, Default)]
pub(super) struct GenerationCounters {
    /// How requests end. A wait is that of a request, a forward that of a step.
    pub(super) requests: Counters,
    prompt_tokens: AtomicU64,
    reused_tokens: AtomicU64,
    new_tokens: AtomicU64,
    pub(super) first_token: Buckets,
    pub(super) between_tokens: Buckets,
}

impl GenerationCounters {
    pub(super) fn new_token(&self) {
        self.new_tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a prompt whose text came to its end.
    pub(super) fn prompt(&self, tokens: usize, reused: usize) {
        let add = |counter: &AtomicU64, tokens: usize| {
            counter.fetch_add(tokens as u64, Ordering::Relaxed);
        };
        add(&self.prompt_tokens, tokens);
        add(&self.reused_tokens, reused);
    }

    /// Gives all figures that do not depend on the present state.
    pub(super) fn snapshot(&self) -> GenerationSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let requests = self.requests.snapshot();
        GenerationSnapshot {
            accepted: requests.accepted,
            answered: requests.answered,
            failed: requests.failed,
            late: requests.late,
            cancelled: requests.cancelled,
            cut_off: requests.cut_off,
            refused: requests.refused,
            panics: requests.panics,
            swaps: requests.swaps,
            prompt_tokens: load(&self.prompt_tokens),
            reused_tokens: load(&self.reused_tokens),
            new_tokens: load(&self.new_tokens),
            wait: requests.stages.wait,
            first_token: self.first_token.distribution(MICRO),
            between_tokens: self.between_tokens.distribution(MICRO),
            step: requests.stages.forward,
            ..GenerationSnapshot::default()
        }
    }
}
