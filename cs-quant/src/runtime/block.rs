//! The transformer block (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>), told by a
//! [`Stack`] what to be. Whoever computes the context of its heads, from a batch or from a cache,
//! calls [`Block::project`] before and [`Block::finish`] after. In the shapes, `R` is the number of
//! rows, `H` the hidden width, `A` the number of heads of queries, `K` that of keys, `D` their width
//! and `M` the inner width.

use cs_model::names::Role;
use cs_model::{Activation, NormPlace, Stack};

use super::scratch::{Scratch, take};
use crate::error::Result;
use crate::format::source::Scope;
use crate::kernel::gemm::Weights;
use crate::kernel::heads::{HeadShape, Preparation};
use crate::kernel::math::Act;
use crate::kernel::row_ops::{Norm, add, add_norm, norm};
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct Block {
    norms: NormPlace,
    heads: HeadShape,
    /// The norms of each head's queries and keys.
    head_norms: Option<[Norm; 2]>,
    /// The projections to queries, keys and values in one: `[(A + 2 K) D, H]`.
    qkv: Weights,
    attention_output: Weights,
    attention_norm: Norm,
    act: Act,
    /// The first feed-forward layer, `[M, H]`, or the panels of two in turn, of which one is gated
    /// by the other.
    inner: Weights,
    inner_width: usize,
    gated: bool,
    output: Weights,
    norm: Norm,
}

impl Block {
    pub(crate) fn load(stack: &Stack, model: Scope<'_>, index: usize) -> Result<Self> {
        let (scope, sizes) = (model.layer(index), stack.blocks[index]);
        let (hidden, inner) = (stack.hidden_size, sizes.inner_size);
        let heads = HeadShape {
            queries: sizes.heads,
            keys: sizes.key_value_heads,
            size: stack.head_size,
        };
        let norm = |role, width| scope.norm(role, width, &stack.norms);
        let biases = stack.biases;
        let head_norms = match stack.norms.heads {
            true => Some([
                norm(Role::QueryNorm, heads.size)?,
                norm(Role::KeyNorm, heads.size)?,
            ]),
            false => None,
        };
        let output = [hidden, heads.context()];
        let role = Role::AttentionOutput;
        Ok(Self {
            norms: stack.norms.place,
            heads,
            head_norms,
            qkv: qkv(stack, scope, heads)?,
            attention_output: scope.dense(role, output, biases.attention_output)?,
            attention_norm: norm(Role::AttentionNorm, hidden)?,
            act: act(stack.activation),
            inner: feed_forward_in(stack, scope, inner)?,
            inner_width: inner,
            gated: stack.gated,
            output: scope.dense(Role::FeedForwardOut, [hidden, inner], biases.feed_forward)?,
            norm: norm(Role::FeedForwardNorm, hidden)?,
        })
    }

    /// How the queries, keys and values of [`Block::project`] lie side by side.
    pub(crate) fn heads(&self) -> HeadShape {
        self.heads
    }

    /// The width `M` between the feed-forward layers.
    pub(crate) fn inner_width(&self) -> usize {
        self.inner_width
    }

    /// Computes some rows' queries, keys and values, `[R, (A + 2 K) D]`, from the block's input
    /// `x`, `[R, H]`.
    ///
    /// `turns` are the cosines and sines of the rows' [rotary positions](Preparation).
    pub(crate) fn project(
        &self,
        team: Team<'_>,
        x: &[f32],
        turns: Option<&[f32]>,
        (qkv, scratch): (&mut [f32], &mut Scratch),
    ) {
        let Scratch { update, quant, .. } = scratch;
        let input = match self.norms {
            NormPlace::After => x,
            NormPlace::Before => {
                let normal = take(update, x.len());
                norm(team, &self.attention_norm, x, normal);
                normal
            }
        };
        self.qkv.apply(team, input, Act::None, (qkv, quant));
        let preparation = Preparation {
            shape: self.heads,
            norms: self.head_norms.as_ref(),
            turns,
        };
        preparation.apply(team, qkv);
    }

    /// Computes some rows of the block's result from the context of all heads, `[R, A D]`: `x`,
    /// `[R, H]`, holds the block's input before.
    pub(crate) fn finish(
        &self,
        team: Team<'_>,
        context: &[f32],
        scratch: &mut Scratch,
        x: &mut [f32],
    ) {
        let Scratch {
            wide,
            update,
            quant,
            ..
        } = scratch;
        let update = take(update, x.len()); // [R, H]
        let weights = &self.attention_output;
        weights.apply(team, context, Act::None, (update, quant));
        let input = match self.norms {
            NormPlace::After => {
                add_norm(team, &self.attention_norm, x, update);
                &*x
            }
            NormPlace::Before => {
                add(team, x, update);
                norm(team, &self.norm, x, update);
                &*update
            }
        };
        let rows = context.len() / self.heads.context();
        let inner = take(wide, rows * self.inner_width); // [R, M]
        match self.gated {
            true => self
                .inner
                .apply_gated(team, input, self.act, (inner, quant)),
            false => self.inner.apply(team, input, self.act, (inner, quant)),
        }
        self.output.apply(team, inner, Act::None, (update, quant));
        match self.norms {
            NormPlace::After => add_norm(team, &self.norm, x, update),
            NormPlace::Before => add(team, x, update),
        }
    }

    /// Lists the weights of every linear layer.
    pub(crate) fn linears(&self) -> [&Weights; 4] {
        [&self.qkv, &self.attention_output, &self.inner, &self.output]
    }
}

fn qkv(stack: &Stack, scope: Scope<'_>, heads: HeadShape) -> Result<Weights> {
    let [queries, keys] = [heads.queries, heads.keys].map(|count| count * heads.size);
    let apart = [
        (Role::Query, queries),
        (Role::Key, keys),
        (Role::Value, keys),
    ];
    let joined = [(Role::QueryKeyValue, heads.width())];
    let parts = if stack.conv1d { &joined[..] } else { &apart };
    scope.linear(parts, stack.hidden_size, stack.biases.projections)
}

fn feed_forward_in(stack: &Stack, scope: Scope<'_>, inner: usize) -> Result<Weights> {
    let (shape, has_bias) = ([inner, stack.hidden_size], stack.biases.feed_forward);
    if !stack.gated {
        return scope.dense(Role::FeedForwardIn, shape, has_bias);
    }
    let roles = [Role::FeedForwardGate, Role::FeedForwardIn];
    scope.gated(roles, shape, has_bias)
}

fn act(activation: Activation) -> Act {
    match activation {
        Activation::Gelu => Act::Gelu,
        Activation::GeluNew => Act::GeluTanh,
        Activation::Relu => Act::Relu,
        Activation::Silu => Act::Silu,
    }
}
