//! A transformer encoder with its norms after the residual (Devlin et al. 2019,
//! <https://arxiv.org/abs/1810.04805>). In the shapes, `N` is the number of tokens, `P` that of
//! positions, `E` the width of the embeddings, `H` the hidden width, and `I` the inner width.

use cs_model::names::Role;
use cs_model::{BlockSizes, EmbeddingNorm, NormPlace, Positions, Stack};

use super::block::Block;
use super::embedding::Embedding;
use super::loader::Loader;
use super::scratch::{BatchPart, Scratch, Spaces, Widths, lock, take};
use crate::error::{Error, Result};
use crate::format::source::Scope;
use crate::kernel::attention::{AttentionInput, attention};
use crate::kernel::gemm::Weights;
use crate::kernel::math::Act;
use crate::kernel::row_ops::{Norm, add_norm};
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct Transformer {
    word_embeddings: Embedding,
    /// The position embeddings from the first position on, with that of token type 0 added to each:
    /// `[P, E]`.
    positions: Vec<f32>,
    norm: Norm,
    /// The layer from the width of the embeddings to the hidden width, where they differ: `[H, E]`.
    projection: Option<Weights>,
    layers: Vec<Block>,
    /// How often the layers are run.
    passes: usize,
    hidden_size: usize,
    head_size: usize,
}

impl Transformer {
    pub(crate) fn load(stack: &Stack, scope: Scope<'_>, loader: &Loader<'_>) -> Result<Self> {
        check(stack)?;
        let (hidden, width) = (stack.hidden_size, stack.embeddings.width);
        let positions = positions(stack, scope)?;
        let projection = (width != hidden)
            .then(|| scope.dense(Role::EmbeddingProjection, [hidden, width], true))
            .transpose()?;
        let (word_embeddings, layers) = loader.join(
            || {
                let shape = [stack.embeddings.words, width];
                Embedding::load(scope, Role::WordEmbeddings, shape)
            },
            || loader.each(stack.blocks.len(), |i| Block::load(stack, scope, i)),
        );
        Ok(Self {
            word_embeddings: word_embeddings?,
            positions,
            norm: scope.norm(Role::EmbeddingNorm, width, &stack.norms)?,
            projection,
            layers: layers?,
            passes: stack.passes,
            hidden_size: hidden,
            head_size: stack.head_size,
        })
    }

