//! The transformer block (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>), told by a
//! [`Stack`] what to be. Whoever computes the context of its heads, from a batch or from a cache,
//! calls [`Block::project`] before and [`Block::finish`] after; and between them, for a block that
//! attends to a source as well, [`Block::ask`] before it computes the context of that. In the
//! shapes, `R` is the number of rows, `H` the hidden width, `A` the number of heads of queries, `K`
//! that of keys, `D` their width and `M` the inner width.

use std::sync::Mutex;

use cs_model::names::Role;
use cs_model::{Activation, NormPlace, Stack};

use super::scratch::{Scratch, lock, take};
use crate::error::Result;
use crate::format::equalise::InputSquares;
use crate::format::source::Scope;
use crate::kernel::gemm::{QuantScratch, Weights};
use crate::kernel::heads::{HeadShape, Preparation};
use crate::kernel::math::Act;
use crate::kernel::row_ops::{Norm, add, add_norm, norm};
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct Block {
    heads: HeadShape,
    /// The norms of each head's queries and keys.
    head_norms: Option<[Norm; 2]>,
    /// The projections to queries, keys and values in one: `[(A + 2 K) D, H]`.
    qkv: Weights,
    attention: Sublayer,
    cross: Option<Cross>,
    act: Act,
    /// The first feed-forward layer, `[M, H]`, or the panels of two in turn, of which one is gated
    /// by the other.
    inner: Weights,
    inner_width: usize,
    gated: bool,
    feed_forward: Sublayer,
    /// What went through, if that is measured.
    inputs: Option<Mutex<InputSquares>>,
}

/// Attention to a source.
#[derive(Debug)]
struct Cross {
    /// The projection of the rows to queries, `[A D, H]`.
    query: Weights,
    /// The projections of the source's states to keys and values in one, `[2 A D, H]`.
    keys_and_values: Weights,
    sublayer: Sublayer,
}

/// What each sublayer has: its last layer, and the norm before it, or after it was added to its
/// input.
#[derive(Debug)]
struct Sublayer {
    place: NormPlace,
    norm: Norm,
    output: Weights,
}

