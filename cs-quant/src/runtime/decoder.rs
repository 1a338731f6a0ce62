//! A transformer that continues texts, on packed rows of several conversations. In the shapes, `N`
//! is the number of rows, `H` the hidden width, `V` the number of words, `D` the width of a head and
//! `C` that of all heads together.

use std::ops::Range;
use std::sync::Arc;

use cs_model::names::Role;
use cs_model::{NormPlace, Stack};

use super::block::Block;
use super::cache::PageLayout;
use super::decoder_space::{DecoderExtent, DecoderSpace, Rows, SourceRows};
use super::embedding::{Embeddings, Words};
use super::loader::Loader;
use super::scratch::{Scratch, Widths, lock, take};
use crate::error::{Error, Result};
use crate::format::equalise::InputSquares;
use crate::format::source::Scope;
use crate::kernel::cached::{Kept, LayerPages, Queries, attend, remember};
use crate::kernel::gemm::Weights;
use crate::kernel::heads::HeadShape;
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
                block.read(share.team, &hidden[rows], out, &mut scratch.quant);
            });
            let segments = sources.segments;
            remember(team, LayerPages { layer, segments }, out);
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
        space.positions.clear();
        space.positions.extend(rows.positions());
        let table = self.embeddings.positions();
        table.turns(&space.positions, self.head_size, &mut space.turns);
        self.begin(team, rows.ids, space);
        for (i, block) in self.blocks.iter().enumerate() {
            space.qkv.swap(0, 1);
            let pages = LayerPages {
                layer: layout.layer(i),
                segments: rows.segments,
            };
            attend_to_texts(team, block.heads(), pages, space);
            if let Some(sources) = rows.sources {
                self.attend_to_sources(team, i, sources, space);
            }
            self.go_on(team, i, space);
        }
    }

    /// Computes the vectors of the rows' tokens, and what the first block makes of them.
    fn begin(&self, team: Team<'_>, ids: &[u32], space: &mut DecoderSpace) {
        let DecoderSpace {
            hidden,
            qkv: [_, later],
            positions,
            turns,
            scratch,
            ..
        } = space;
        let (count, first) = (ids.len(), self.blocks.first());
        let across = qkv_width(first);
        let buffers = [
            (take(hidden, count * self.width), self.width),
            (take(later, count * across), across),
        ];
        team.scatter(count, team.share(count, self.width), buffers, |share| {
            let [x, qkv] = share.buffers;
            let scratch = &mut *lock(&scratch[share.team.rank()]);
            let (ids, positions) = (&ids[share.rows.clone()], &positions[share.rows.clone()]);
            let space = &mut scratch.update;
            self.embeddings
                .look_up(share.team, ids, positions, x, space);
            if let Some(block) = first {
                let turns = self.turns(turns, share.rows);
                block.project(share.team, x, turns, qkv, scratch);
            }
        });
    }

    /// Makes the context of block `i` that of the rows' sources, after what it was has become part
    /// of the hidden states.
    fn attend_to_sources(
        &self,
        team: Team<'_>,
        i: usize,
        sources: SourceRows<'_>,
        space: &mut DecoderSpace,
    ) {
        let DecoderSpace {
            hidden,
            context,
            qkv: [_, later],
            positions,
            scratch,
            heads,
            ..
        } = space;
        let pages = LayerPages {
            layer: sources.layout.layer(i),
            segments: sources.segments,
        };
        let (count, width) = (positions.len(), pages.layer.heads.context());
        let context = take(context, count * width);
        let queries = take(later, count * width);
        let buffers = [
            (take(hidden, count * self.width), self.width),
            (&mut *context, width),
            (&mut *queries, width),
        ];
        team.scatter(count, team.share(count, self.width), buffers, |share| {
            let [x, context, queries] = share.buffers;
            let scratch = &mut *lock(&scratch[share.team.rank()]);
            self.blocks[i].ask(share.team, context, queries, scratch, x);
        });
        let queries = Queries {
            rows: queries,
            width,
            causal: false,
        };
        attend(team, pages, queries, heads, context);
    }

    /// Computes what block `i` makes of its context, and the next block of that.
    fn go_on(&self, team: Team<'_>, i: usize, space: &mut DecoderSpace) {
        let DecoderSpace {
            hidden,
            context,
            qkv: [_, later],
            positions,
            turns,
            scratch,
            ..
        } = space;
        let (block, next) = (&self.blocks[i], self.blocks.get(i + 1));
        let count = positions.len();
        let (width, across) = (block.heads().context(), qkv_width(next));
        let buffers = [
            (take(hidden, count * self.width), self.width),
            (take(context, count * width), width),
            (take(later, count * across), across),
        ];
        team.scatter(count, team.share(count, self.width), buffers, |share| {
            let [x, context, qkv] = share.buffers;
            let scratch = &mut *lock(&scratch[share.team.rank()]);
            block.finish(share.team, context, scratch, x);
            if let Some(next) = next {
                let turns = self.turns(turns, share.rows);
                next.project(share.team, x, turns, qkv, scratch);
            }
        });
    }

    /// Gives the cosines and sines of some rows, where positions turn.
    fn turns<'a>(&self, turns: &'a [f32], rows: Range<usize>) -> Option<&'a [f32]> {
        let rows = rows.start * self.head_size..rows.end * self.head_size;
        let is_rotary = self.embeddings.positions().is_rotary();
        is_rotary.then(|| &turns[rows])
    }

    /// Computes the words' logits of some rows, `[M, V]`, from the hidden states `x`, `[M, H]`.
    pub(crate) fn logits(&self, team: Team<'_>, x: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        let Scratch { update, logits, .. } = scratch;
        let x = match &self.final_norm {
            None => x,
            Some(own) => {
                let normal = take(update, x.len());
                norm(team, own, x, normal);
                normal
            }
        };
        self.head.apply(team, x, Act::None, out, logits);
    }

    /// Makes room for a forward of this extent.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the system refuses the memory.
    pub(crate) fn reserve(&self, extent: DecoderExtent, space: &mut DecoderSpace) -> Result<()> {
        let rows = extent.rows;
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
            lock(scratch).reserve(extent.share, widths)?;
            lock(heads).reserve(extent.longest, 0)?;
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

/// Adds the rows' keys and values to their pages, and computes the context of their queries.
fn attend_to_texts(
    team: Team<'_>,
    shape: HeadShape,
    pages: LayerPages<'_>,
    space: &mut DecoderSpace,
) {
    let count = space.positions.len();
    let qkv = &space.qkv[0][..count * shape.width()];
    let context = take(&mut space.context, count * shape.context());
    remember(team, pages, qkv);
    let queries = Queries {
        rows: qkv,
        width: shape.width(),
        causal: true,
    };
    attend(team, pages, queries, &space.heads, context);
}

/// The width of a block's queries, keys and values; of no block, none.
fn qkv_width(block: Option<&Block>) -> usize {
    block.map_or(0, |block| block.heads().width())
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
