//! The names of each family's tensors. No other file of the workspace spells one.

use super::role::{Part, Role};

/// The names of a family's tensors, or of those of one of its layers.
///
/// A role that the family does not have, or has in every layer while none was
/// [chosen](Names::layer), gets a name that no checkpoint has, so that the error for the missing
/// tensor shows it.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    table: &'static Table,
    layer: Option<usize>,
}

/// How a family's checkpoints name tensors.
#[derive(Debug)]
pub(super) struct Table {
    /// The beginning that the encoder's names have in a checkpoint of more than the encoder.
    pub(super) prefix: Option<&'static str>,
    /// The tensors in such checkpoints that no model here uses, without the prefix: a whole name,
    /// the beginning of several with its last dot, or a whole name in which `{layer}` stands for a
    /// layer's number.
    pub(super) unused: &'static [&'static str],
    /// The name of each role, in which `{layer}` stands for a layer's number from 0, and `{part}`
    /// for `weight` or `bias`.
    pub(super) roles: &'static [(Role, &'static str)],
    /// The table that has the name of each other role.
    pub(super) base: Option<&'static Table>,
}

impl Names {
    const fn new(table: &'static Table) -> Self {
        Self { table, layer: None }
    }

    pub(super) fn table(self) -> &'static Table {
        self.table
    }

    /// The names of the tensors in a layer, counted from 0; those outside of layers are the same.
    #[must_use]
    pub fn layer(self, layer: usize) -> Self {
        let layer = Some(layer);
        Self { layer, ..self }
    }

    /// The name of a layer's matrix, table or norm's factors, or of a layer that is one tensor.
    pub fn weight(self, role: Role) -> String {
        self.name(role, Part::Weight)
    }

    /// The name of the numbers that a layer adds.
    pub fn bias(self, role: Role) -> String {
        self.name(role, Part::Bias)
    }

    /// The name that a tensor has in a checkpoint of the whole model: that of all but the head
    /// begins with the family's prefix.
    pub fn in_checkpoint(self, name: &str) -> String {
        let head = [self.weight(Role::LmHead), self.bias(Role::LogitsBias)];
        let is_head = head.iter().any(|own| own == name);
        let prefix = self.table.prefix.filter(|_| !is_head);
        format!("{}{name}", prefix.unwrap_or_default())
    }

    /// The name of one of a layer's tensors.
    pub fn name(self, role: Role, part: Part) -> String {
        let Some(template) = self.table.template(role) else {
            return format!("{role:?}");
        };
        let name = template.replace("{part}", part.as_str());
        match self.layer {
            Some(layer) => name.replace("{layer}", &layer.to_string()),
            None => name,
        }
    }
}

impl Table {
    fn template(&self, role: Role) -> Option<&'static str> {
        let own = self.roles.iter().find(|(of, _)| *of == role);
        let base = || self.base.and_then(|base| base.template(role));
        own.map(|(_, template)| *template).or_else(base)
    }
}

/// The names of every family, and those of the heads.
pub(super) const ALL: [Names; 12] = [
    BERT,
    ROBERTA,
    DISTILBERT,
    ALBERT,
    BILSTM,
    GPT2,
    LLAMA,
    BART_ENCODER,
    BART_DECODER,
    UNTIED_BART_ENCODER,
    UNTIED_BART_DECODER,
    HEADS,
];

