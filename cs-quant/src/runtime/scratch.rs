//! The space a forward works in, kept between calls.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::kernel::attention::HeadScratch;
use crate::kernel::gemm::QuantScratch;
use crate::kernel::lstm::LstmScratch;
use crate::kernel::memory::grow;

/// Some whole sequences of a batch that passed [`crate::runtime::split::check`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchPart<'a> {
    /// `[N]`
    pub(crate) ids: &'a [u32],
    /// `[N]`
    pub(crate) positions: &'a [u32],
    /// Where sequences begin in the batch; the first is where this part begins: `[B + 1]`
    pub(crate) offsets: &'a [u32],
}

impl BatchPart<'_> {
    /// Some of the tokens, whatever sequences they belong to.
    pub(crate) fn rows(self, rows: Range<usize>) -> Self {
        Self {
            ids: &self.ids[rows.clone()],
            positions: &self.positions[rows],
            ..self
        }
    }
}

/// Space for the rows a thread works on, kept between calls; grows to the largest seen.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) wide: Vec<f32>,
    pub(crate) context: Vec<f32>,
    pub(crate) update: Vec<f32>,
    pub(crate) quant: QuantScratch,
    pub(crate) lstm: [Mutex<LstmScratch>; 2],
}

/// What the threads that work on a group share: queries, keys and values of two layers in turn.
pub(crate) type Common = [Vec<f32>; 2];

/// Where a forward works. Threads are told apart by their rank.
#[derive(Debug)]
pub(crate) struct Spaces<'a> {
    pub(crate) common: &'a mut Common,
    pub(crate) scratch: &'a [Mutex<Scratch>],
    pub(crate) heads: &'a [Mutex<HeadScratch>],
}

/// What a forward needs room for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) tokens: usize,
    /// Tokens that one thread works on.
    pub(crate) share: usize,
    pub(crate) sequences: usize,
    /// Tokens of the longest sequence.
    pub(crate) longest: usize,
}

/// Widths of a thread's buffers, in values per token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) wide: usize,
    pub(crate) context: usize,
    pub(crate) update: usize,
    /// The widest input of a linear layer.
    pub(crate) inputs: usize,
}

impl Scratch {
    /// Makes room for some tokens.
    pub(crate) fn reserve(&mut self, tokens: usize, widths: Widths) -> Result<()> {
        grow(&mut self.wide, tokens.saturating_mul(widths.wide))?;
        grow(&mut self.context, tokens.saturating_mul(widths.context))?;
        grow(&mut self.update, tokens.saturating_mul(widths.update))?;
        self.quant.reserve(tokens, widths.inputs)
    }
}

/// Takes a thread's own space, which nobody else holds.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first `len` numbers of a buffer, grown if need be.
pub(crate) fn take(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
