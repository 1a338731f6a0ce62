//! A transformer that continues texts, on packed rows of several conversations. In the shapes, `N`
//! is the number of rows, `H` the hidden width, `V` the number of words, `D` the width of a head and
//! `C` that of all heads together.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use cs_model::names::Role;
use cs_model::{NormPlace, Stack};

use super::block::Block;
use super::cache::PageLayout;
use super::embedding::{Embeddings, Words};
use super::loader::Loader;
use super::scratch::{Scratch, Widths, lock, take};
use crate::error::{Error, Result};
use crate::format::equalise::InputSquares;
use crate::format::source::Scope;
use crate::kernel::attention::HeadScratch;
use crate::kernel::cached::{Kept, Queries, Segment, attend, remember};
use crate::kernel::gemm::Weights;
use crate::kernel::math::Act;
use crate::kernel::memory::grow;
use crate::kernel::row_ops::{Norm, norm};
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct DecoderStack {
    embeddings: Embeddings,
    blocks: Vec<Block>,
    final_norm: Option<Norm>,
    /// The matrix that turns hidden states to the words' logits, `[V, H]`.
    head: Arc<Weights>,
    width: usize,
    head_size: usize,
    /// How keys and values are kept: as exact as the weights.
    kept: Kept,
}

/// The rows of a forward: new tokens of some conversations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) ids: &'a [u32],
    /// The rows of each conversation, one after the other.
    pub(crate) segments: &'a [Segment<'a>],
    /// The sources that the rows attend to, in a decoder with an encoder.
    pub(crate) sources: Option<SourceRows<'a>>,
}

/// The rows of a forward by the source that they attend to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceRows<'a> {
    /// How the sources' keys and values lie on a page.
    pub(crate) layout: &'a PageLayout,
    /// The rows of each source, one after the other.
    pub(crate) segments: &'a [Segment<'a>],
}

/// The space in which a forward works, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct DecoderSpace {
    /// The hidden states, `[N, H]`.
    pub(crate) hidden: Vec<f32>,
    context: Vec<f32>,
    /// Queries, keys and values of two layers in turn.
    qkv: [Vec<f32>; 2],
    positions: Vec<u32>,
    turns: Vec<f32>,
    pub(crate) scratch: Vec<Mutex<Scratch>>,
    pub(crate) heads: Vec<Mutex<HeadScratch>>,
}

impl DecoderSpace {
    /// Makes the space for the ranks of a pool.
    pub(crate) fn new(ranks: usize) -> Self {
        Self {
            scratch: (0..ranks).map(|_| Mutex::new(Scratch::apart())).collect(),
            heads: (0..ranks).map(|_| Mutex::default()).collect(),
            ..Self::default()
        }
    }
}

impl DecoderStack {
    /// Reads and packs the weights, the layers side by side. If the words are `tied`, their table is
    /// the matrix of the logits.
    pub(crate) fn load(
        stack: &Stack,
        scope: Scope<'_>,
        tied: bool,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        check(stack)?;
        let kept = match scope.is_quantised() {
            true => Kept::F16,
            false => Kept::F32,
        };
        let scope = scope.of_decoder(stack.conv1d);
        let shape = [stack.embeddings.words, stack.hidden_size];
        let words = || -> Result<_> {
            let head = Arc::new(scope.lm_head(tied, shape)?);
            let words = match tied {
                true => Words::Tied(Arc::clone(&head)),
                false => Words::load(stack, scope)?,
            };
            Ok((head, Embeddings::load(stack, scope, words)?))
        };
        let (words, blocks) = loader.join(words, || {
            loader.each(stack.blocks.len(), |i| Block::load(stack, scope, i))
        });
        let (head, embeddings) = words?;
        let final_norm = (stack.norms.place == NormPlace::Before)
            .then(|| scope.norm(Role::FinalNorm, stack.hidden_size, &stack.norms));
        Ok(Self {
            embeddings,
            blocks: blocks?,
            final_norm: final_norm.transpose()?,
            head,
            width: stack.hidden_size,
            head_size: stack.head_size,
            kept,
        })
    }

    /// Has what the blocks' matrices read measured from now on.
    pub(crate) fn measure(&mut self) {
        self.blocks.iter_mut().for_each(Block::measure);
    }

    /// Gives what was measured of each block.
    pub(crate) fn measured(&self) -> Vec<InputSquares> {
        self.blocks.iter().filter_map(Block::measured).collect()
    }