    /// Computes the last hidden states.
    ///
    /// # Shapes
    ///
    /// `out` is `[N, H]`.
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: BatchPart<'_>,
        spaces: Spaces<'_>,
        out: &mut [f32],
    ) {
        let (tokens, width) = (batch.ids.len(), self.hidden_size);
        let each = team.share(tokens, width);
        let [now, later] = spaces.common;
        let (mut now, mut later) = (now, later);
        let across = self.layers.first().map_or(0, qkv_width);
        let buffers = [(&mut *out, width), (take(later, tokens * across), across)];
        team.scatter(tokens, each, buffers, |share| {
            let scratch = &mut *lock(&spaces.scratch[share.team.rank()]);
            let [out, qkv] = share.buffers;
            self.embed(share.team, batch.rows(share.rows), scratch, out);
            if let Some(layer) = self.layers.first() {
                layer.project(share.team, out, None, (qkv, scratch));
            }
        });
        // After its last product a layer leaves its rows to the first one of the next layer,
        // because only attention looks at rows of another thread.
        let mut layers = self.layers().peekable();
        while let Some(layer) = layers.next() {
            std::mem::swap(&mut now, &mut later);
            let next = layers.peek();
            let across = next.map_or(0, |next| qkv_width(next));
            let buffers = [(&mut *out, width), (take(later, tokens * across), across)];
            let qkv = &now[..tokens * qkv_width(layer)];
            team.scatter(tokens, each, buffers, |share| {
                let scratch = &mut *lock(&spaces.scratch[share.team.rank()]);
                let [out, later] = share.buffers;
                let shape = layer.heads();
                let input = AttentionInput {
                    qkv,
                    offsets: batch.offsets,
                    queries: share.rows,
                    heads: shape.queries,
                    width: shape.context(),
                };
                // It is taken out, because the block needs the rest of the scratch.
                let mut context = std::mem::take(&mut scratch.context);
                let heads = take(&mut context, input.queries.len() * input.width); // [R, C]
                attention(share.team, input, spaces.heads, heads);
                layer.finish(share.team, heads, scratch, out);
                scratch.context = context;
                if let Some(next) = next {
                    next.project(share.team, out, None, (later, scratch));
                }
            });
        }
    }

    /// The layers in the order in which they are run.
    fn layers(&self) -> impl Iterator<Item = &Block> {
        (0..self.passes).flat_map(|_| &self.layers)
    }

    /// Computes the first layer's input, `[N, H]`.
    fn embed(&self, team: Team<'_>, part: BatchPart<'_>, scratch: &mut Scratch, out: &mut [f32]) {
        let Scratch {
            context,
            update,
            quant,
            ..
        } = scratch;
        let Some(projection) = &self.projection else {
            return self.look_up(team, part, update, out);
        };
        let narrow = take(context, part.ids.len() * self.word_embeddings.width); // [N, E]
        self.look_up(team, part, update, narrow);
        projection.apply(team, narrow, Act::None, (out, quant));
    }

    /// Computes the normalised sum of the vectors of words and positions, `[N, E]`.
    fn look_up(
        &self,
        team: Team<'_>,
        part: BatchPart<'_>,
        positions: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let width = self.word_embeddings.width;
        let positions = take(positions, out.len());
        let rows = out
            .chunks_exact_mut(width)
            .zip(positions.chunks_exact_mut(width));
        for ((out, position), (&id, &p)) in rows.zip(part.ids.iter().zip(part.positions)) {
            self.word_embeddings.copy(team, id, out);
            position.copy_from_slice(&self.positions[p as usize * width..][..width]);
        }
        add_norm(team, &self.norm, out, positions);
    }

    /// The number of multiply-adds of the linear layers per token.
    pub(crate) fn macs(&self) -> usize {
        let layers = self.layers().flat_map(Block::linears);
        layers.chain(&self.projection).map(Weights::macs).sum()
    }

    /// Gives the width of the widest layer's queries, keys and values.
    pub(crate) fn common_width(&self) -> usize {
        let widths = self.layers.iter().map(qkv_width);
        widths.max().unwrap_or(0)
    }

    pub(crate) fn widths(&self) -> Widths {
        let width = self.hidden_size.max(self.word_embeddings.width);
        let inner = |layer: &Block| layer.inner_width();
        let inner = self.layers.iter().map(inner).max().unwrap_or(0);
        Widths {
            wide: inner,
            context: width,
            update: width,
            inputs: inner.max(width),
        }
    }

    pub(crate) fn head_size(&self) -> usize {
        self.head_size
    }

    pub(crate) fn bytes(&self) -> usize {
        let layers = self.layers.iter().flat_map(Block::linears);
        let linears: usize = layers.chain(&self.projection).map(Weights::bytes).sum();
        self.word_embeddings.rows.bytes() + self.positions.len() * 4 + linears
    }
}

/// The width of a layer's queries, keys and values together.
fn qkv_width(layer: &Block) -> usize {
    layer.heads().width()
}

/// Refuses a transformer of which this runtime does not compute some part.
fn check(stack: &Stack) -> Result<()> {
    let (norms, embeddings) = (stack.norms, &stack.embeddings);
    let learned = matches!(embeddings.positions, Positions::Learned { .. });
    let shares = |block: &BlockSizes| block.key_value_heads != block.heads;
    let refused = [
        (
            norms.place != NormPlace::After,
            "norms before the sublayers",
        ),
        (
            norms.embeddings != EmbeddingNorm::Sum,
            "embeddings whose sum has no norm",
        ),
        (!learned, "other positions"),
        (embeddings.scale != 1.0, "scaled embeddings"),
        (stack.causal, "causal attention"),
        (stack.cross_attention, "attention to an encoder"),
        (stack.conv1d, "transposed matrices"),
        (stack.blocks.iter().any(shares), "shared keys and values"),
    ];
    let found = refused.iter().find(|(is_there, _)| *is_there);
    found.map_or(Ok(()), |(_, what)| Err(unsupported(what)))
}

fn unsupported(what: &str) -> Error {
    Error::config("transformer", what, "what the native runtime computes")
}

/// Reads the position embeddings from the first position on, and adds the one token type that is
/// used to each, where there are types: `[P, E]`.
fn positions(stack: &Stack, scope: Scope<'_>) -> Result<Vec<f32>> {
    let (embeddings, width) = (&stack.embeddings, stack.embeddings.width);
    let Positions::Learned { rows, offset } = embeddings.positions else {
        return Err(unsupported("other positions"));
    };
    let table = scope.table(Role::PositionEmbeddings, [rows, width])?;
    let mut positions = table.into_f32(width);
    positions.drain(..offset * width);
    if embeddings.token_types > 0 {
        let types = scope.table(Role::TokenTypeEmbeddings, [embeddings.token_types, width])?;
        let types = types.into_f32(width);
        for row in positions.chunks_exact_mut(width) {
            row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
    }
    Ok(positions)
}
