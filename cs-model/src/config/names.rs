//! Names of tensors, by the role that each has in a model. No other file of the workspace spells
//! one.
//!
//! A name is the checkpoint's, as Hugging Face writes it; those of heads are this crate's own. In a
//! name of the tables, `{layer}` stands for a layer's number from 0, and `{part}` for `weight` or
//! `bias`.

use std::borrow::Cow;

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
    /// The projection of a block to queries, `[A·D, H]`.
    Query,
    /// The projection of a block to keys, `[A·D, H]`.
    Key,
    /// The projection of a block to values, `[A·D, H]`.
    Value,
    /// The projection of a block's attention heads, taken together, `[H, A·D]`.
    AttentionOutput,
    /// The norm after a block's attention, `[H]`.
    AttentionNorm,
    /// The first of a block's feed-forward layers, `[M, H]`.
    FeedForwardIn,
    /// The last of a block's feed-forward layers, `[H, M]`.
    FeedForwardOut,
    /// The norm after a block's feed-forward layers, `[H]`.
    FeedForwardNorm,
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
    /// Whether the layer makes vectors of tokens: a table of embeddings, or their norm.
    pub fn is_embedding(self) -> bool {
        use Role::{EmbeddingNorm, PositionEmbeddings, TokenTypeEmbeddings, WordEmbeddings};
        matches!(
            self,
            WordEmbeddings | PositionEmbeddings | TokenTypeEmbeddings | EmbeddingNorm
        )
    }

    /// Whether the layer is a normalisation.
    pub fn is_norm(self) -> bool {
        use Role::{AttentionNorm, EmbeddingNorm, FeedForwardNorm, MaskedLmNorm};
        matches!(
            self,
            EmbeddingNorm | AttentionNorm | FeedForwardNorm | MaskedLmNorm
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
        HEADS.table.iter().any(|&(role, _)| role == self)
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

/// What a tensor is, as read from its name: a layer's role, its number and which of its tensors.
///
/// ```
/// use cs_model::names::{Part, Role, TensorRole};
///
/// let tensor = TensorRole::parse("encoder.layer.11.output.dense.weight").unwrap();
/// assert_eq!((tensor.role, tensor.layer), (Role::FeedForwardOut, Some(11)));
/// assert_eq!(tensor.part, Part::Weight);
/// assert_eq!(TensorRole::parse("encoder.layer.11.output.dense"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorRole {
    /// The role of the layer.
    pub role: Role,
    /// The number of the block, or of the LSTM's layer, from 0; `None` outside of them.
    pub layer: Option<usize>,
    /// Which of the layer's tensors it is.
    pub part: Part,
}

impl TensorRole {
    /// Finds what a tensor of any family is by its name; `None` for a name that no model here has.
    /// Names that checkpoints spell otherwise have to be [normalised](normalise_name) first.
    pub fn parse(name: &str) -> Option<Self> {
        let tables = [BERT, BILSTM, HEADS].into_iter();
        tables
            .flat_map(|names| names.table)
            .find_map(|&(role, template)| {
                let (layer, part) = fit(template, name)?;
                Some(Self { role, layer, part })
            })
    }

    /// Whether the tensor is the matrix, table or norm's factors of a layer with this role.
    pub fn is_weight_of(self, role: Role) -> bool {
        self.role == role && self.part == Part::Weight
    }
}

/// The names of a family's tensors, or of those of one of its layers.
///
/// A role that the family does not have, or has in every layer while none was
/// [chosen](Names::layer), gets a name that no checkpoint has, so that the error for the missing
/// tensor shows it.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    table: &'static [(Role, &'static str)],
    layer: Option<usize>,
}

impl Names {
    const fn new(table: &'static [(Role, &'static str)]) -> Self {
        Self { table, layer: None }
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

    /// The name of one of a layer's tensors.
    pub fn name(self, role: Role, part: Part) -> String {
        let template = self.table.iter().find(|(of, _)| *of == role);
        let Some((_, template)) = template else {
            return format!("{role:?}");
        };
        let name = template.replace("{part}", part.as_str());
        match self.layer {
            Some(layer) => name.replace("{layer}", &layer.to_string()),
            None => name,
        }
    }
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Bias => "bias",
        }
    }
}

/// The names of `BertModel` and, for masked words, `BertForMaskedLM`, without the prefix `bert.`.
pub const BERT: Names = Names::new(&[
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
]);

/// The names of the light model: word embeddings like BERT's, and PyTorch's `nn.LSTM`.
pub const BILSTM: Names = Names::new(&[
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
]);

/// The names of the heads, the same on every encoder.
pub const HEADS: Names = Names::new(&[
    (Role::Intent, "heads.intent.{part}"),
    (Role::Slots, "heads.slots.{part}"),
    (Role::Sentiment, "heads.sentiment.{part}"),
    (Role::SlotTransitions, "heads.slots.transitions"),
    (Role::SlotStart, "heads.slots.start"),
    (Role::SlotEnd, "heads.slots.end"),
]);