    /// Gives the vectors of words for an encoder that has the same, if the logits are theirs too.
    pub(crate) fn words(&self) -> Words {
        Words::Tied(Arc::clone(&self.head))
    }

    /// The width `H` of the hidden states.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How keys and values lie on a page of the cache.
    pub(crate) fn layout(&self) -> PageLayout {
        PageLayout::new(self.blocks.iter().map(Block::heads), self.kept)
    }

    /// How a source's keys and values lie on a page.
    pub(crate) fn source_layout(&self) -> PageLayout {
        PageLayout::new(self.blocks.iter().map(Block::source_heads), self.kept)
    }

    /// Computes the keys and values of some sources from what an encoder made of them, `[M, H]`, and
    /// writes them to the sources' pages, which are laid out as `layout` says.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the system refuses the memory.
    pub(crate) fn read(
        &self,
        team: Team<'_>,
        hidden: &[f32],
        sources: SourceRows<'_>,
        space: &mut DecoderSpace,
    ) -> Result<()> {
        let (layout, count) = (sources.layout, hidden.len() / self.width);
        let each = team.share(count, self.width);
        for scratch in &space.scratch {
            lock(scratch).quant.reserve(each, self.width)?;
        }
        for (i, block) in self.blocks.iter().enumerate() {
            let layer = layout.layer(i).without_queries();
            let across = layer.heads.width();
            grow(&mut space.qkv[0], count.saturating_mul(across))?;
            let out = take(&mut space.qkv[0], count * across);
            team.scatter(count, each, [(&mut *out, across)], |share| {
                let [out] = share.buffers;
                let scratch = &mut *lock(&space.scratch[share.team.rank()]);
                let rows = share.rows.start * self.width..share.rows.end * self.width;
                block.read(share.team, &hidden[rows], (out, &mut scratch.quant));
            });
            remember(team, layer, sources.segments, out);
        }
        Ok(())
    }

