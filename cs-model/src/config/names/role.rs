//! What the layers of a model do.

/// What a layer does in a model, whatever its family calls it.
///
/// ```
/// use cs_model::names::{BERT, Role};
///
/// assert_eq!(BERT.weight(Role::WordEmbeddings), "embeddings.word_embeddings.weight");
/// assert_eq!(BERT.layer(3).bias(Role::Query), "encoder.layer.3.attention.self.query.bias");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The table of word embeddings, `[V, H]`.
    WordEmbeddings,
    /// The table of learned positions, `[P, H]`.
    PositionEmbeddings,
    /// The table of token types, `[2, H]`.
    TokenTypeEmbeddings,
    /// The norm of the sum of the embeddings, `[H]`.
    EmbeddingNorm,
    /// The layer from the width of the embeddings to that of the hidden states, `[H, E]`.
    EmbeddingProjection,
    /// The projection of a block to queries, `[A·D, H]`.
    Query,
    /// The projection of a block to keys, `[K·D, H]`.
    Key,
    /// The projection of a block to values, `[K·D, H]`.
    Value,
    /// The three projections of a block in one, as GPT-2 stores them, `[H, 3·A·D]`.
    QueryKeyValue,
    /// The norm of the queries of each head, `[D]`.
    QueryNorm,
    /// The norm of the keys of each head, `[D]`.
    KeyNorm,
    /// The projection of a block's attention heads, taken together, `[H, A·D]`.
    AttentionOutput,
    /// The norm before or after a block's attention, `[H]`.
    AttentionNorm,
    /// The projection of a decoder's block to queries for the encoder's states, `[A·D, H]`.
    CrossQuery,
    /// The projection of the encoder's states to a decoder block's keys, `[A·D, H]`.
    CrossKey,
    /// The projection of the encoder's states to a decoder block's values, `[A·D, H]`.
    CrossValue,
    /// The projection of the heads that attend to the encoder, taken together, `[H, A·D]`.
    CrossAttentionOutput,
    /// The norm before or after a block's attention to the encoder, `[H]`.
    CrossAttentionNorm,
    /// The feed-forward layer that is activated, of those that are gated, `[M, H]`.
    FeedForwardGate,
    /// The first of a block's feed-forward layers, `[M, H]`; of gated ones, that which is not
    /// activated.
    FeedForwardIn,
    /// The last of a block's feed-forward layers, `[H, M]`.
    FeedForwardOut,
    /// The norm before or after a block's feed-forward layers, `[H]`.
    FeedForwardNorm,
    /// The norm after the last block, `[H]`.
    FinalNorm,
    /// The matrix of the words' logits, `[V, H]`.
    LmHead,
    /// What is added to the words' logits, `[1, V]`.
    LogitsBias,
    /// The part of an LSTM's gates that its input gives, forward, `[4·U, E]`.
    LstmInput,
    /// The part of an LSTM's gates that its input gives, backward.
    LstmInputReverse,
    /// The part of an LSTM's gates that its last hidden state gives, forward, `[4·U, U]`.
    LstmHidden,
    /// The part of an LSTM's gates that its last hidden state gives, backward.
    LstmHiddenReverse,
    /// The layer before the words of a masked language model, `[H, H]`.
    MaskedLmDense,
    /// The norm before the words of a masked language model, `[H]`.
    MaskedLmNorm,
    /// The bias of each word of a masked language model, `[V]`; its matrix is that of the word
    /// embeddings.
    MaskedLmBias,
    /// The intent head, `[C, H]`.
    Intent,
    /// The slot head, `[T, H]`.
    Slots,
    /// The sentiment head, `[1, H]`.
    Sentiment,
    /// The slot head's score of each tag after each other tag, `[T, T]`.
    SlotTransitions,
    /// The slot head's score of each tag at a text's start, `[T]`.
    SlotStart,
    /// The slot head's score of each tag at a text's end, `[T]`.
    SlotEnd,
}

impl Role {
    /// Whether the layer is a table whose rows are looked up, and which enters no product but that
    /// of masked words.
    pub fn is_table(self) -> bool {
        use Role::{PositionEmbeddings, TokenTypeEmbeddings, WordEmbeddings};
        matches!(
            self,
            WordEmbeddings | PositionEmbeddings | TokenTypeEmbeddings
        )
    }

    /// Whether the layer makes vectors of tokens: a table of embeddings, their norm, or the layer after it.
    pub fn is_embedding(self) -> bool {
        use Role::{
            EmbeddingNorm, EmbeddingProjection, PositionEmbeddings, TokenTypeEmbeddings,
            WordEmbeddings,
        };
        matches!(
            self,
            WordEmbeddings
                | PositionEmbeddings
                | TokenTypeEmbeddings
                | EmbeddingNorm
                | EmbeddingProjection
        )
    }

    /// Whether the layer is a linear one of a block's attention, to its own tokens or to a source.
    pub fn is_attention(self) -> bool {
        use Role::{
            AttentionOutput, CrossAttentionOutput, CrossKey, CrossQuery, CrossValue, Key, Query,
            QueryKeyValue, Value,
        };
        matches!(
            self,
            QueryKeyValue
                | Query
                | Key
                | Value
                | AttentionOutput
                | CrossQuery
                | CrossKey
                | CrossValue
                | CrossAttentionOutput
        )
    }

    /// Whether the layer is a normalisation.
    pub fn is_norm(self) -> bool {
        use Role::{
            AttentionNorm, CrossAttentionNorm, EmbeddingNorm, FeedForwardNorm, FinalNorm, KeyNorm,
            MaskedLmNorm, QueryNorm,
        };
        matches!(
            self,
            EmbeddingNorm
                | QueryNorm
                | KeyNorm
                | AttentionNorm
                | CrossAttentionNorm
                | FeedForwardNorm
                | FinalNorm
                | MaskedLmNorm
        )
    }

    /// Whether the layer is a direction of an LSTM.
    pub fn is_lstm(self) -> bool {
        use Role::{LstmHidden, LstmHiddenReverse, LstmInput, LstmInputReverse};
        matches!(
            self,
            LstmInput | LstmInputReverse | LstmHidden | LstmHiddenReverse
        )
    }

    /// Whether the layer serves only to predict masked words.
    pub fn is_masked_lm(self) -> bool {
        use Role::{MaskedLmBias, MaskedLmDense, MaskedLmNorm};
        matches!(self, MaskedLmDense | MaskedLmNorm | MaskedLmBias)
    }

    /// Whether the layer belongs to a task's head, which no checkpoint of Hugging Face has.
    pub fn is_head(self) -> bool {
        use Role::{Intent, Sentiment, SlotEnd, SlotStart, SlotTransitions, Slots};
        matches!(
            self,
            Intent | Slots | Sentiment | SlotTransitions | SlotStart | SlotEnd
        )
    }
}

/// Which of a layer's tensors is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The matrix or table, or the factors of a norm.
    Weight,
    /// The numbers that the layer adds.
    Bias,
}

impl Part {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Bias => "bias",
        }
    }
}