impl Sublayer {
    /// Gives what the sublayer reads of `x`, `[R, H]`, for which `space` grows if need be.
    fn enter<'a>(&self, team: Team<'_>, x: &'a [f32], space: &'a mut Vec<f32>) -> &'a [f32] {
        match self.place {
            NormPlace::After => x,
            NormPlace::Before => {
                let normal = take(space, x.len());
                norm(team, &self.norm, x, normal);
                normal
            }
        }
    }

    /// Adds to `x`, `[R, H]`, what the last layer makes of its input.
    fn leave(
        &self,
        team: Team<'_>,
        input: &[f32],
        x: &mut [f32],
        space: &mut Vec<f32>,
        quant: &mut QuantScratch,
    ) {
        let update = take(space, x.len());
        self.output.apply(team, input, Act::None, update, quant);
        match self.place {
            NormPlace::After => add_norm(team, &self.norm, x, update),
            NormPlace::Before => add(team, x, update),
        }
    }
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
        let norm = |role| scope.norm(role, heads.size, &stack.norms);
        let head_norms = match stack.norms.heads {
            true => Some([norm(Role::QueryNorm)?, norm(Role::KeyNorm)?]),
            false => None,
        };
        let cross = stack
            .cross_attention
            .then(|| Cross::load(stack, scope, heads));
        Ok(Self {
            heads,
            head_norms,
            qkv: qkv(stack, scope, heads)?,
            attention: Sublayer {
                place: stack.norms.place,
                norm: scope.norm(Role::AttentionNorm, hidden, &stack.norms)?,
                output: scope.dense(
                    Role::AttentionOutput,
                    [hidden, heads.context()],
                    stack.biases.attention_output,
                )?,
            },
            cross: cross.transpose()?,
            act: act(stack.activation),
            inner: feed_forward_in(stack, scope, inner)?,
            inner_width: inner,
            gated: stack.gated,
            feed_forward: Sublayer {
                place: stack.norms.place,
                norm: scope.norm(Role::FeedForwardNorm, hidden, &stack.norms)?,
                output: scope.dense(
                    Role::FeedForwardOut,
                    [hidden, inner],
                    stack.biases.feed_forward,
                )?,
            },
            inputs: None,
        })
    }

    /// Has what its matrices read measured from now on.
    pub(crate) fn measure(&mut self) {
        self.inputs = Some(Mutex::default());
    }

    /// Gives what was measured.
    pub(crate) fn measured(&self) -> Option<InputSquares> {
        self.inputs.as_ref().map(|inputs| lock(inputs).clone())
    }

    /// How the queries, keys and values of [`Block::project`] lie side by side.
    pub(crate) fn heads(&self) -> HeadShape {
        self.heads
    }

    /// The heads that attend to a source, each with keys of its own.
    pub(crate) fn source_heads(&self) -> HeadShape {
        HeadShape {
            keys: self.heads.queries,
            ..self.heads
        }
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
        qkv: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let Scratch { update, quant, .. } = scratch;
        let input = self.attention.enter(team, x, update);
        if let Some(inputs) = &self.inputs {
            add_squares(&mut lock(inputs).attention, input, self.qkv.inputs());
        }
        self.qkv.apply(team, input, Act::None, qkv, quant);
        let preparation = Preparation {
            shape: self.heads,
            norms: self.head_norms.as_ref(),
            turns,
        };
        preparation.apply(team, qkv);
    }

    /// Computes the keys and values of a source, `[R, 2 A D]`, from the hidden states of its tokens,
    /// `[R, H]`, if the block attends to one.
    pub(crate) fn read(
        &self,
        team: Team<'_>,
        hidden: &[f32],
        out: &mut [f32],
        quant: &mut QuantScratch,
    ) {
        if let Some(cross) = &self.cross {
            cross
                .keys_and_values
                .apply(team, hidden, Act::None, out, quant);
        }
    }

    /// Computes some rows' queries for the source, `[R, A D]`, from the context of all heads,
    /// `[R, A D]`, which becomes part of `x`, `[R, H]`, the block's input before.
    pub(crate) fn ask(
        &self,
        team: Team<'_>,
        context: &[f32],
        queries: &mut [f32],
        scratch: &mut Scratch,
        x: &mut [f32],
    ) {
        let Scratch { update, quant, .. } = scratch;
        if let Some(cross) = &self.cross {
            self.attention.leave(team, context, x, update, quant);
            let input = cross.sublayer.enter(team, x, update);
            cross.query.apply(team, input, Act::None, queries, quant);
        }
    }

    /// Computes some rows of the block's result from the context of all heads, `[R, A D]`, of those
    /// that attend to the source where there is one: `x`, `[R, H]`, holds the block's input before.
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
        let cross = self.cross.as_ref().map(|cross| &cross.sublayer);
        let attention = cross.unwrap_or(&self.attention);
        attention.leave(team, context, x, update, quant);
        let input = self.feed_forward.enter(team, x, update);
        let rows = context.len() / self.heads.context();
        let inner = take(wide, rows * self.inner_width); // [R, M]
        if let Some(inputs) = &self.inputs {
            add_squares(&mut lock(inputs).feed_forward, input, self.inner.inputs());
        }
        match self.gated {
            true => self.inner.apply_gated(team, input, self.act, inner, quant),
            false => self.inner.apply(team, input, self.act, inner, quant),
        }
        if let Some(inputs) = &self.inputs {
            let mut inputs = lock(inputs);
            add_squares(&mut inputs.of_heads, context, self.heads.context());
            add_squares(&mut inputs.inner, inner, self.inner_width);
        }
        self.feed_forward.leave(team, inner, x, update, quant);
    }

    /// Lists the weights of every linear layer that rows go through.
    pub(crate) fn linears(&self) -> impl Iterator<Item = &Weights> {
        let cross = self.cross.iter();
        let cross = cross.flat_map(|cross| [&cross.query, &cross.sublayer.output]);
        let own = [
            &self.qkv,
            &self.attention.output,
            &self.inner,
            &self.feed_forward.output,
        ];
        own.into_iter().chain(cross)
    }

    pub(crate) fn bytes(&self) -> usize {
        let source = self.cross.iter().map(|cross| &cross.keys_and_values);
        self.linears().chain(source).map(Weights::bytes).sum()
    }
}

impl Cross {
    fn load(stack: &Stack, scope: Scope<'_>, heads: HeadShape) -> Result<Self> {
        let (hidden, context) = (stack.hidden_size, heads.context());
        let biases = stack.biases;
        let read = [Role::CrossKey, Role::CrossValue].map(|role| (role, context));
        Ok(Self {
            query: scope.dense(Role::CrossQuery, [context, hidden], biases.projections)?,
            keys_and_values: scope.linear(&read, hidden, biases.projections)?,
            sublayer: Sublayer {
                place: stack.norms.place,
                norm: scope.norm(Role::CrossAttentionNorm, hidden, &stack.norms)?,
                output: scope.dense(
                    Role::CrossAttentionOutput,
                    [hidden, context],
                    biases.attention_output,
                )?,
            },
        })
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

/// Adds the squares of rows of `width` numbers to their sums.
fn add_squares(sums: &mut Vec<f64>, rows: &[f32], width: usize) {
    sums.resize(width, 0.0);
    for row in rows.chunks_exact(width.max(1)) {
        let each = sums.iter_mut().zip(row);
        each.for_each(|(sum, &x)| *sum += f64::from(x).powi(2));
    }
}

fn act(activation: Activation) -> Act {
    match activation {
        Activation::Gelu => Act::Gelu,
        Activation::GeluNew => Act::GeluTanh,
        Activation::Relu => Act::Relu,
        Activation::Silu => Act::Silu,
    }
}
