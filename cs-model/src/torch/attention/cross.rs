//! Attention of a decoder's tokens to what an encoder read (Vaswani et al. 2017, section 3.2.3), on
//! sequences that are packed on both sides.
//!
//! In the shapes, `N` is the number of packed tokens of the decoder and `M` that of the encoder, `H`
//! the hidden width, `A` the number of heads, `D` the head size, and `C = A·D`.

use tch::Tensor;

use super::spans::{Heads, Span, Spans};
use crate::config::Stack;
use crate::config::names::Role;
use crate::error::Result;
use crate::ops::Device;
use crate::torch::PackedInput;
use crate::torch::layers::{Joined, Linear};
use crate::torch::parameters::Scope;

/// Attention of each token to all tokens of its source.
#[derive(Debug)]
pub(in crate::torch) struct CrossAttention {
    query: Linear,
    keys_and_values: Joined,
    heads: Heads,
}

impl CrossAttention {
    pub(in crate::torch) fn new(scope: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let read = [Role::CrossKey, Role::CrossValue].map(|role| Linear::new(scope, role));
        let heads = stack.blocks[layer].heads as i64;
        Ok(Self {
            query: Linear::new(scope, Role::CrossQuery)?,
            keys_and_values: Joined::new(read.into_iter().collect::<Result<_>>()?)?,
            heads: Heads {
                queries: heads,
                keys: heads,
                size: stack.head_size as i64,
                causal: false,
            },
        })
    }

    /// Computes the keys and values of the encoder's hidden states: `[M, H]` to `[M, 2A, D]`.
    pub(in crate::torch) fn read(&self, hidden: &Tensor) -> Result<Tensor> {
        let shape = [-1, 2 * self.heads.keys, self.heads.size];
        Ok(self.keys_and_values.forward(hidden)?.f_view(shape)?)
    }

    /// Computes the attention of the block of this number.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, C]`.
    pub(in crate::torch) fn forward(
        &self,
        x: &Tensor,
        sources: &Sources,
        layer: usize,
    ) -> Result<Tensor> {
        let shape = [-1, self.heads.queries, self.heads.size];
        let queries = self.query.forward(x)?.f_view(shape)?; // [N, A, D]
        let rows = &sources.layers[layer]; // [M, 2A, D]
        sources.spans.attend(&queries, rows, self.heads)
    }
}

/// What an encoder has read, as a decoder's blocks attend to it.
#[derive(Debug)]
pub(in crate::torch) struct Sources {
    /// The keys and then the values of each token, of each block, `[M, 2A, D]`.
    layers: Vec<Tensor>,
    /// The rows of each source.
    places: Vec<Place>,
    spans: Spans,
    /// Whether flash attention computes it.
    flash: bool,
    device: Device,
}

/// The rows of a source.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: i64,
    length: i64,
}

/// A sequence of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::torch) struct Target {
    /// The number of its tokens that attend.
    pub(in crate::torch) tokens: usize,
    /// The number of its source.
    pub(in crate::torch) source: usize,
}

impl Sources {
    /// Takes what the blocks attend to, `[M, 2A, D]` each; nothing does so yet.
    pub(in crate::torch) fn new(
        layers: Vec<Tensor>,
        input: &PackedInput,
        flash: bool,
    ) -> Result<Self> {
        let lengths = input.lengths().iter();
        let places = lengths.scan(0, |next, &length| {
            let (start, length) = (*next, length as i64);
            *next += length;
            Some(Place { start, length })
        });
        Ok(Self {
            layers,
            places: places.collect(),
            flash,
            ..Self::none(input.device())?
        })
    }

    /// No sources, to which nothing can attend.
    pub(in crate::torch) fn none(device: Device) -> Result<Self> {
        Ok(Self {
            layers: Vec::new(),
            places: Vec::new(),
            spans: Spans::new(Vec::new(), false, device)?,
            flash: false,
            device,
        })
    }

    /// The number of sources.
    pub(in crate::torch) fn count(&self) -> usize {
        self.places.len()
    }

    /// Lets packed sequences attend, each to its source, in the place of any others.
    pub(in crate::torch) fn attend(&mut self, targets: &[Target]) -> Result<()> {
        let mut spans: Vec<Span> = Vec::new();
        let mut next = 0;
        for target in targets {
            let (place, queries) = (self.places[target.source], target.tokens as i64);
            match spans.last_mut() {
                // Sequences of one source, as beams are, attend together.
                Some(last) if last.start == place.start => last.queries += queries,
                _ => spans.push(Span {
                    first_query: next,
                    queries,
                    start: place.start,
                    keys: place.length,
                }),
            }
            next += queries;
        }
        self.spans = Spans::new(spans, self.flash, self.device)?;
        Ok(())
    }
}