/// The beginning of the names of all [heads](HEADS), before a dot.
pub const ALL_HEADS: &str = "heads";

/// Gives layer and part of a name that fits the template.
fn fit(template: &str, name: &str) -> Option<(Option<usize>, Part)> {
    let (mut template, mut name) = (template, name);
    let mut layer = None;
    // The part of a template without `{part}`.
    let mut part = if template.ends_with(".bias") {
        Part::Bias
    } else {
        Part::Weight
    };
    while let Some((literal, rest)) = template.split_once('{') {
        name = name.strip_prefix(literal)?;
        let (slot, rest) = rest.split_once('}')?;
        template = rest;
        if slot == "layer" {
            let end = name
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(name.len());
            layer = Some(name[..end].parse().ok()?);
            name = &name[end..];
        } else {
            part = [Part::Weight, Part::Bias]
                .into_iter()
                .find(|part| name.starts_with(part.as_str()))?;
            name = &name[part.as_str().len()..];
        }
    }
    (name == template).then_some((layer, part))
}

/// Gives the beginning of a matrix' name that it shares with the others of its product: those that
/// read the same input and have one precision at run time, as queries, keys and values of a block
/// or both directions of an LSTM. Of any other matrix, gives its name without the part.
///
/// ```
/// use cs_model::names::product;
///
/// let query = "encoder.layer.0.attention.self.query.weight";
/// assert_eq!(product(query), "encoder.layer.0.attention.self");
/// assert_eq!(product("encoder.lstm.weight_ih_l1_reverse"), "encoder.lstm.weight_ih_l1");
/// assert_eq!(product("heads.intent.weight"), "heads.intent");
/// ```
pub fn product(name: &str) -> &str {
    let owner = name.strip_suffix(".weight").unwrap_or(name);
    match TensorRole::parse(name).map(|tensor| tensor.role) {
        Some(Role::Query | Role::Key | Role::Value) => {
            owner.rsplit_once('.').map_or(owner, |(block, _)| block)
        }
        Some(Role::LstmInputReverse | Role::LstmHiddenReverse) => {
            owner.strip_suffix("_reverse").unwrap_or(owner)
        }
        _ => owner,
    }
}

/// Gives the name by which this crate refers to a Hugging Face tensor: without the `bert.` prefix,
/// and with the old `gamma` and `beta` of layer norms as `weight` and `bias`. `None` for what no
/// model here uses: pooler, next-sentence head, the decoder of masked words (it is the table of
/// word embeddings), position ids.
///
/// ```
/// use cs_model::normalise_name;
///
/// let name = normalise_name("bert.embeddings.LayerNorm.beta");
/// assert_eq!(name.as_deref(), Some("embeddings.LayerNorm.bias"));
/// assert_eq!(normalise_name("bert.pooler.dense.weight"), None);
/// ```
pub fn normalise_name(name: &str) -> Option<Cow<'_, str>> {
    let name = name.strip_prefix("bert.").unwrap_or(name);
    let ignored = [
        "pooler.",
        "cls.seq_relationship.",
        "cls.predictions.decoder.",
    ];
    let ignored = ignored.iter().any(|part| name.starts_with(part));
    if ignored || name == "embeddings.position_ids" {
        return None;
    }
    for (old, new) in [("gamma", "weight"), ("beta", "bias")] {
        let owner = name.strip_suffix(old);
        if let Some(owner) = owner.filter(|owner| owner.ends_with("LayerNorm.")) {
            return Some(Cow::Owned(format!("{owner}{new}")));
        }
    }
    Some(Cow::Borrowed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_role_and_no_other() {
        for names in [BERT, BILSTM, HEADS] {
            for &(role, template) in names.table {
                for part in [Part::Weight, Part::Bias] {
                    let name = names.layer(12).name(role, part);
                    let tensor = TensorRole::parse(&name).unwrap();
                    assert_eq!(tensor.role, role, "{name}");
                    assert_eq!(tensor.layer, template.contains("{layer}").then_some(12));
                    let parts = template.contains("{part}");
                    let only = [Part::Weight, Part::Bias][usize::from(name.ends_with("bias"))];
                    assert_eq!(tensor.part, if parts { part } else { only });
                }
            }
        }
    }

    #[test]
    fn other_names_have_no_role() {
        for name in [
            "",
            "encoder.layer.1.output.dense",
            "encoder.layer..output.dense.weight",
            "encoder.layer.1.output.dense.weight.scale",
            "encoder.layer.99999999999999999999.output.dense.weight",
            "encoder.lstm.weight_ih_l0_revers",
            "heads.slots.transitions.weight",
            "heads.x.weight",
        ] {
            assert_eq!(TensorRole::parse(name), None, "{name}");
        }
        let none = BILSTM.layer(0).weight(Role::Query);
        assert_eq!((none.as_str(), TensorRole::parse(&none)), ("Query", None));
        assert_eq!(TensorRole::parse(&BERT.weight(Role::Query)), None);
    }
}
