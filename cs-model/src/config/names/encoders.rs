//! The names of the tensors of encoders.

use super::role::Role;
use super::table::{Names, Table};

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