/// The names of `BertModel` and, for masked words, `BertForMaskedLM`, without the prefix `bert.`.
pub const BERT: Names = Names::new(&Table {
    prefix: Some("bert."),
    unused: &[
        "pooler.",
        "cls.seq_relationship.",
        // The decoder of masked words is the table of word embeddings.
        "cls.predictions.decoder.",
        "embeddings.position_ids",
    ],
    roles: &[
        (Role::WordEmbeddings, "embeddings.word_embeddings.{part}"),
        (
            Role::PositionEmbeddings,
            "embeddings.position_embeddings.{part}",
        ),
        (
            Role::TokenTypeEmbeddings,
            "embeddings.token_type_embeddings.{part}",
        ),
        (Role::EmbeddingNorm, "embeddings.LayerNorm.{part}"),
        (
            Role::Query,
            "encoder.layer.{layer}.attention.self.query.{part}",
        ),
        (Role::Key, "encoder.layer.{layer}.attention.self.key.{part}"),
        (
            Role::Value,
            "encoder.layer.{layer}.attention.self.value.{part}",
        ),
        (
            Role::AttentionOutput,
            "encoder.layer.{layer}.attention.output.dense.{part}",
        ),
        (
            Role::AttentionNorm,
            "encoder.layer.{layer}.attention.output.LayerNorm.{part}",
        ),
        (
            Role::FeedForwardIn,
            "encoder.layer.{layer}.intermediate.dense.{part}",
        ),
        (
            Role::FeedForwardOut,
            "encoder.layer.{layer}.output.dense.{part}",
        ),
        (
            Role::FeedForwardNorm,
            "encoder.layer.{layer}.output.LayerNorm.{part}",
        ),
        (
            Role::MaskedLmDense,
            "cls.predictions.transform.dense.{part}",
        ),
        (
            Role::MaskedLmNorm,
            "cls.predictions.transform.LayerNorm.{part}",
        ),
        (Role::MaskedLmBias, "cls.predictions.bias"),
    ],
    base: None,
});

/// The names of `RobertaModel` and, for masked words, `RobertaForMaskedLM`, without the prefix
/// `roberta.`; those of XLM-R are the same.
pub const ROBERTA: Names = Names::new(&Table {
    prefix: Some("roberta."),
    unused: &["pooler.", "lm_head.decoder.", "embeddings.position_ids"],
    roles: &[
        (Role::MaskedLmDense, "lm_head.dense.{part}"),
        (Role::MaskedLmNorm, "lm_head.layer_norm.{part}"),
        (Role::MaskedLmBias, "lm_head.bias"),
    ],
    base: Some(BERT.table),
});

/// The names of `DistilBertModel` and, for masked words, `DistilBertForMaskedLM`, without the
/// prefix `distilbert.`.
pub const DISTILBERT: Names = Names::new(&Table {
    prefix: Some("distilbert."),
    unused: &["vocab_projector.weight"],
    roles: &[
        (
            Role::Query,
            "transformer.layer.{layer}.attention.q_lin.{part}",
        ),
        (
            Role::Key,
            "transformer.layer.{layer}.attention.k_lin.{part}",
        ),
        (
            Role::Value,
            "transformer.layer.{layer}.attention.v_lin.{part}",
        ),
        (
            Role::AttentionOutput,
            "transformer.layer.{layer}.attention.out_lin.{part}",
        ),
        (
            Role::AttentionNorm,
            "transformer.layer.{layer}.sa_layer_norm.{part}",
        ),
        (
            Role::FeedForwardIn,
            "transformer.layer.{layer}.ffn.lin1.{part}",
        ),
        (
            Role::FeedForwardOut,
            "transformer.layer.{layer}.ffn.lin2.{part}",
        ),
        (
            Role::FeedForwardNorm,
            "transformer.layer.{layer}.output_layer_norm.{part}",
        ),
        (Role::MaskedLmDense, "vocab_transform.{part}"),
        (Role::MaskedLmNorm, "vocab_layer_norm.{part}"),
        (Role::MaskedLmBias, "vocab_projector.bias"),
    ],
    base: Some(BERT.table),
});

/// The names of `AlbertModel` and, for masked words, `AlbertForMaskedLM`, without the prefix
/// `albert.`. Of the groups of layers there is one.
pub const ALBERT: Names = Names::new(&Table {
    prefix: Some("albert."),
    unused: &[
        "pooler.",
        "sop_classifier.",
        "predictions.decoder.",
        "embeddings.position_ids",
    ],
    roles: &[
        (
            Role::EmbeddingProjection,
            "encoder.embedding_hidden_mapping_in.{part}",
        ),
        (
            Role::Query,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.attention.query.{part}",
        ),
        (
            Role::Key,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.attention.key.{part}",
        ),
        (
            Role::Value,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.attention.value.{part}",
        ),
        (
            Role::AttentionOutput,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.attention.dense.{part}",
        ),
        (
            Role::AttentionNorm,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.attention.LayerNorm.{part}",
        ),
        (
            Role::FeedForwardIn,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.ffn.{part}",
        ),
        (
            Role::FeedForwardOut,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.ffn_output.{part}",
        ),
        (
            Role::FeedForwardNorm,
            "encoder.albert_layer_groups.0.albert_layers.{layer}.full_layer_layer_norm.{part}",
        ),
        (Role::MaskedLmDense, "predictions.dense.{part}"),
        (Role::MaskedLmNorm, "predictions.LayerNorm.{part}"),
        (Role::MaskedLmBias, "predictions.bias"),
    ],
    base: Some(BERT.table),
});

