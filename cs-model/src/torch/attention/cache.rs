//! Keys and values of sequences that grow.
//!
//! In the shapes, `N` is the number of new tokens, `B` that of sequences, `S` that of slots, `C`
//! the number of tokens that a slot holds, `K` that of heads of keys and values, and `D` the head
//! size.

use std::collections::HashSet;

use cs_data::TokenBatch;
use tch::{Kind, Tensor};

use super::spans::{Span, Spans};
use crate::config::Stack;
use crate::error::{Error, Result};
use crate::generate::Prefix;
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sequence {
    slot: usize,
    /// What was read, whose keys and values are the first of the slot.
    tokens: Vec<u32>,
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
        let empty = |slot| Sequence {
            slot,
            tokens: Vec::new(),
        };
        self.sequences = (0..count).map(empty).collect();
    }

    /// Makes the sequences what prompts have in common with them: of each prompt, the longest prefix
    /// that there is.
    pub(in crate::torch) fn resume(&mut self, prompts: &[&[u32]]) -> Result<()> {
        let held = || self.sequences.iter().map(|own| own.tokens.as_slice());
        let next = prompts.iter().map(|prompt| {
            let Prefix { sequence, tokens } = Prefix::longest(prompt, held())?;
            Some(Sequence {
                slot: self.sequences[sequence].slot,
                tokens: prompt[..tokens].to_vec(),
            })
        });
        let next = next.map(Option::unwrap_or_default).collect();
        self.assign(next)
    }

    /// The number of tokens of each sequence.
    pub(in crate::torch) fn lengths(&self) -> impl ExactSizeIterator<Item = usize> {
        self.sequences.iter().map(|own| own.tokens.len())
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
            positions.for_each(|position| *position += sequence.tokens.len() as u32);
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

    /// Takes in the tokens, of each sequence some, that were written.
    pub(in crate::torch) fn grow(&mut self, batch: &TokenBatch) {
        for (i, sequence) in self.sequences.iter_mut().enumerate() {
            sequence
                .tokens
                .extend_from_slice(&batch.ids[batch.range(i)]);
        }
    }

    /// Makes sequence `i` what sequence `sources[i]` was.
    pub(in crate::torch) fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        let count = self.sequences.len();
        if let Some(source) = sources.iter().find(|&&source| source >= count) {
            let expected = format!("less than {count} sequences");
            return Err(Error::field("sources", source, expected));
        }
        let next = sources.iter().map(|&source| self.sequences[source].clone());
        self.assign(next.collect())
    }

    /// Makes these the sequences, whose slots have their tokens already: of several in one slot, all
    /// but the first get slots of their own, as those without tokens do.
    fn assign(&mut self, mut next: Vec<Sequence>) -> Result<()> {
        let full = next.iter().filter(|sequence| !sequence.tokens.is_empty());
        let taken: HashSet<usize> = full.map(|sequence| sequence.slot).collect();
        let mut free = (0..).filter(|slot| !taken.contains(slot));
        let (mut named, mut copies, mut longest) = (HashSet::new(), Vec::new(), 0);
        for sequence in &mut next {
            let length = sequence.tokens.len();
            if length > 0 && named.insert(sequence.slot) {
                continue;
            }
            let from = sequence.slot;
            sequence.slot = free.next().unwrap_or(from);
            if length > 0 {
                copies.push((from, sequence.slot));
                longest = longest.max(length);
            }
        }
        let slots = copies.iter().map(|&(_, to)| to + 1).max().unwrap_or(0);
        if slots > self.slots {
            self.resize(slots, self.capacity)?;
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
            let length = sequence.tokens.len();
            let first = start + length;
            spans.push(Span {
                first_query: rows.len() as i64,
                queries: queries as i64,
                start: start as i64,
                keys: (length + queries) as i64,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache of a layer, in which the key and the value of a token are its number.
    fn cache() -> Cache {
        Cache {
            layers: vec![Tensor::zeros([0, 2, 1], (Kind::Float, tch::Device::Cpu))],
            slots: 0,
            capacity: 0,
            sequences: Vec::new(),
            kind: Kind::Float,
            device: Device::Cpu,
        }
    }

    /// Reads what is left of the prompts, and gives how many tokens that was of each.
    fn read(cache: &mut Cache, prompts: &[&[u32]]) -> Vec<usize> {
        cache.resume(prompts).unwrap();
        let pairs = prompts.iter().zip(cache.lengths());
        let rests: Vec<&[u32]> = pairs.map(|(prompt, read)| &prompt[read..]).collect();
        let batch = TokenBatch::pack(rests.iter().copied());
        let more: Vec<usize> = rests.iter().map(|rest| rest.len()).collect();
        cache.reserve(&more).unwrap();
        let ids: Vec<f32> = batch.ids.iter().map(|&id| id as f32).collect();
        let keys = Tensor::from_slice(&ids).view([-1, 1, 1]).repeat([1, 2, 1]);
        drop(cache.plan(&more, false).unwrap().write(0, &keys).unwrap());
        cache.grow(&batch);
        more
    }

    /// The values of each sequence, as they lie in its slot.
    fn values(cache: &Cache) -> Vec<Vec<u32>> {
        let rows = cache.layers[0].select(1, 1).flatten(0, -1);
        let rows = Vec::<f32>::try_from(rows).unwrap();
        let own = cache.sequences.iter().map(|own| {
            let start = own.slot * cache.capacity;
            let values = rows[start..start + own.tokens.len()].iter();
            values.map(|&value| value as u32).collect()
        });
        own.collect()
    }

    #[test]
    fn prompts_go_on_from_what_is_held_wherever_it_lies() {
        let mut cache = cache();
        let long: Vec<u32> = (0..150).collect();
        let turned = |at: usize| [&long[..at], &[999, 998]].concat();
        let steps: [(Vec<Vec<u32>>, &[usize]); 6] = [
            (vec![long[..70].to_vec(), vec![5, 6], vec![7]], &[70, 2, 1]),
            // Several of one, one of nothing, one of another.
            (
                vec![
                    turned(60),
                    vec![1; 3],
                    turned(9),
                    long[..70].to_vec(),
                    vec![5, 6, 7],
                ],
                &[2, 3, 2, 1, 1],
            ),
            (vec![turned(9), turned(9)], &[1, 1]),
            (vec![vec![999]; 7], &[1; 7]),
            (vec![], &[]),
            (vec![long.clone(), turned(9)], &[150, 11]),
        ];
        for (prompts, expected) in steps {
            let slices: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
            assert_eq!(read(&mut cache, &slices), expected, "{prompts:?}");
            assert_eq!(values(&cache), prompts);
        }
        // An order of which a sequence comes twice, and then more slots than there are.
        cache.reorder(&[1, 0, 1]).unwrap();
        assert_eq!(values(&cache), [turned(9), long.clone(), turned(9)]);
        cache.reorder(&[1; 12]).unwrap();
        assert_eq!(values(&cache), vec![long; 12]);
        assert!(cache.reorder(&[12]).is_err());
    }
}
