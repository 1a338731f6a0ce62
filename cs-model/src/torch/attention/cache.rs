//! Keys and values of sequences that grow.
//!
//! In the shapes, `N` is the number of new tokens, `B` that of sequences, `S` that of slots, `C`
//! the number of tokens that a slot holds, `K` that of heads of keys and values, and `D` the head
//! size.

use cs_data::TokenBatch;
use tch::{Kind, Tensor};

use super::spans::{Span, Spans};
use crate::config::Stack;
use crate::error::{Error, Result};
use crate::ops::{Device, on_device};

/// The keys and values of several sequences, each of its own length. A sequence has a slot, so that
/// it grows, goes or becomes another's continuation without a move of the others.
#[derive(Debug)]
pub(in crate::torch) struct Cache {
    /// Of each block, the keys and then the values of each token, `[S·C, 2K, D]`.
    layers: Vec<Tensor>,
    slots: usize,
    capacity: usize,
    sequences: Vec<Sequence>,
    kind: Kind,
    device: Device,
}

/// A sequence of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    slot: usize,
    length: usize,
}

/// The tokens that a slot grows by at least, so that it seldom does.
const GROWTH: usize = 64;

impl Cache {
    /// Makes a cache without sequences, which takes no memory.
    pub(in crate::torch) fn new(stack: &Stack, kind: Kind, device: Device) -> Result<Self> {
        let layers = stack.blocks.iter().map(|block| {
            let shape = [0, 2 * block.key_value_heads as i64, stack.head_size as i64];
            Tensor::f_empty(shape, (kind, device.into()))
        });
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
            slots: 0,
            capacity: 0,
            sequences: Vec::new(),
            kind,
            device,
        })
    }

    /// Forgets all sequences, and begins as many empty ones.
    pub(in crate::torch) fn restart(&mut self, count: usize) {
        let empty = |slot| Sequence { slot, length: 0 };
        self.sequences = (0..count).map(empty).collect();
    }

    /// The number of tokens of each sequence.
    pub(in crate::torch) fn lengths(&self) -> impl ExactSizeIterator<Item = usize> {
        self.sequences.iter().map(|sequence| sequence.length)
    }

    /// Moves the positions of a batch of new tokens, those of each sequence, behind what there is.
    pub(in crate::torch) fn place(&self, batch: &mut TokenBatch) -> Result<()> {
        if batch.sequences() != self.sequences.len() {
            return Err(Error::Shape {
                what: "sequences that go on",
                expected: self.sequences.len().to_string(),
                found: batch.sequences().to_string(),
            });
        }
        for (i, sequence) in self.sequences.iter().enumerate() {
            let own = batch.range(i);
            let positions = batch.positions[own].iter_mut();
            positions.for_each(|position| *position += sequence.length as u32);
        }
        Ok(())
    }

    /// Makes room for `more` tokens of each sequence.
    pub(in crate::torch) fn reserve(&mut self, more: &[usize]) -> Result<()> {
        let needed = self.lengths().zip(more).map(|(length, more)| length + more);
        let longest = needed.max().unwrap_or(0);
        let slots = self.sequences.iter().map(|sequence| sequence.slot + 1);
        let slots = slots.max().unwrap_or(0).max(self.slots);
        if longest <= self.capacity && slots == self.slots {
            return Ok(());
        }
        let capacity = if longest <= self.capacity {
            self.capacity
        } else {
            (longest + GROWTH).max(self.lengths().max().unwrap_or(0) * 2)
        };
        self.resize(slots, capacity)
    }

    /// Gives the cache room for so many slots of so many tokens, and moves what is there.
    fn resize(&mut self, slots: usize, capacity: usize) -> Result<()> {
        let held = self.lengths().max().unwrap_or(0).min(self.capacity) as i64;
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (_, heads, size) = layer.size3()?;
            let shape = [slots as i64, capacity as i64, heads, size];
            let new = Tensor::f_empty(shape, (self.kind, self.device.into()))?;
            if held > 0 {
                let old = layer.f_view([self.slots as i64, self.capacity as i64, heads, size])?;
                let mut part = new
                    .f_narrow(0, 0, self.slots as i64)?
                    .f_narrow(1, 0, held)?;
                part.f_copy_(&old.f_narrow(1, 0, held)?)?;
            }
            layers.push(new.f_view([-1, heads, size])?);
        }
        self.layers = layers;
        (self.slots, self.capacity) = (slots, capacity);
        Ok(())
    }

    /// Counts the tokens that were written.
    pub(in crate::torch) fn grow(&mut self, more: &[usize]) {
        for (sequence, more) in self.sequences.iter_mut().zip(more) {
            sequence.length += more;
        }
    }

    /// Makes sequence `i` what sequence `sources[i]` was: one that is named again gets a slot of its
    /// own.
    pub(in crate::torch) fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        let count = self.sequences.len();
        if let Some(source) = sources.iter().find(|&&source| source >= count) {
            let expected = format!("less than {count} sequences");
            return Err(Error::field("sources", source, expected));
        }
        // There are sequences without a slot yet if reading them failed.
        let mut taken = vec![false; self.slots.max(self.sequences.len()).max(sources.len())];
        sources
            .iter()
            .for_each(|&source| taken[self.sequences[source].slot] = true);
        let mut free = (0..).filter(|&slot| !taken.get(slot).copied().unwrap_or(false));
        let mut named = vec![false; self.sequences.len()];
        let (mut next, mut copies) = (Vec::with_capacity(sources.len()), Vec::new());
        for &source in sources {
            let mut sequence = self.sequences[source];
            if std::mem::replace(&mut named[source], true)
                && let Some(slot) = free.next()
            {
                copies.push((sequence.slot, slot));
                sequence.slot = slot;
            }
            next.push(sequence);
        }
        let longest = self.lengths().max().unwrap_or(0);
        let slots = next.iter().map(|sequence| sequence.slot + 1).max();
        if slots.is_some_and(|slots| slots > self.slots) {
            self.resize(slots.unwrap_or(0), self.capacity)?;
        }
        self.copy_slots(&copies, longest)?;
        self.sequences = next;
        Ok(())
    }

    /// Copies the first tokens of slots to others.
    fn copy_slots(&self, copies: &[(usize, usize)], longest: usize) -> Result<()> {
        if copies.is_empty() {
            return Ok(());
        }
        let from: Vec<i64> = copies.iter().map(|&(from, _)| from as i64).collect();
        let to: Vec<i64> = copies.iter().map(|&(_, to)| to as i64).collect();
        let (from, to) = (on_device(&from, self.device)?, on_device(&to, self.device)?);
        for layer in &self.layers {
            let (_, heads, size) = layer.size3()?;
            let slots = layer.f_view([self.slots as i64, self.capacity as i64, heads, size])?;
            let mut used = slots.f_narrow(1, 0, longest as i64)?;
            let copied = used.f_index_select(0, &from)?;
            used.f_index_copy_(0, &to, &copied).map(drop)?;
        }
        Ok(())
    }

    /// Plans how sequences that each grow by `more` tokens attend to what they have; there has to
    /// be [room](Self::reserve) for them.
    pub(super) fn plan(&self, more: &[usize], flash: bool) -> Result<CachedPlan> {
        let mut rows: Vec<i64> = Vec::with_capacity(more.iter().sum());
        let mut spans = Vec::with_capacity(more.len());
        for (sequence, &queries) in self.sequences.iter().zip(more) {
            let start = sequence.slot * self.capacity;
            let first = start + sequence.length;
            spans.push(Span {
                first_query: rows.len() as i64,
                queries: queries as i64,
                start: start as i64,
                keys: (sequence.length + queries) as i64,
            });
            rows.extend((first..first + queries).map(|row| row as i64));
        }
        let layers = self.layers.iter().map(Tensor::shallow_clone).collect();
        Ok(CachedPlan {
            rows: on_device(&rows, self.device)?,
            layers,
            spans: Spans::new(spans, flash, self.device)?,
        })
    }
}

/// How sequences of a cache grow and attend, the same way in every block.
#[derive(Debug)]
pub(super) struct CachedPlan {
    layers: Vec<Tensor>,
    /// The row of the cache for each new token, `[N]`.
    rows: Tensor,
    pub(super) spans: Spans,
}

impl CachedPlan {
    /// Writes the keys and values of the new tokens, `[N, 2K, D]`, and gives those of all rows,
    /// `[S·C, 2K, D]`.
    pub(super) fn write(&self, layer: usize, keys_and_values: &Tensor) -> Result<Tensor> {
        let mut all = self.layers[layer].shallow_clone();
        all.f_index_copy_(0, &self.rows, keys_and_values)
            .map(drop)?;
        Ok(all)
    }
}
