//! The space a forward works in, kept between calls.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cs_data::TokenBatch;

use super::split::SplitPlan;
use crate::error::Result;
use crate::kernel::attention::HeadScratch;
use crate::kernel::gemm::QuantScratch;
use crate::kernel::lstm::LstmScratch;
use crate::kernel::memory::grow;

/// Some whole sequences of a batch that passed [`crate::runtime::split::check`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchPart<'a> {
    /// The token ids, `[N]`.
    pub(crate) ids: &'a [u32],
    /// The position of each token in its sequence, `[N]`.
    pub(crate) positions: &'a [u32],
    /// The token in the batch where each sequence begins, and the end, `[B + 1]`; the first one is
    /// where this part begins.
    pub(crate) offsets: &'a [u32],
}

impl<'a> BatchPart<'a> {
    /// Takes some consecutive sequences of a checked batch.
    pub(crate) fn new(batch: &'a TokenBatch, sequences: Range<usize>) -> Self {
        let offsets = &batch.offsets[sequences.start..=sequences.end];
        let tokens = offsets[0] as usize..offsets[offsets.len() - 1] as usize;
        Self {
            ids: &batch.ids[tokens.clone()],
            positions: &batch.positions[tokens],
            offsets,
        }
    }

    /// Gives some of the tokens, whatever sequences they belong to.
    pub(crate) fn rows(self, rows: Range<usize>) -> Self {
        Self {
            ids: &self.ids[rows.clone()],
            positions: &self.positions[rows],
            ..self
        }
    }
}

/// The space for the rows that a thread works on, kept between calls; it grows to the largest batch
/// seen.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) wide: Vec<f32>,
    pub(crate) context: Vec<f32>,
    pub(crate) update: Vec<f32>,
    pub(crate) quant: QuantScratch,
    /// The space for the words' logits.
    pub(crate) logits: QuantScratch,
    pub(crate) lstm: [Mutex<LstmScratch>; 2],
}

/// The space that the threads working on a group share: queries, keys and values of two layers in
/// turn.
pub(crate) type Common = [Vec<f32>; 2];

/// The spaces in which a forward works. Those of the threads are indexed by their rank.
#[derive(Debug)]
pub(crate) struct Spaces<'a> {
    pub(crate) common: &'a mut Common,
    pub(crate) scratch: &'a [Mutex<Scratch>],
    pub(crate) heads: &'a [Mutex<HeadScratch>],
}

/// The sizes that a forward needs room for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) tokens: usize,
    /// The number of tokens that one thread works on.
    pub(crate) share: usize,
    pub(crate) sequences: usize,
    /// The number of tokens of the longest sequence.
    pub(crate) longest: usize,
}

/// The widths of a thread's buffers, in values per token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) wide: usize,
    pub(crate) context: usize,
    pub(crate) update: usize,
    /// The width of the widest input of a linear layer.
    pub(crate) inputs: usize,
}

impl Scratch {
    /// Makes a space whose products multiply [outliers](QuantScratch::apart) apart.
    pub(crate) fn apart() -> Self {
        Self {
            quant: QuantScratch::apart(),
            logits: QuantScratch::for_logits(),
            ..Self::default()
        }
    }

    /// Makes room for a product of `rows` rows of `width` numbers, normalised before.
    pub(crate) fn reserve_head(&mut self, rows: usize, width: usize) -> Result<()> {
        grow(&mut self.update, rows.saturating_mul(width))?;
        self.logits.reserve(rows, width)
    }

    /// Makes room for `tokens` tokens.
    pub(crate) fn reserve(&mut self, tokens: usize, widths: Widths) -> Result<()> {
        grow(&mut self.wide, tokens.saturating_mul(widths.wide))?;
        grow(&mut self.context, tokens.saturating_mul(widths.context))?;
        grow(&mut self.update, tokens.saturating_mul(widths.update))?;
        self.quant.reserve(tokens, widths.inputs)
    }
}

/// The space in which a whole call or group is computed, kept for the next one.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pub(crate) common: Common,
    pub(crate) plan: SplitPlan,
    /// The end of each group's part of the result.
    pub(crate) bounds: Vec<usize>,
}

impl Space {
    /// Finds where the groups' parts of the result end, and the extent of the largest group.
    pub(crate) fn bound(
        &mut self,
        offsets: &[u32],
        width: usize,
        share: impl Fn(usize) -> usize,
    ) -> Extent {
        let Self { plan, bounds, .. } = self;
        let mut extent = Extent::default();
        bounds.clear();
        bounds.push(0);
        for group in plan.groups() {
            let (start, end) = (offsets[group.start] as usize, offsets[group.end] as usize);
            bounds.push(end * width);
            let lengths = offsets[group.start..=group.end].windows(2);
            let longest = lengths.map(|ends| (ends[1] - ends[0]) as usize).max();
            extent = Extent {
                tokens: extent.tokens.max(end - start),
                share: extent.share.max(share(end - start)),
                sequences: extent.sequences.max(group.len()),
                longest: extent.longest.max(longest.unwrap_or(0)),
            };
        }
        extent
    }
}

/// Takes a thread's own space, which nobody else holds.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the first `len` numbers of a buffer, which grows if need be.
pub(crate) fn take(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