    /// Computes the last hidden states, `[N, H]`, into `space.hidden`, and adds the rows' keys and
    /// values to their pages, which are laid out as `layout` says.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        rows: Rows<'_>,
        layout: &PageLayout,
        space: &mut DecoderSpace,
    ) {
        let DecoderSpace {
            hidden,
            context,
            qkv: [now, later],
            positions,
            turns,
            scratch,
            heads,
        } = space;
        let (mut now, mut later) = (now, later);
        let count = rows.ids.len();
        positions.clear();
        positions.extend(rows.segments.iter().flat_map(|segment| {
            let first = segment.before as u32;
            first..first + segment.rows.len() as u32
        }));
        let table = self.embeddings.positions();
        let turns = table.turns(positions, self.head_size, turns);
        let turns = |rows: Range<usize>| {
            turns.map(|turns| &turns[rows.start * self.head_size..rows.end * self.head_size])
        };
        let each = team.share(count, self.width);
        let hidden = take(hidden, count * self.width);
        let across = |block: Option<&Block>| block.map_or(0, |block| block.heads().width());
        let first = self.blocks.first();
        let qkv = take(later, count * across(first));
        let buffers = [(&mut *hidden, self.width), (qkv, across(first))];
        team.scatter(count, each, buffers, |share| {
            let [x, qkv] = share.buffers;
            let scratch = &mut *lock(&scratch[share.team.rank()]);
            let tokens = (
                &rows.ids[share.rows.clone()],
                &positions[share.rows.clone()],
            );
            let space = &mut scratch.update;
            self.embeddings.look_up(share.team, tokens, (x, space));
            if let Some(block) = first {
                block.project(share.team, x, turns(share.rows), (qkv, scratch));
            }
        });
        for (i, block) in self.blocks.iter().enumerate() {
            std::mem::swap(&mut now, &mut later);
            let (shape, layer) = (block.heads(), layout.layer(i));
            let qkv = &now[..count * shape.width()];
            let context = take(context, count * shape.context());
            remember(team, layer, rows.segments, qkv);
            let queries = Queries {
                rows: qkv,
                width: shape.width(),
                causal: true,
            };
            attend(team, layer, rows.segments, (queries, heads, context));
            if let Some(sources) = rows.sources {
                let states = (&mut *hidden, &mut *context, &mut *later);
                self.attend_to_sources(team, (i, sources), states, (scratch, heads));
            }
            let next = self.blocks.get(i + 1);
            let buffers = [
                (&mut *hidden, self.width),
                (context, shape.context()),
                (take(later, count * across(next)), across(next)),
            ];
            team.scatter(count, each, buffers, |share| {
                let [x, context, qkv] = share.buffers;
                let scratch = &mut *lock(&scratch[share.team.rank()]);
                block.finish(share.team, context, scratch, x);
                if let Some(next) = next {
                    next.project(share.team, x, turns(share.rows), (qkv, scratch));
                }
            });
        }
    }

    /// Makes `context`, `[N, C]`, that of the rows' sources, after what it was has become part of
    /// the hidden states. `queries` grows if need be.
    fn attend_to_sources(
        &self,
        team: Team<'_>,
        (i, sources): (usize, SourceRows<'_>),
        (hidden, context, queries): (&mut [f32], &mut [f32], &mut Vec<f32>),
        (scratch, heads): (&[Mutex<Scratch>], &[Mutex<HeadScratch>]),
    ) {
        let (block, layer) = (&self.blocks[i], sources.layout.layer(i));
        let (count, width) = (hidden.len() / self.width, layer.heads.context());
        let queries = take(queries, count * width);
        let buffers = [
            (hidden, self.width),
            (&mut *context, width),
            (&mut *queries, width),
        ];
        let each = team.share(count, self.width);
        team.scatter(count, each, buffers, |share| {
            let [x, context, queries] = share.buffers;
            let scratch = &mut *lock(&scratch[share.team.rank()]);
            block.ask(share.team, context, (queries, scratch), x);
        });
        let queries = Queries {
            rows: queries,
            width,
            causal: false,
        };
        attend(team, layer, sources.segments, (queries, heads, context));
    }

    /// Computes the words' logits of some rows, `[M, V]`, from the hidden states `x`, `[M, H]`.
    pub(crate) fn logits(
        &self,
        team: Team<'_>,
        x: &[f32],
        (out, scratch): (&mut [f32], &mut Scratch),
    ) {
        let Scratch { update, logits, .. } = scratch;
        let x = match &self.final_norm {
            None => x,
            Some(own) => {
                let normal = take(update, x.len());
                norm(team, own, x, normal);
                normal
            }
        };
        self.head.apply(team, x, Act::None, (out, logits));
    }

    /// Makes room for a forward of `rows` rows, of which a thread takes up to `share`, after up to
    /// `longest` tokens.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the system refuses the memory.
    pub(crate) fn reserve(
        &self,
        [rows, share, longest]: [usize; 3],
        space: &mut DecoderSpace,
    ) -> Result<()> {
        let heads = || self.blocks.iter().map(Block::heads);
        let most = |values: &mut dyn Iterator<Item = usize>| values.max().unwrap_or(0);
        let context = most(&mut heads().map(|heads| heads.context()));
        let across = most(&mut heads().map(|heads| heads.width()));
        let inner = most(&mut self.blocks.iter().map(Block::inner_width));
        grow(&mut space.hidden, rows.saturating_mul(self.width))?;
        grow(&mut space.context, rows.saturating_mul(context))?;
        grow(&mut space.turns, rows.saturating_mul(self.head_size))?;
        for qkv in &mut space.qkv {
            grow(qkv, rows.saturating_mul(across))?;
        }
        let widths = Widths {
            wide: inner,
            context: 0,
            update: self.width,
            inputs: inner.max(self.width).max(context),
        };
        for (scratch, heads) in space.scratch.iter().zip(&space.heads) {
            lock(scratch).reserve(share, widths)?;
            lock(heads).reserve(longest, 0)?;
        }
        Ok(())
    }

    /// The number of multiply-adds of the linear layers per row, without the head.
    pub(crate) fn macs(&self) -> usize {
        let linears = self.blocks.iter().flat_map(Block::linears);
        linears.map(Weights::macs).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        let blocks = self.blocks.iter().map(Block::bytes).sum::<usize>();
        blocks + self.embeddings.bytes() + self.head.bytes()
    }
}

/// Refuses a decoder of which this runtime does not compute some part.
fn check(stack: &Stack) -> Result<()> {
    let embeddings = &stack.embeddings;
    let refused = [
        (embeddings.token_types > 0, "token types"),
        (embeddings.width != stack.hidden_size, "narrow embeddings"),
        (stack.passes != 1, "one block for several layers"),
        (!stack.causal, "attention to later tokens"),
    ];
    let found = refused.iter().find(|(is_there, _)| *is_there);
    found.map_or(Ok(()), |(_, what)| {
        let expected = "what the native runtime computes";
        Err(Error::config("decoder", *what, expected))
    })
}
