//! How a tensor is stored, and what a caller may choose about it.

use cs_model::names::{ALL_HEADS, Role, TensorRole, product};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The settings with which a model is quantised.
///
/// ```
/// use cs_model::names::{BERT, HEADS, Role};
/// use cs_quant::QuantConfig;
///
/// let config = QuantConfig::default();
/// let (head, layer) = (HEADS.weight(Role::Intent), BERT.layer(0).weight(Role::FeedForwardOut));
/// assert!(config.keeps_fp32(&head) && !config.keeps_fp32(&layer));
/// assert!(!config.keeps_fp32("headstrong"), "a beginning ends at a dot");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuantConfig {
    /// The beginnings of the names, up to a `.`, of tensors that stay as they are, and with the first
    /// matrix of a [product](product()) the others. Default: `heads`, which are small and come last,
    /// so that nothing averages their error out.
    pub keep_fp32: Vec<String>,
    /// The layers that take 4 bits instead of 8; none by default.
    pub int4: Int4,
    /// How the step of a row is found; from its largest weight by default.
    pub clip: Clip,
    /// Whether a decoder in a folder first writes a text of its own in fp32, eight times 96 tokens by chance,
    /// by which the columns of its matrices are brought to one size (Liu et al. 2023, *LLM-QAT*, section 3.1, has
    /// the text; nobody else's is needed). That takes as much memory as its weights in fp32 and the time of 96
    /// steps. On by default; what is read from a GGUF file, an encoder and an encoder-decoder are not measured.
    pub calibrate: bool,
}

/// The layers whose weights take 4 bits, with a step for every few inputs of a row. A decoder's stay
/// 4-bit in memory; an encoder's linear layers are widened when they are read, as it computes with
/// many rows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Int4 {
    /// Whether the word embeddings and a decoder's head take 4 bits. With 30,000 words they are half
    /// of a small model. Off by default.
    pub embeddings: bool,
    /// Whether the linear layers of attention take 4 bits. Off by default.
    pub attention: bool,
    /// Whether the linear layers between the attention layers take 4 bits. Off by default.
    pub feed_forward: bool,
    /// The number of weights that share a step, 32 (default) or 64, which makes 4.5 or 4.25 bits a
    /// weight. A matrix whose rows it does not divide takes 8 bits.
    pub group: usize,
}

impl Int4 {
    /// Everything that may take 4 bits, with a step for every 32 weights.
    pub const ALL: Self = Self {
        embeddings: true,
        attention: true,
        feed_forward: true,
        group: 32,
    };
}

impl Default for Int4 {
    fn default() -> Self {
        Self {
            embeddings: false,
            attention: false,
            feed_forward: false,
            group: 32,
        }
    }
}

/// How the step of an int8 row (or of an int4 group) is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clip {
    /// No weight is cut off. The step of an embedding is `max |w| / 127`, that of a linear layer's
    /// row `max |w| / L` with the `L` of 32, 36 .. 120 that has the least squared error (a finer
    /// step leaves more neighbours to be lowered for each other's sake). That of 4 bits is `max |w| / L`
    /// of either sign, with the `L` from 7 to 8.5 whose squared error, times the weight, is least. This is the
    /// default.
    #[default]
    None,
    /// The step is found as with [`Clip::None`], but with `L` up to 160, and up to 254 for an
    /// embedding, and to 14 for 4 bits: a few large weights are cut off where that makes the many
    /// small ones finer.
    Mse,
    /// The given share of a row's weights (above 0.5, up to 1), the smallest by magnitude, is not
    /// cut off.
    Percentile(f32),
}

impl Default for QuantConfig {
    fn default() -> Self {
        Self {
            keep_fp32: vec![ALL_HEADS.to_owned()],
            int4: Int4::default(),
            clip: Clip::None,
            calibrate: true,
        }
    }
}

impl QuantConfig {
    /// Whether a tensor of this name stays as it is.
    #[must_use]
    pub fn keeps_fp32(&self, name: &str) -> bool {
        let first = product(name);
        let mut kept = self.keep_fp32.iter();
        kept.any(|kept| begins(name, kept) || begins(&first, kept))
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the first one that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.keep_fp32.iter().any(String::is_empty) {
            let expected = "beginnings of tensor names";
            return Err(Error::config("keep_fp32", "an empty name", expected));
        }
        if !matches!(self.int4.group, 32 | 64) {
            let found = self.int4.group.to_string();
            return Err(Error::config("int4.group", found, "32 or 64"));
        }
        match self.clip {
            Clip::Percentile(share) if !(share > 0.5 && share <= 1.0) => {
                let (found, expected) = (share.to_string(), "above 0.5, up to 1");
                Err(Error::config("clip.percentile", found, expected))
            }
            _ => Ok(()),
        }
    }

