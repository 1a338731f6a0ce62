//! A transformer that continues texts, on packed rows of several conversations. In the shapes, `N`
//! is the number of rows, `H` the hidden width, `V` the number of words, `D` the width of a head and
//! `C` that of all heads together.

use std::sync::Mutex;

use cs_model::names::Role;
use cs_model::{DecoderConfig, NormPlace, Positions, Stack};

use super::block::Block;
use super::cache::PageLayout;
use super::embedding::Embedding;
use super::loader::Loader;
use super::scratch::{Scratch, Widths, lock, take};
use crate::error::{Error, Result};
use crate::format::source::{Scope, WeightSource};
use crate::kernel::attention::HeadScratch;
use crate::kernel::cached::{Segment, attend, remember};
use crate::kernel::gemm::Weights;
use crate::kernel::math::Act;
use crate::kernel::memory::grow;
use crate::kernel::row_ops::{Norm, norm};
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct DecoderStack {
    words: Words,
    positions: PositionTable,
    blocks: Vec<Block>,
    final_norm: Norm,
    width: usize,
    head_size: usize,
}

/// The matrix that turns hidden states to the words' logits, and the vectors of words.
#[derive(Debug)]
enum Words {
    /// One matrix is both, `[V, H]`.
    Tied(Weights),
    Apart {
        table: Embedding,
        head: Weights,
    },
}

/// How positions are told.
#[derive(Debug)]
enum PositionTable {
    /// By vectors that are added to those of words, `[P, H]`.
    Learned(Vec<f32>),
    /// By turning queries and keys.
    Rotary {
        /// The angle of each pair in radians a position, `[D / 2]`.
        frequencies: Vec<f32>,
        /// The factor of turned queries and keys.
        factor: f32,
    },
}

/// The rows of a forward: new tokens of some conversations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) ids: &'a [u32],
    /// The rows of each conversation, one after the other.
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
            scratch: (0..ranks).map(|_| Mutex::default()).collect(),
            heads: (0..ranks).map(|_| Mutex::default()).collect(),
            ..Self::default()
        }
    }
}

impl DecoderStack {
    /// Reads and packs the weights, the layers side by side.
    pub(crate) fn load(
        config: &DecoderConfig,
        source: &WeightSource,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        let stack = config.stack();
        check(&stack)?;
        let scope = source.named(config.names());
        let scope = scope.of_decoder(stack.conv1d);
        let (words, blocks) = loader.join(
            || Words::load(&stack, scope, config.tied()),
            || loader.each(stack.blocks.len(), |i| Block::load(&stack, scope, i)),
        );
        Ok(Self {
            words: words?,
            positions: PositionTable::load(&stack, scope)?,
            blocks: blocks?,
            final_norm: scope.norm(Role::FinalNorm, stack.hidden_size, &stack.norms)?,
            width: stack.hidden_size,
            head_size: stack.head_size,
        })
    }

