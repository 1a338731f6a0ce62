//! A transformer encoder (Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>). In the shapes,
//! `N` is the number of tokens, `E` the width of the embeddings, `H` the hidden width, and `I` the
//! inner width.

use cs_model::names::Role;
use cs_model::{BlockSizes, NormPlace, Positions, Stack};

use super::block::Block;
use super::embedding::{Embeddings, Words};
use super::loader::Loader;
use super::scratch::{BatchPart, Scratch, Spaces, Widths, lock, take};
use crate::error::{Error, Result};
use crate::format::source::Scope;
use crate::kernel::attention::{AttentionInput, attention};
use crate::kernel::gemm::Weights;
use crate::kernel::math::Act;
use crate::kernel::row_ops::{Norm, norm};
use crate::kernel::team::Team;

#[derive(Debug)]
pub(crate) struct Transformer {
    embeddings: Embeddings,
    /// The layer from the width of the embeddings to the hidden width, where they differ: `[H, E]`.
    projection: Option<Weights>,
    layers: Vec<Block>,
    /// How often the layers are run.
    passes: usize,
    final_norm: Option<Norm>,
    hidden_size: usize,
    head_size: usize,
}

impl Transformer {
    /// Reads and packs the weights, the layers side by side; `words` reads the vectors of words.
    pub(crate) fn load(
        stack: &Stack,
        scope: Scope<'_>,
        words: impl Fn() -> Result<Words> + Sync,
        loader: &Loader<'_>,
    ) -> Result<Self> {
        check(stack)?;
        let (hidden, width) = (stack.hidden_size, stack.embeddings.width);
        let projection = (width != hidden)
            .then(|| scope.dense(Role::EmbeddingProjection, [hidden, width], true))
            .transpose()?;
        let final_norm = (stack.norms.place == NormPlace::Before)
            .then(|| scope.norm(Role::FinalNorm, hidden, &stack.norms));
        let (words, layers) = loader.join(words, || {
            loader.each(stack.blocks.len(), |i| Block::load(stack, scope, i))
        });
        Ok(Self {
            embeddings: Embeddings::load(stack, scope, words?)?,
            projection,
            layers: layers?,
            passes: stack.passes,
            final_norm: final_norm.transpose()?,
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
                layer.project(share.team, out, None, qkv, scratch);
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
                    next.project(share.team, out, None, later, scratch);
                }
            });
        }
        if let Some(own) = &self.final_norm {
            let normal = take(later, out.len());
            norm(team, own, out, normal);
            out.copy_from_slice(normal);
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
        let BatchPart { ids, positions, .. } = part;
        let Some(projection) = &self.projection else {
            return self.embeddings.look_up(team, ids, positions, out, update);
        };
        let narrow = take(context, ids.len() * self.embeddings.width()); // [N, E]
        self.embeddings
            .look_up(team, ids, positions, narrow, update);
        projection.apply(team, narrow, Act::None, out, quant);
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
        let width = self.hidden_size.max(self.embeddings.width());
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
        let layers: usize = self.layers.iter().map(Block::bytes).sum();
        let projection = self.projection.as_ref().map_or(0, Weights::bytes);
        self.embeddings.bytes() + projection + layers
    }
}

/// The width of a layer's queries, keys and values together.
fn qkv_width(layer: &Block) -> usize {
    layer.heads().width()
}

/// Refuses a transformer of which this runtime does not compute some part.
fn check(stack: &Stack) -> Result<()> {
    let rotary = matches!(stack.embeddings.positions, Positions::Rotary(_));
    let shares = |block: &BlockSizes| block.key_value_heads != block.heads;
    let refused = [
        (rotary, "rotary positions"),
        (stack.causal, "causal attention"),
        (stack.cross_attention, "attention to an encoder"),
        (stack.conv1d, "transposed matrices"),
        (stack.blocks.iter().any(shares), "shared keys and values"),
    ];
    let found = refused.iter().find(|(is_there, _)| *is_there);
    found.map_or(Ok(()), |(_, what)| {
        let expected = "what the native runtime computes";
        Err(Error::config("transformer", *what, expected))
    })
}
