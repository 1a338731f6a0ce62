//! Self-attention (Vaswani et al. 2017, section 3.2) on packed sequences.
//!
//! In the shapes, `N` is the number of packed tokens, `H` the hidden width, `A` the number of
//! heads, `K` that of heads of keys and values (`K = A` unless they are shared), `D` the head size
//! (`C = A·D`; `C = H` unless heads were removed), and `Q = A + 2K`; `P` is the number of rows of
//! all groups with pads, `G` that of the sequences of a group, `L` the length of its longest; `S`
//! is the number of pairs of a query and a key.

mod cache;
mod cross;
mod grouping;
mod rotary;
mod spans;

use tch::{Kind, Tensor};

pub(super) use self::cache::Cache;
use self::cache::CachedPlan;
pub(super) use self::cross::{CrossAttention, Sources, Target};
use self::grouping::{Group, Grouping};
pub(super) use self::rotary::Frequencies;
use self::rotary::Turns;
use self::spans::Heads;
use super::PackedInput;
use super::layers::{Joined, Linear, Norm, dropout};
use super::parameters::Scope;
use crate::config::Stack;
use crate::config::names::Role;
use crate::error::Result;
use crate::ops::{Autocast, Device, FlashAttention, flash_attention, on_device};

/// How a batch attends, the same way in every block.
#[derive(Debug)]
pub(super) struct AttentionPlan {
    way: Way,
    /// How queries and keys are turned, where positions are rotary.
    turns: Option<Turns>,
}

#[derive(Debug)]
enum Way {
    /// The batch attends in groups padded to one length, `[P]` rows.
    Grouped(Grouping),
    /// In groups as above, with the scores kept: the tensor holds the `[S]` indices of the pairs
    /// among the groups' scores.
    Unfused(Grouping, Tensor),
    /// The batch attends by flash attention on the packed sequences themselves.
    Flash {
        /// Where each sequence begins, and the end: `[B+1]` i32.
        offsets: Tensor,
        longest: usize,
    },
    /// Sequences that grow attend to what a cache holds of them.
    Cached(CachedPlan),
}

/// What a block's attention needs beside the hidden states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) plan: &'a AttentionPlan,
    /// The number of the block.
    pub(super) layer: usize,
    /// What an encoder has read, in a decoder that attends to it.
    pub(super) sources: Option<&'a Sources>,
    pub(super) train: bool,
}

/// What a model's plans depend on beside the batch.
#[derive(Debug)]
pub(super) struct Attending {
    /// The number of attention heads of a block from which none were removed.
    pub(super) heads: usize,
    /// The frequencies of rotary positions.
    pub(super) frequencies: Option<Frequencies>,
    /// Whether the device has flash attention for the head size.
    pub(super) flash: bool,
    /// The type of what attends, outside of autocast.
    pub(super) kind: Kind,
}

impl Attending {
    /// Whether flash attention computes what attends to spans, without autocast.
    pub(super) fn flashes_spans(&self) -> bool {
        self.flash && self.kind != Kind::Float
    }
}

impl AttentionPlan {
    /// Plans the attention of a batch. Flash attention takes 16 bits only, and does not `keep` the
    /// scores.
    pub(super) fn new(input: &PackedInput, attending: &Attending, keep: bool) -> Result<Self> {
        let turns = attending.frequencies.as_ref();
        let turns = turns.map(|turns| turns.turns(input.positions(), attending.kind));
        Ok(Self {
            way: Way::new(input, attending, keep)?,
            turns: turns.transpose()?,
        })
    }

    /// Plans the attention of sequences of a cache, which has room for them to grow by a batch.
    pub(super) fn cached(
        input: &PackedInput,
        attending: &Attending,
        cache: &Cache,
    ) -> Result<Self> {
        let turns = attending.frequencies.as_ref();
        let turns = turns.map(|turns| turns.turns(input.positions(), attending.kind));
        let plan = cache.plan(input.lengths(), attending.flashes_spans())?;
        Ok(Self {
            way: Way::Cached(plan),
            turns: turns.transpose()?,
        })
    }
}

