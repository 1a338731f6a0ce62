//! Self-attention (Vaswani et al. 2017, section 3.2) on packed sequences.
//!
//! In the shapes, `N` is the number of packed tokens, `H` the hidden width, `A` the number of
//! heads, `D` the head size (`C = A·D`; `C = H` unless heads were removed, and `H` stands for `C`
//! after the projection); `P` is the number of rows of all groups with pads, `G` that of the
//! sequences of a group, `L` the length of its longest; `S` is the number of pairs of a query and a
//! key.

mod grouping;

use tch::{Kind, Tensor};

use self::grouping::{Group, Grouping};
use super::PackedInput;
use super::layers::{Linear, dropout};
use super::parameters::Scope;
use crate::config::Stack;
use crate::config::names::Role;
use crate::error::Result;
use crate::ops::{Autocast, Device, FlashAttention, flash_attention, on_device};

/// How a batch attends, the same way in every block.
#[derive(Debug)]
pub(super) enum AttentionPlan {
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
}

impl AttentionPlan {
    /// Plans the attention of a batch. `flash` is whether the device has a kernel for it, which
    /// takes 16 bits only; `keep` is whether the scores are kept.
    pub(super) fn new(input: &PackedInput, heads: usize, flash: bool, keep: bool) -> Result<Self> {
        let (lengths, device) = (input.lengths(), input.device());
        if flash && !keep && Autocast::is_on(device) {
            return Self::flash(lengths, device);
        }
        let grouping = Grouping::new(lengths, heads, device)?;
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

/// Attention of each token to all tokens of its sequence.
#[derive(Debug)]
pub(super) struct SelfAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    heads: i64,
    head_size: i64,
    dropout: f64,
}

impl SelfAttention {
    pub(super) fn new(scope: Scope<'_>, stack: &Stack, layer: usize) -> Result<Self> {
        Ok(Self {
            query: Linear::new(scope, Role::Query)?,
            key: Linear::new(scope, Role::Key)?,
            value: Linear::new(scope, Role::Value)?,
            heads: stack.blocks[layer].heads as i64,
            head_size: stack.head_size as i64,
            dropout: stack.attention_dropout,
        })
    }

    /// Computes the attention; the scores are given as well if the plan keeps them.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, H]` and `[S, A]`.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        plan: &AttentionPlan,
        train: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let qkv = self.project(x)?; // [N, 3H]
        let (grouping, pairs) = match plan {
            AttentionPlan::Flash { offsets, longest } => {
                return Ok((self.flash(&qkv, offsets, *longest, train)?, None));
            }
            AttentionPlan::Grouped(grouping) => (grouping, None),
            AttentionPlan::Unfused(grouping, pairs) => (grouping, Some(pairs)),
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

    /// Projects to queries, keys and values side by side, in one product: `[N, H]` to `[N, 3H]`.
    fn project(&self, x: &Tensor) -> Result<Tensor> {
        let (q, k, v) = (&self.query, &self.key, &self.value);
        let weight = Tensor::f_cat(&[&q.weight, &k.weight, &v.weight], 0)?; // [3H, H]
        let bias = Tensor::f_cat(&[&q.bias, &k.bias, &v.bias], 0)?; // [3H]
        Ok(x.f_linear(&weight, Some(&bias))?)
    }

    /// Attends by flash attention: `[N, 3H]` to `[N, H]`.
    fn flash(&self, qkv: &Tensor, offsets: &Tensor, longest: usize, train: bool) -> Result<Tensor> {
        let n = qkv.size()[0];
        let qkv = qkv.f_view([n, 3, self.heads, self.head_size])?;
        let [query, key, value] = split3(&qkv.f_transpose(0, 1)?)?; // [N, A, D]
        let context = flash_attention(&FlashAttention {
            query: &query,
            key: &key,
            value: &value,
            offsets,
            longest,
            dropout: if train { self.dropout } else { 0.0 },
        })?; // [N, A, D]
        Ok(context.f_reshape([n, self.heads * self.head_size])?) // [N, H]
    }

    /// Attends group by group: `[N, 3H]` to `[N, H]`; adds each group's scores to `scores` if there
    /// is such a list.
    fn grouped(
        &self,
        qkv: Tensor,
        grouping: &Grouping,
        train: bool,
        scores: &mut Option<Vec<Tensor>>,
    ) -> Result<Tensor> {
        let rows = match &grouping.gather {
            Some(gather) => qkv.f_index_select(0, gather)?, // [P, 3H]
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
                Tensor::f_cat(&contexts, 0)? // [P, H]
            }
        };
        match &grouping.restore {
            Some(restore) => Ok(context.f_index_select(0, restore)?), // [N, H]
            None => Ok(context),
        }
    }

    /// Attends within one group: `[G·L, 3H]` to `[G·L, H]`.
    fn attend(
        &self,
        rows: &Tensor,
        group: &Group,
        train: bool,
        scores: &mut Option<Vec<Tensor>>,
    ) -> Result<Tensor> {
        let (g, l, a, d) = (group.sequences, group.length, self.heads, self.head_size);
        let qkv = rows.f_view([g, l, 3, a, d])?.f_permute([2, 0, 3, 1, 4])?; // [3, G, A, L, D]
        let context = if scores.is_some() || (train && self.dropout > 0.0) {
            self.attend_unfused(&qkv, group, train, scores)?
        } else {
            let [q, k, v] = split3(&qkv)?;
            let bias = group.bias.as_ref();
            Tensor::f_scaled_dot_product_attention(&q, &k, &v, bias, 0.0, false, None, false)?
        }; // [G, A, L, D]
        Ok(context.f_transpose(1, 2)?.f_reshape([g * l, a * d])?) // [G·L, H]
    }

    /// Attends by two batched products: `[3, G, A, L, D]` to `[G, A, L, D]`. libtorch's own
    /// operator has no fused form with dropout, and without one these products cost 10 to 25 %
    /// less. Nor does it give its scores.
    fn attend_unfused(
        &self,
        qkv: &Tensor,
        group: &Group,
        train: bool,
        kept: &mut Option<Vec<Tensor>>,
    ) -> Result<Tensor> {
        let (g, l, a, d) = (group.sequences, group.length, self.heads, self.head_size);
        let [q, k, v] = split3(&qkv.f_reshape([3, g * a, l, d])?)?; // [G·A, L, D]
        let scale = (d as f64).sqrt().recip();
        let k = k.f_transpose(1, 2)?; // [G·A, D, L]
        let scores = match &group.bias {
            None => q.f_mul_scalar(scale)?.f_bmm(&k)?,
            Some(bias) => {
                let bias = bias
                    .f_expand([g, a, 1, l], false)?
                    .f_reshape([g * a, 1, l])?;
                bias.f_baddbmm(&q, &k, 1.0, scale)?
            }
        }; // [G·A, L, L]
        if let Some(kept) = kept {
            let own = scores.f_view([g, a, l, l])?.f_permute([0, 2, 3, 1])?; // [G, L, L, A]
            kept.push(own.f_reshape([g * l * l, a])?);
        }
        let weights = scores.f_softmax(-1, Kind::Float)?;
        let weights = dropout(weights, self.dropout, train)?;
        Ok(weights.f_bmm(&v)?.f_view([g, a, l, d])?) // [G, A, L, D]
    }
}

fn split3(qkv: &Tensor) -> Result<[Tensor; 3]> {
    let mut parts = qkv.f_unbind(0)?.into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(q), Some(k), Some(v)) => Ok([q, k, v]),
        _ => unreachable!("the first dimension is 3"),
    }
}
