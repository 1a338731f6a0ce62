//! A transformer encoder with its norms after the residual (BERT; Devlin et al. 2019,
//! <https://arxiv.org/abs/1810.04805>). `N` tokens, `H` width, `I` inner width.

use std::sync::Mutex;

use cs_model::{Activation, TransformerConfig};

use crate::encoder::{Embedding, Packed, Scratch, Widths, load_each, take};
use crate::error::Result;
use crate::kernel::attention::{HeadScratch, Heads, attention};
use crate::kernel::gemm::Weights;
use crate::kernel::math::Act;
use crate::kernel::pool::Crew;
use crate::kernel::rows::{Norm, add_norm};
use crate::kernel::team::Team;
use crate::load::Source;

#[derive(Debug)]
pub(crate) struct Transformer {
    words: Embedding,
    /// Position embeddings plus that of token type 0: `[P, H]`
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    head_size: usize,
    act: Act,
}

#[derive(Debug)]
struct Layer {
    heads: usize,
    /// Query, key and value in one: `[3 C, H]`, `C` the heads' width together
    qkv: Weights,
    attention_output: Weights,
    attention_norm: Norm,
    intermediate: Weights,
    output: Weights,
    norm: Norm,
}

impl Transformer {
    pub(crate) fn load(
        config: &TransformerConfig,
        source: &Source,
        crew: &Crew<'_>,
    ) -> Result<Self> {
        let width = config.hidden_size;
        let name = |part: &str| format!("embeddings.{part}.weight");
        let places = config.max_position_embeddings;
        let positions = source.matrix(&name("position_embeddings"), [places, width])?;
        let types = source.matrix(
            &name("token_type_embeddings"),
            [config.type_vocab_size, width],
        )?;
        let mut positions = positions.into_f32(width);
        let types = types.into_f32(width);
        for row in positions.chunks_exact_mut(width) {
            row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
        let words = [config.vocab_size, width];
        let layers = load_each(crew, config.num_hidden_layers, |i| {
            Layer::load(config, source, i)
        });
        Ok(Self {
            words: Embedding::load(source, &name("word_embeddings"), words)?,
            positions,
            norm: source.norm("embeddings.LayerNorm", width, config.layer_norm_eps)?,
            layers: layers?,
            head_size: config.head_size(),
            act: match config.hidden_act {
                Activation::Gelu => Act::Gelu,
                Activation::GeluNew => Act::GeluTanh,
                Activation::Relu => Act::Relu,
            },
        })
    }

    /// # Shapes
    ///
    /// `out`: `[N, H]`
    pub(crate) fn forward(
        &self,
        team: Team<'_>,
        batch: Packed<'_>,
        (scratch, heads): (&mut Scratch, &[Mutex<HeadScratch>]),
        out: &mut [f32],
    ) {
        self.embed(team, batch, scratch, out);
        let width = self.words.width;
        let tokens = batch.ids.len();
        for layer in &self.layers {
            let Scratch {
                wide,
                context,
                update,
                quant,
                ..
            } = &mut *scratch;
            let across = layer.attention_output.inputs();
            let qkv = take(wide, tokens * 3 * across); // [N, 3 C]
            layer.qkv.apply(team, out, Act::None, (qkv, quant));
            let context = take(context, tokens * across); // [N, C]
            let input = Heads {
                qkv,
                offsets: batch.offsets,
                heads: layer.heads,
                width: across,
            };
            attention(team, input, heads, context);
            let update = take(update, tokens * width); // [N, H]
            layer
                .attention_output
                .apply(team, context, Act::None, (update, quant));
            add_norm(team, &layer.attention_norm, out, update);
            let inner = take(wide, tokens * layer.intermediate.outputs()); // [N, I]
            layer
                .intermediate
                .apply(team, out, self.act, (inner, quant));
            layer.output.apply(team, inner, Act::None, (update, quant));
            add_norm(team, &layer.norm, out, update);
        }
    }

    fn embed(&self, team: Team<'_>, batch: Packed<'_>, scratch: &mut Scratch, out: &mut [f32]) {
        let width = self.words.width;
        let places = take(&mut scratch.update, out.len());
        let rows = out
            .chunks_exact_mut(width)
            .zip(places.chunks_exact_mut(width));
        for ((out, place), (&id, &p)) in rows.zip(batch.ids.iter().zip(batch.positions)) {
            self.words.copy(team, id, out);
            place.copy_from_slice(&self.positions[p as usize * width..][..width]);
        }
        add_norm(team, &self.norm, out, places);
    }

    /// Every linear layer.
    pub(crate) fn linears(&self) -> impl Iterator<Item = &Weights> {
        self.layers.iter().flat_map(Layer::linears)
    }

    pub(crate) fn widths(&self) -> Widths {
        let width = self.words.width;
        let inner = |layer: &Layer| layer.intermediate.outputs();
        let inner = self.layers.iter().map(inner).max().unwrap_or(0);
        Widths {
            wide: inner.max(3 * width),
            context: width,
            update: width,
            inputs: inner.max(width),
        }
    }

    pub(crate) fn head_size(&self) -> usize {
        self.head_size
    }

    pub(crate) fn bytes(&self) -> usize {
        let linears = self.linears().map(Weights::bytes).sum::<usize>();
        self.words.rows.bytes() + self.positions.len() * 4 + linears
    }
}

impl Layer {
    fn load(config: &TransformerConfig, source: &Source, index: usize) -> Result<Self> {
        let (width, inner) = (config.hidden_size, config.inner_size(index));
        let across = config.heads(index) * config.head_size();
        let block = format!("encoder.layer.{index}");
        let owners = ["query", "key", "value"].map(|p| format!("{block}.attention.self.{p}"));
        let mut bias = Vec::with_capacity(3 * across);
        for owner in &owners {
            bias.extend(source.vector(&format!("{owner}.bias"), across)?);
        }
        let names = owners.map(|owner| format!("{owner}.weight"));
        let norm = |owner: &str| {
            source.norm(
                &format!("{block}.{owner}.LayerNorm"),
                width,
                config.layer_norm_eps,
            )
        };
        let dense = |owner: &str, shape| source.dense(&format!("{block}.{owner}.dense"), shape);
        Ok(Self {
            heads: config.heads(index),
            qkv: source.linear(&names, [across, width], &bias)?,
            attention_output: dense("attention.output", [width, across])?,
            attention_norm: norm("attention.output")?,
            intermediate: dense("intermediate", [inner, width])?,
            output: dense("output", [width, inner])?,
            norm: norm("output")?,
        })
    }

    fn linears(&self) -> [&Weights; 4] {
        [
            &self.qkv,
            &self.attention_output,
            &self.intermediate,
            &self.output,
        ]
    }
}