impl Way {
    fn new(input: &PackedInput, attending: &Attending, keep: bool) -> Result<Self> {
        let (lengths, device) = (input.lengths(), input.device());
        let half = attending.kind != Kind::Float || Autocast::is_on(device);
        if attending.flash && !keep && half {
            return Self::flash(lengths, device);
        }
        let grouping = Grouping::new(lengths, attending.heads, device)?;
        if !keep {
            return Ok(Self::Grouped(grouping));
        }
        let pairs = grouping.pairs(lengths, device)?;
        Ok(Self::Unfused(grouping, pairs))
    }

    fn flash(lengths: &[usize], device: Device) -> Result<Self> {
        let mut offsets = vec![0_i32];
        let mut end = 0;
        for &length in lengths {
            end += length as i32; // a batch has fewer tokens than i32 can count
            offsets.push(end);
        }
        Ok(Self::Flash {
            offsets: on_device(&offsets, device)?,
            longest: lengths.iter().copied().max().unwrap_or(0),
        })
    }
}

/// Attention of each token to the tokens of its sequence: to all, or to those up to itself.
#[derive(Debug)]
pub(super) struct SelfAttention {
    projection: Joined,
    /// The norms of queries and keys.
    norms: Option<[Norm; 2]>,
    heads: i64,
    key_value_heads: i64,
    head_size: i64,
    causal: bool,
    dropout: f64,
}

impl SelfAttention {
    pub(super) fn new(scope: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        let roles: &[Role] = if stack.conv1d {
            &[Role::QueryKeyValue]
        } else {
            &[Role::Query, Role::Key, Role::Value]
        };
        let parts = roles
            .iter()
            .map(|&role| Linear::of_block(scope, role, stack));
        let norms = if stack.norms.heads {
            let query = Norm::new(scope, Role::QueryNorm, stack.norms)?;
            Some([query, Norm::new(scope, Role::KeyNorm, stack.norms)?])
        } else {
            None
        };
        let sizes = stack.blocks[layer];
        Ok(Self {
            projection: Joined::new(parts.collect::<Result<_>>()?)?,
            norms,
            heads: sizes.heads as i64,
            key_value_heads: sizes.key_value_heads as i64,
            head_size: stack.head_size as i64,
            causal: stack.causal,
            dropout: stack.attention_dropout,
        })
    }

    /// Computes the attention; the scores are given as well if the plan keeps them.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, C]` and `[S, A]`.
    pub(super) fn forward(&self, x: &Tensor, pass: Pass<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let train = pass.train;
        let qkv = self.project(x, pass.plan.turns.as_ref())?; // [N, Q·D]
        let (grouping, pairs) = match &pass.plan.way {
            Way::Flash { offsets, longest } => {
                return Ok((self.flash(&qkv, offsets, *longest, train)?, None));
            }
            Way::Cached(plan) => return Ok((self.cached(&qkv, plan, pass.layer)?, None)),
            Way::Grouped(grouping) => (grouping, None),
            Way::Unfused(grouping, pairs) => (grouping, Some(pairs)),
        };
        let mut scores = pairs.map(|_| Vec::new());
        let context = self.grouped(qkv, grouping, train, &mut scores)?;
        let scores = match (pairs, scores) {
            (Some(pairs), Some(scores)) => {
                let all = Tensor::f_cat(&scores, 0)?;
                Some(all.f_index_select(0, pairs)?.f_to_kind(Kind::Float)?) // [S, A]
            }
            _ => None,
        };
        Ok((context, scores))
    }

    /// Projects to queries, keys and values side by side, normalised and turned where the model
    /// does so: `[N, H]` to `[N, Q·D]`.
    fn project(&self, x: &Tensor, turns: Option<&Turns>) -> Result<Tensor> {
        let qkv = self.projection.forward(x)?;
        let (a, k) = (self.heads, self.key_value_heads);
        let heads = qkv.f_view([-1, a + 2 * k, self.head_size])?; // [N, Q, D]
        if let Some([query, key]) = &self.norms {
            let (mut q, mut k) = (heads.f_narrow(1, 0, a)?, heads.f_narrow(1, a, k)?);
            q.f_copy_(&query.forward(&q)?)?;
            k.f_copy_(&key.forward(&k)?)?;
        }
        if let Some(turns) = turns {
            turns.apply(heads.f_narrow(1, 0, a + k)?)?;
        }
        Ok(qkv)
    }

