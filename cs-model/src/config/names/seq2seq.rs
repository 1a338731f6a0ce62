//! The names of the tensors of encoder-decoders.

use super::role::Role;
use super::table::{Names, Table};

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