    /// How keys and values lie on a page of the cache.
    pub(crate) fn layout(&self) -> PageLayout {
        PageLayout::new(self.blocks.iter().map(Block::heads))
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
        let turns = self.positions.turns(positions, self.head_size, turns);
        let turns = |rows: std::ops::Range<usize>| {
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
            self.embed(share.team, &rows.ids[share.rows.clone()], x);
            self.positions.add(&positions[share.rows.clone()], x);
            if let Some(block) = first {
                block.project(share.team, x, turns(share.rows), (qkv, scratch));
            }
        });
        for (i, block) in self.blocks.iter().enumerate() {
            std::mem::swap(&mut now, &mut later);
            let (heads_of, layer) = (block.heads(), layout.layer(i));
            let qkv = &now[..count * heads_of.width()];
            let context = take(context, count * heads_of.context());
            remember(team, layer, rows.segments, qkv);
            attend(team, layer, rows.segments, (qkv, heads, context));
            let next = self.blocks.get(i + 1);
            let buffers = [
                (&mut *hidden, self.width),
                (context, heads_of.context()),
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

    /// Computes the words' logits of some rows, `[M, V]`, from the hidden states `x`, `[M, H]`.
    pub(crate) fn logits(
        &self,
        team: Team<'_>,
        x: &[f32],
        (out, scratch): (&mut [f32], &mut Scratch),
    ) {
        let Scratch { update, quant, .. } = scratch;
        let normal = take(update, x.len());
        norm(team, &self.final_norm, x, normal);
        let head = self.words.head();
        head.apply(team, normal, Act::None, (out, quant));
    }

    fn embed(&self, team: Team<'_>, ids: &[u32], x: &mut [f32]) {
        for (row, &id) in x.chunks_exact_mut(self.width).zip(ids) {
            match &self.words {
                Words::Tied(weights) => weights.row(id as usize, row),
                Words::Apart { table, .. } => table.copy(team, id, row),
            }
        }
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
        let linears = self.blocks.iter().flat_map(Block::linears);
        linears.map(Weights::bytes).sum::<usize>() + self.words.bytes() + self.positions.bytes()
    }
}

impl Words {
    fn load(stack: &Stack, scope: Scope<'_>, tied: bool) -> Result<Self> {
        let (words, width) = (stack.embeddings.words, stack.hidden_size);
        if tied {
            let weights = scope.dense(Role::WordEmbeddings, [words, width], false)?;
            return Ok(Self::Tied(weights));
        }
        Ok(Self::Apart {
            table: Embedding::load(scope, Role::WordEmbeddings, [words, width])?,
            head: scope.dense(Role::LmHead, [words, width], false)?,
        })
    }

    fn head(&self) -> &Weights {
        match self {
            Self::Tied(weights) => weights,
            Self::Apart { head, .. } => head,
        }
    }

    fn bytes(&self) -> usize {
        let table = match self {
            Self::Tied(_) => 0,
            Self::Apart { table, .. } => table.rows.bytes(),
        };
        table + self.head().bytes()
    }
}

impl PositionTable {
    fn load(stack: &Stack, scope: Scope<'_>) -> Result<Self> {
        let width = stack.hidden_size;
        match &stack.embeddings.positions {
            Positions::Learned { rows, offset: 0 } => {
                let table = scope.table(Role::PositionEmbeddings, [*rows, width])?;
                Ok(Self::Learned(table.into_f32(width)))
            }
            Positions::Rotary(rotary) => Ok(Self::Rotary {
                frequencies: rotary.frequencies(stack.head_size),
                factor: rotary.attention_factor() as f32,
            }),
            _ => Err(unsupported("other positions")),
        }
    }

    /// Computes the cosines and sines of the positions' turns, `[N, D]`, where there are any.
    fn turns<'a>(
        &self,
        positions: &[u32],
        head_size: usize,
        out: &'a mut Vec<f32>,
    ) -> Option<&'a [f32]> {
        let Self::Rotary {
            frequencies,
            factor,
        } = self
        else {
            return None;
        };
        let out = take(out, positions.len() * head_size);
        for (row, &position) in out.chunks_exact_mut(head_size).zip(positions) {
            let (cosines, sines) = row.split_at_mut(head_size / 2);
            for ((cos, sin), frequency) in cosines.iter_mut().zip(sines).zip(frequencies) {
                let angle = position as f32 * frequency;
                (*cos, *sin) = (angle.cos() * factor, angle.sin() * factor);
            }
        }
        Some(out)
    }

    /// Adds the positions' vectors to those of words, where there are any.
    fn add(&self, positions: &[u32], x: &mut [f32]) {
        let Self::Learned(table) = self else {
            return;
        };
        let width = x.len() / positions.len().max(1);
        for (row, &position) in x.chunks_exact_mut(width.max(1)).zip(positions) {
            let vector = &table[position as usize * width..][..width];
            row.iter_mut().zip(vector).for_each(|(x, y)| *x += y);
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Learned(table) => table.len() * size_of::<f32>(),
            Self::Rotary { frequencies, .. } => frequencies.len() * size_of::<f32>(),
        }
    }
}

/// Refuses a decoder of which this runtime does not compute some part.
fn check(stack: &Stack) -> Result<()> {
    let embeddings = &stack.embeddings;
    let refused = [
        (
            stack.norms.place != NormPlace::Before,
            "norms after the sublayers",
        ),
        (embeddings.token_types > 0, "token types"),
        (embeddings.scale != 1.0, "scaled embeddings"),
        (embeddings.width != stack.hidden_size, "narrow embeddings"),
        (stack.passes != 1, "one block for several layers"),
        (!stack.causal, "attention to later tokens"),
        (stack.cross_attention, "attention to an encoder"),
    ];
    let found = refused.iter().find(|(is_there, _)| *is_there);
    found.map_or(Ok(()), |(_, what)| Err(unsupported(what)))
}

fn unsupported(what: &str) -> Error {
    Error::config("decoder", what, "what the native runtime computes")
}