    /// Attends by flash attention: `[N, Q·D]` to `[N, C]`.
    fn flash(&self, qkv: &Tensor, offsets: &Tensor, longest: usize, train: bool) -> Result<Tensor> {
        let (n, a, k) = (qkv.size()[0], self.heads, self.key_value_heads);
        let heads = qkv.f_view([n, a + 2 * k, self.head_size])?; // [N, Q, D]
        let context = flash_attention(&FlashAttention {
            query: &heads.f_narrow(1, 0, a)?,
            key: &heads.f_narrow(1, a, k)?,
            value: &heads.f_narrow(1, a + k, k)?,
            offsets,
            longest,
            slots: None,
            causal: self.causal,
            dropout: if train { self.dropout } else { 0.0 },
        })?; // [N, A, D]
        Ok(context.f_reshape([n, a * self.head_size])?) // [N, C]
    }

    /// Attends to the keys and values of a cache, after those of the new tokens were written there:
    /// `[N, Q·D]` to `[N, C]`.
    fn cached(&self, qkv: &Tensor, plan: &CachedPlan, layer: usize) -> Result<Tensor> {
        let (n, a, k) = (qkv.size()[0], self.heads, self.key_value_heads);
        let heads = qkv.f_view([n, a + 2 * k, self.head_size])?; // [N, Q, D]
        let queries = heads.f_narrow(1, 0, a)?; // [N, A, D]
        let all = plan.write(layer, &heads.f_narrow(1, a, 2 * k)?)?; // [S·C, 2K, D]
        let heads = Heads {
            queries: a,
            keys: k,
            size: self.head_size,
            causal: self.causal,
        };
        plan.spans.attend(&queries, &all, heads) // [N, C]
    }

    /// Attends group by group: `[N, Q·D]` to `[N, C]`; adds each group's scores to `scores` if there
    /// is such a list.
    fn grouped(
        &self,
        qkv: Tensor,
        grouping: &Grouping,
        train: bool,
        scores: &mut Option<Vec<Tensor>>,
    ) -> Result<Tensor> {
        let rows = match &grouping.gather {
            Some(gather) => qkv.f_index_select(0, gather)?, // [P, Q·D]
            None => qkv,
        };
        let context = match grouping.groups.as_slice() {
            [group] => self.attend(&rows, group, train, scores)?,
            groups => {
                // One split is used, because its backward pass fills one gradient, where that of
                // many narrows fills one each.
                let parts = rows.f_split_with_sizes(grouping.rows(), 0)?;
                let mut contexts = Vec::with_capacity(groups.len());
                for (part, group) in parts.iter().zip(groups) {
                    contexts.push(self.attend(part, group, train, scores)?);
                }
                Tensor::f_cat(&contexts, 0)? // [P, C]
            }
        };
        match &grouping.restore {
            Some(restore) => Ok(context.f_index_select(0, restore)?), // [N, C]
            None => Ok(context),
        }
    }

    /// Attends within one group: `[G·L, Q·D]` to `[G·L, C]`.
    fn attend(
        &self,
        rows: &Tensor,
        group: &Group,
        train: bool,
        scores: &mut Option<Vec<Tensor>>,
    ) -> Result<Tensor> {
        let (g, l, a, d) = (group.sequences, group.length, self.heads, self.head_size);
        let context = if scores.is_some() || (train && self.dropout > 0.0) {
            self.attend_unfused(rows, group, train, scores)?
        } else {
            let k = self.key_value_heads;
            let heads = rows.f_view([g, l, a + 2 * k, d])?.f_transpose(1, 2)?; // [G, Q, L, D]
            let (query, key) = (heads.f_narrow(1, 0, a)?, heads.f_narrow(1, a, k)?);
            let value = heads.f_narrow(1, a + k, k)?;
            // A pad comes after all tokens, so a causal mask hides it from them.
            let bias = group.bias.as_ref().filter(|_| !self.causal);
            Tensor::f_scaled_dot_product_attention(
                &query,
                &key,
                &value,
                bias,
                0.0,
                self.causal,
                None,
                a != k,
            )?
        }; // [G, A, L, D]
        Ok(context.f_transpose(1, 2)?.f_reshape([g * l, a * d])?) // [G·L, C]
    }