/// The names of `GPT2LMHeadModel`, without the prefix `transformer.`.
pub const GPT2: Names = Names::new(&Table {
    prefix: Some("transformer."),
    // Masks, which old checkpoints hold.
    unused: &["h.{layer}.attn.bias", "h.{layer}.attn.masked_bias"],
    roles: &[
        (Role::WordEmbeddings, "wte.{part}"),
        (Role::PositionEmbeddings, "wpe.{part}"),
        (Role::AttentionNorm, "h.{layer}.ln_1.{part}"),
        (Role::QueryKeyValue, "h.{layer}.attn.c_attn.{part}"),
        (Role::AttentionOutput, "h.{layer}.attn.c_proj.{part}"),
        (Role::FeedForwardNorm, "h.{layer}.ln_2.{part}"),
        (Role::FeedForwardIn, "h.{layer}.mlp.c_fc.{part}"),
        (Role::FeedForwardOut, "h.{layer}.mlp.c_proj.{part}"),
        (Role::FinalNorm, "ln_f.{part}"),
        (Role::LmHead, "lm_head.weight"),
    ],
    base: None,
});

/// The names of `LlamaForCausalLM`, `Qwen2ForCausalLM` and `Qwen3ForCausalLM`, without the prefix
/// `model.`.
pub const LLAMA: Names = Names::new(&Table {
    prefix: Some("model."),
    // Frequencies, which old checkpoints hold.
    unused: &["layers.{layer}.self_attn.rotary_emb.inv_freq"],
    roles: &[
        (Role::WordEmbeddings, "embed_tokens.{part}"),
        (Role::AttentionNorm, "layers.{layer}.input_layernorm.{part}"),
        (Role::Query, "layers.{layer}.self_attn.q_proj.{part}"),
        (Role::Key, "layers.{layer}.self_attn.k_proj.{part}"),
        (Role::Value, "layers.{layer}.self_attn.v_proj.{part}"),
        (Role::QueryNorm, "layers.{layer}.self_attn.q_norm.{part}"),
        (Role::KeyNorm, "layers.{layer}.self_attn.k_norm.{part}"),
        (
            Role::AttentionOutput,
            "layers.{layer}.self_attn.o_proj.{part}",
        ),
        (
            Role::FeedForwardNorm,
            "layers.{layer}.post_attention_layernorm.{part}",
        ),
        (Role::FeedForwardGate, "layers.{layer}.mlp.gate_proj.{part}"),
        (Role::FeedForwardIn, "layers.{layer}.mlp.up_proj.{part}"),
        (Role::FeedForwardOut, "layers.{layer}.mlp.down_proj.{part}"),
        (Role::FinalNorm, "norm.{part}"),
        (Role::LmHead, "lm_head.weight"),
    ],
    base: None,
});

/// The names of the light model: word embeddings like BERT's, and PyTorch's `nn.LSTM`.
pub const BILSTM: Names = Names::new(&Table {
    prefix: None,
    unused: &[],
    roles: &[
        (Role::WordEmbeddings, "embeddings.word_embeddings.{part}"),
        (Role::LstmInput, "encoder.lstm.{part}_ih_l{layer}"),
        (
            Role::LstmInputReverse,
            "encoder.lstm.{part}_ih_l{layer}_reverse",
        ),
        (Role::LstmHidden, "encoder.lstm.{part}_hh_l{layer}"),
        (
            Role::LstmHiddenReverse,
            "encoder.lstm.{part}_hh_l{layer}_reverse",
        ),
    ],
    base: None,
});