    /// Decides how a tensor is stored.
    pub(crate) fn scheme(&self, name: &str, shape: &[usize]) -> Scheme {
        let [_, cols] = *shape else {
            return Scheme::Fp32;
        };
        let role = TensorRole::parse(name).map(|tensor| tensor.role);
        // Two rows, the scores between slot tags and what is added to logits enter no product.
        let few = matches!(
            role,
            Some(Role::TokenTypeEmbeddings | Role::SlotTransitions | Role::LogitsBias)
        );
        if few || self.keeps_fp32(name) {
            return Scheme::Fp32;
        }
        let int4 = match role {
            Some(Role::WordEmbeddings | Role::LmHead) => self.int4.embeddings,
            Some(role) if role.is_attention() => self.int4.attention,
            Some(Role::FeedForwardGate | Role::FeedForwardIn | Role::FeedForwardOut) => {
                self.int4.feed_forward
            }
            _ => false,
        };
        if int4 && cols.is_multiple_of(self.int4.group) {
            return Scheme::Int4 {
                group: self.int4.group,
            };
        }
        // Tables enter no product.
        Scheme::Int8(match role.is_some_and(Role::is_table) {
            true => IntRange::Int8,
            false => IntRange::Bounded,
        })
    }
}

/// Whether a name begins with another, which ends at a dot.
fn begins(name: &str, beginning: &str) -> bool {
    let rest = name.strip_prefix(beginning);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// How a tensor is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Fp32,
    /// The tensor is in int8, with a step per row.
    Int8(IntRange),
    /// The tensor is in int4, with a step per `group` weights of a row.
    Int4 {
        group: usize,
    },
}

impl Scheme {
    /// Gives the scheme for a table of rows that a product multiplies by as well.
    pub(crate) fn for_product(self) -> Self {
        match self {
            Self::Int8(_) => Self::Int8(IntRange::Bounded),
            other => other,
        }
    }

    /// Gives the scheme in a decoder, whose results depend more on single weights than an encoder's do, and
    /// whose prompts are few rows: a tile may be slower for them.
    pub(crate) fn for_decoder(self) -> Self {
        match self {
            Self::Int8(IntRange::Bounded) => Self::Int8(IntRange::Paired),
            other => other,
        }
    }
}

/// The integers that a step may be multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntRange {
    /// The integers from -8 to 7.
    Int4,
    /// The integers from -127 to 127.
    Int8,
    /// The integers from -127 to 127, such that neighbours of one sign sum to at most what a tile
    /// can add up in 16 bits.
    Bounded,
    /// The integers from -127 to 127, such that pairs of one sign do.
    Paired,
}

impl IntRange {
    /// The least of the integers.
    pub(super) fn least(self) -> f32 {
        match self {
            Self::Int4 => -8.0,
            Self::Int8 | Self::Bounded | Self::Paired => -127.0,
        }
    }

    /// The largest of the integers.
    pub(super) fn most(self) -> f32 {
        match self {
            Self::Int4 => 7.0,
            Self::Int8 | Self::Bounded | Self::Paired => 127.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use cs_model::names::{BERT, BILSTM, HEADS};

    use super::*;

    #[test]
    fn matrices_are_quantised_unless_kept() {
        let config = QuantConfig {
            int4: Int4 {
                embeddings: true,
                feed_forward: true,
                ..Int4::default()
            },
            ..QuantConfig::default()
        };
        let bounded = Scheme::Int8(IntRange::Bounded);
        let int4 = Scheme::Int4 { group: 32 };
        let (bert, lstm) = (BERT.layer(0), BILSTM.layer(0));
        for (name, shape, scheme) in [
            (bert.weight(Role::FeedForwardOut), vec![4, 32], int4),
            (bert.weight(Role::FeedForwardOut), vec![4, 40], bounded),
            (bert.weight(Role::AttentionOutput), vec![4, 32], bounded),
            (bert.bias(Role::FeedForwardOut), vec![32], Scheme::Fp32),
            (lstm.weight(Role::LstmHidden), vec![4, 32], bounded),
            (HEADS.weight(Role::Intent), vec![4, 32], Scheme::Fp32),
            (bert.weight(Role::WordEmbeddings), vec![9, 64], int4),
            (
                bert.weight(Role::PositionEmbeddings),
                vec![9, 64],
                Scheme::Int8(IntRange::Int8),
            ),
            (
                bert.weight(Role::TokenTypeEmbeddings),
                vec![2, 64],
                Scheme::Fp32,
            ),
        ] {
            assert_eq!(config.scheme(&name, &shape), scheme, "{name}");
        }
    }
}