    /// Attends by two batched products: `[G·L, Q·D]` to `[G, A, L, D]`. libtorch's own
    /// operator has no fused form with dropout, and without one these products cost 10 to 25 %
    /// less. Nor does it give its scores.
    fn attend_unfused(
        &self,
        rows: &Tensor,
        group: &Group,
        train: bool,
        kept: &mut Option<Vec<Tensor>>,
    ) -> Result<Tensor> {
        let (g, l, a, d) = (group.sequences, group.length, self.heads, self.head_size);
        let [q, k, v] = self.apart(rows, group)?; // [G·A, L, D]
        let scale = (d as f64).sqrt().recip();
        let k = k.f_transpose(1, 2)?; // [G·A, D, L]
        let scores = match self.bias(group, q.kind(), q.device())? {
            None => q.f_mul_scalar(scale)?.f_bmm(&k)?,
            Some(bias) => bias.f_baddbmm(&q, &k, 1.0, scale)?,
        }; // [G·A, L, L]
        if let Some(kept) = kept {
            let own = scores.f_view([g, a, l, l])?.f_permute([0, 2, 3, 1])?; // [G, L, L, A]
            kept.push(own.f_reshape([g * l * l, a])?);
        }
        let weights = scores.f_softmax(-1, Kind::Float)?;
        let weights = dropout(weights, self.dropout, train)?;
        Ok(weights.f_bmm(&v)?.f_view([g, a, l, d])?) // [G, A, L, D]
    }

    /// Gives queries, keys and values of a group, `[G·A, L, D]` each, from `[G·L, Q·D]`.
    fn apart(&self, rows: &Tensor, group: &Group) -> Result<[Tensor; 3]> {
        let (g, l, a, d) = (group.sequences, group.length, self.heads, self.head_size);
        let k = self.key_value_heads;
        if a == k {
            let qkv = rows.f_view([g, l, 3, a, d])?.f_permute([2, 0, 3, 1, 4])?;
            return split3(&qkv.f_reshape([3, g * a, l, d])?);
        }
        let heads = rows.f_view([g, l, a + 2 * k, d])?.f_transpose(1, 2)?; // [G, Q, L, D]
        let repeated = |first: i64| -> Result<Tensor> {
            let own = heads.f_narrow(1, first, k)?;
            let all = own.f_repeat_interleave_self_int(a / k, 1, a)?; // [G, A, L, D]
            Ok(all.f_reshape([g * a, l, d])?)
        };
        let query = heads.f_narrow(1, 0, a)?.f_reshape([g * a, l, d])?;
        Ok([query, repeated(a)?, repeated(a + k)?])
    }

    /// Gives what is added to the scores of a group, `[G·A, 1 or L, L]`.
    fn bias(&self, group: &Group, kind: Kind, device: tch::Device) -> Result<Option<Tensor>> {
        let (g, l, a) = (group.sequences, group.length, self.heads);
        if self.causal {
            let all = Tensor::f_full([l, l], f64::NEG_INFINITY, (kind, device))?;
            return Ok(Some(all.f_triu(1)?.f_expand([g * a, l, l], false)?));
        }
        let bias = group.bias.as_ref().map(|bias| -> Result<Tensor> {
            let bias = bias.f_expand([g, a, 1, l], false)?;
            Ok(bias.f_reshape([g * a, 1, l])?)
        });
        bias.transpose()
    }
}

fn split3(qkv: &Tensor) -> Result<[Tensor; 3]> {
    let mut parts = qkv.f_unbind(0)?.into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(q), Some(k), Some(v)) => Ok([q, k, v]),
        _ => unreachable!("the first dimension is 3"),
    }
}