/// The names of the encoder of BART and its kin, without the prefix `model.`.
pub const BART_ENCODER: Names = Names::new(&Table {
    prefix: Some("model."),
    unused: &[],
    roles: &[
        (Role::WordEmbeddings, "shared.{part}"),
        (Role::PositionEmbeddings, "encoder.embed_positions.{part}"),
        (Role::EmbeddingNorm, "encoder.layernorm_embedding.{part}"),
        (
            Role::Query,
            "encoder.layers.{layer}.self_attn.q_proj.{part}",
        ),
        (Role::Key, "encoder.layers.{layer}.self_attn.k_proj.{part}"),
        (
            Role::Value,
            "encoder.layers.{layer}.self_attn.v_proj.{part}",
        ),
        (
            Role::AttentionOutput,
            "encoder.layers.{layer}.self_attn.out_proj.{part}",
        ),
        (
            Role::AttentionNorm,
            "encoder.layers.{layer}.self_attn_layer_norm.{part}",
        ),
        (Role::FeedForwardIn, "encoder.layers.{layer}.fc1.{part}"),
        (Role::FeedForwardOut, "encoder.layers.{layer}.fc2.{part}"),
        (
            Role::FeedForwardNorm,
            "encoder.layers.{layer}.final_layer_norm.{part}",
        ),
        (Role::FinalNorm, "encoder.layer_norm.{part}"),
    ],
    base: None,
});

/// The names of their decoder, and of what the words' logits take besides.
pub const BART_DECODER: Names = Names::new(&Table {
    prefix: Some("model."),
    unused: &[],
    roles: &[
        (Role::WordEmbeddings, "shared.{part}"),
        (Role::PositionEmbeddings, "decoder.embed_positions.{part}"),
        (Role::EmbeddingNorm, "decoder.layernorm_embedding.{part}"),
        (
            Role::Query,
            "decoder.layers.{layer}.self_attn.q_proj.{part}",
        ),
        (Role::Key, "decoder.layers.{layer}.self_attn.k_proj.{part}"),
        (
            Role::Value,
            "decoder.layers.{layer}.self_attn.v_proj.{part}",
        ),
        (
            Role::AttentionOutput,
            "decoder.layers.{layer}.self_attn.out_proj.{part}",
        ),
        (
            Role::AttentionNorm,
            "decoder.layers.{layer}.self_attn_layer_norm.{part}",
        ),
        (
            Role::CrossQuery,
            "decoder.layers.{layer}.encoder_attn.q_proj.{part}",
        ),
        (
            Role::CrossKey,
            "decoder.layers.{layer}.encoder_attn.k_proj.{part}",
        ),
        (
            Role::CrossValue,
            "decoder.layers.{layer}.encoder_attn.v_proj.{part}",
        ),
        (
            Role::CrossAttentionOutput,
            "decoder.layers.{layer}.encoder_attn.out_proj.{part}",
        ),
        (
            Role::CrossAttentionNorm,
            "decoder.layers.{layer}.encoder_attn_layer_norm.{part}",
        ),
        (Role::FeedForwardIn, "decoder.layers.{layer}.fc1.{part}"),
        (Role::FeedForwardOut, "decoder.layers.{layer}.fc2.{part}"),
        (
            Role::FeedForwardNorm,
            "decoder.layers.{layer}.final_layer_norm.{part}",
        ),
        (Role::FinalNorm, "decoder.layer_norm.{part}"),
        (Role::LmHead, "lm_head.weight"),
        (Role::LogitsBias, "final_logits_bias"),
    ],
    base: None,
});

/// The names of the encoder where it has word embeddings of its own.
pub const UNTIED_BART_ENCODER: Names = Names::new(&Table {
    prefix: Some("model."),
    unused: &[],
    roles: &[(Role::WordEmbeddings, "encoder.embed_tokens.{part}")],
    base: Some(BART_ENCODER.table),
});

/// The names of the decoder where it has word embeddings of its own.
pub const UNTIED_BART_DECODER: Names = Names::new(&Table {
    prefix: Some("model."),
    unused: &[],
    roles: &[(Role::WordEmbeddings, "decoder.embed_tokens.{part}")],
    base: Some(BART_DECODER.table),
});

/// The names of the heads, the same on every encoder.
pub const HEADS: Names = Names::new(&Table {
    prefix: None,
    unused: &[],
    roles: &[
        (Role::Intent, "heads.intent.{part}"),
        (Role::Slots, "heads.slots.{part}"),
        (Role::Sentiment, "heads.sentiment.{part}"),
        (Role::SlotTransitions, "heads.slots.transitions"),
        (Role::SlotStart, "heads.slots.start"),
        (Role::SlotEnd, "heads.slots.end"),
    ],
    base: None,
});

/// The beginning of the names of all [heads](HEADS), before a dot.
pub const ALL_HEADS: &str = "heads";
