//! Attention of a decoder's tokens to what an encoder read (Vaswani et al. 2017, section 3.2.3), on
//! sequences that are packed on both sides.
//!
//! In the shapes, `N` is the number of packed tokens of the decoder and `M` that of the encoder, `H`
//! the hidden width, `A` the number of heads, `D` the head size, and `C = A·D`; `Q` is the number of
//! tokens that attend to one source, and `L` that of the source's own.

use tch::Tensor;

use crate::config::Stack;
use crate::config::names::Role;
use crate::error::Result;
use crate::ops::{Device, on_device};
use crate::torch::PackedInput;
use crate::torch::layers::{Joined, Linear};
use crate::torch::parameters::Scope;

/// Attention of each token to all tokens of its source.
#[derive(Debug)]
pub(in crate::torch) struct CrossAttention {
    query: Linear,
    /// The layers of keys and values.
    memory: Joined,
    /// The number of the block.
    layer: usize,
    heads: i64,
    head_size: i64,
}

/// What a block keeps of the sources: the keys and the values of each of their tokens, `[M, A, D]`
/// both.
#[derive(Debug)]
pub(in crate::torch) struct SourceKeys {
    keys: Tensor,
    values: Tensor,
}

impl CrossAttention {
    pub(in crate::torch) fn new(scope: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let memory = [Role::CrossKey, Role::CrossValue].map(|role| Linear::new(scope, role));
        Ok(Self {
            query: Linear::new(scope, Role::CrossQuery)?,
            memory: Joined::new(memory.into_iter().collect::<Result<_>>()?)?,
            layer,
            heads: stack.blocks[layer].heads as i64,
            head_size: stack.head_size as i64,
        })
    }

    /// Computes keys and values of the encoder's hidden states, `[M, H]`.
    pub(in crate::torch) fn keys(&self, hidden: &Tensor) -> Result<SourceKeys> {
        let shape = [-1, 2 * self.heads, self.head_size];
        let both = self.memory.forward(hidden)?.f_view(shape)?; // [M, 2A, D]
        Ok(SourceKeys {
            keys: both.f_narrow(1, 0, self.heads)?,
            values: both.f_narrow(1, self.heads, self.heads)?,
        })
    }

    /// Computes the attention.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, C]`.
    pub(in crate::torch) fn forward(&self, x: &Tensor, sources: &Sources) -> Result<Tensor> {
        let (keys, plan) = (&sources.keys[self.layer], &sources.plan);
        let shape = [-1, self.heads, self.head_size];
        let mut query = self.query.forward(x)?.f_view(shape)?; // [N, A, D]
        if let Some(sorted) = &plan.sorted {
            query = query.f_index_select(0, &sorted.rows)?;
        }
        let sizes: Vec<i64> = plan.runs.iter().map(|run| run.queries).collect();
        let queries = query.f_split_with_sizes(&sizes, 0)?;
        let contexts = plan.runs.iter().zip(&queries);
        let contexts = contexts.map(|(run, query)| self.attend(query, keys, run));
        let context = Tensor::f_cat(&contexts.collect::<Result<Vec<_>>>()?, 0)?; // [N, C]
        match &plan.sorted {
            Some(sorted) => Ok(context.f_index_select(0, &sorted.places)?),
            None => Ok(context),
        }
    }

    /// Attends to one source: `[Q, A, D]` gives `[Q, C]`.
    fn attend(&self, query: &Tensor, source: &SourceKeys, run: &Run) -> Result<Tensor> {
        let heads_first = |rows: &Tensor| rows.f_transpose(0, 1)?.f_unsqueeze(0);
        let own = |rows: &Tensor| heads_first(&rows.f_narrow(0, run.start, run.keys)?);
        let context = Tensor::f_scaled_dot_product_attention(
            &heads_first(query)?,
            &own(&source.keys)?,
            &own(&source.values)?,
            None::<&Tensor>,
            0.0,
            false,
            None,
            false,
        )?; // [1, A, Q, D]
        let width = self.heads * self.head_size;
        Ok(context.f_transpose(1, 2)?.f_reshape([run.queries, width])?)
    }
}

/// The sources of a batch, and who attends to which.
#[derive(Debug)]
pub(in crate::torch) struct Sources {
    /// The keys and values of each block.
    keys: Vec<SourceKeys>,
    /// The number of tokens of each source.
    lengths: Vec<usize>,
    plan: CrossPlan,
    device: Device,
}

impl Sources {
    /// Takes what each block keeps of these sources, to which nothing attends yet.
    pub(in crate::torch) fn new(keys: Vec<SourceKeys>, input: &PackedInput) -> Self {
        let plan = CrossPlan {
            sorted: None,
            runs: Vec::new(),
        };
        let (lengths, device) = (input.lengths().to_vec(), input.device());
        Self {
            keys,
            lengths,
            plan,
            device,
        }
    }

    /// The number of sources.
    pub(in crate::torch) fn count(&self) -> usize {
        self.lengths.len()
    }

    /// Lets these packed sequences attend, in the place of any others.
    pub(in crate::torch) fn attend(&mut self, targets: &[Target]) -> Result<()> {
        self.plan = CrossPlan::new(targets, &self.lengths, self.device)?;
        Ok(())
    }
}

/// A sequence of a decoder.
#[derive(Debug, Clone, Copy)]
pub(in crate::torch) struct Target {
    /// The number of its tokens that attend.
    pub(in crate::torch) tokens: usize,
    /// The number of its source.
    pub(in crate::torch) source: usize,
}

/// Which tokens attend to which source, the same in every block.
#[derive(Debug)]
struct CrossPlan {
    /// The order by sources; `None` if it is that of the tokens.
    sorted: Option<Sorted>,
    runs: Vec<Run>,
}

/// Another order of the decoder's tokens.
#[derive(Debug)]
struct Sorted {
    /// The rows in this order, `[N]`.
    rows: Tensor,
    /// The place in it that each row has, `[N]`.
    places: Tensor,
}

/// Tokens that attend to one source.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    /// The number `Q` of tokens.
    queries: i64,
    /// The row of the source's first token.
    start: i64,
    /// The number `L` of the source's tokens.
    keys: i64,
}

impl CrossPlan {
    /// Plans for packed targets of sources of these lengths.
    fn new(targets: &[Target], sources: &[usize], device: Device) -> Result<Self> {
        let starts = super::grouping::starts(sources);
        let mut queries = vec![0; sources.len()];
        for target in targets {
            queries[target.source] += target.tokens as i64;
        }
        let attended = (0..sources.len()).filter(|&source| queries[source] > 0);
        let runs = attended.map(|source| Run {
            queries: queries[source],
            start: starts[source] as i64,
            keys: sources[source] as i64,
        });
        Ok(Self {
            sorted: Sorted::new(targets, device)?,
            runs: runs.collect(),
        })
    }
}

impl Sorted {
    fn new(targets: &[Target], device: Device) -> Result<Option<Self>> {
        if targets.is_sorted_by_key(|target| target.source) {
            return Ok(None);
        }
        let lengths: Vec<usize> = targets.iter().map(|target| target.tokens).collect();
        let starts = super::grouping::starts(&lengths);
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(|&place| targets[place].source);
        let rows = order
            .iter()
            .flat_map(|&place| starts[place]..starts[place] + lengths[place]);
        let rows: Vec<i64> = rows.map(|row| row as i64).collect();
        let mut places = vec![0_i64; rows.len()];
        for (place, &row) in (0..).zip(&rows) {
            places[row as usize] = place;
        }
        Ok(Some(Self {
            rows: on_device(&rows, device)?,
            places: on_device(&places, device)?,
        }))
    }
}
