//! The head that predicts masked words.
//!
//! In the shapes, `M` is the number of tokens to be predicted, `H` the hidden width, `E` that of the
//! word embeddings, and `V` the number of words.

use tch::{Kind, Tensor};

use super::word_loss::{MaskedScores, WordLoss};
use crate::config::names::Role;
use crate::config::{Activation, Norms};
use crate::error::Result;
use crate::ops::Device;
use crate::torch::layers::{Linear, Norm, activate};
use crate::torch::parameters::Scope;

/// Hugging Face's `BertOnlyMLMHead` and the like: a layer, and the table of word embeddings once more.
#[derive(Debug)]
pub(in crate::torch) struct MaskedLmHead {
    dense: Linear,
    norm: Norm,
    activation: Activation,
    /// The table of word embeddings, `[V, E]`.
    words: Tensor,
    /// The bias of each word, `[V]`.
    bias: Tensor,
}

impl MaskedLmHead {
    pub(in crate::torch) fn new(
        scope: Scope<'_>,
        norms: Norms,
        activation: Activation,
    ) -> Result<Self> {
        Ok(Self {
            dense: Linear::new(scope, Role::MaskedLmDense)?,
            norm: Norm::new(scope, Role::MaskedLmNorm, norms)?,
            activation,
            words: scope.weight(Role::WordEmbeddings)?,
            bias: scope.bias(Role::MaskedLmBias)?,
        })
    }

    /// Computes what the words are compared with: `[M, H]` to `[M, E]`.
    pub(in crate::torch) fn transform(&self, x: &Tensor) -> Result<Tensor> {
        let x = activate(&self.dense.forward(x)?, self.activation)?;
        self.norm.forward(&x)
    }

    /// Computes the logits of the words.
    ///
    /// # Shapes
    /// `[M, H]` gives `[M, V]`.
    pub(in crate::torch) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let logits = self.transform(x)?.f_linear(&self.words, Some(&self.bias))?;
        Ok(logits.f_to_kind(Kind::Float)?) // [M, V]
    }

    /// Computes the sum of the cross-entropy of the words `gold` for hidden states that were
    /// [transformed](Self::transform), to be differentiated.
    pub(in crate::torch) fn loss(
        &self,
        hidden: &Tensor,
        gold: &Tensor,
        device: Device,
    ) -> Result<Tensor> {
        self.word_loss(hidden, gold, device).sum()
    }

    /// Computes how well the words `gold` are predicted from hidden states that were
    /// [transformed](Self::transform).
    pub(in crate::torch) fn scores(
        &self,
        hidden: &Tensor,
        gold: &Tensor,
        device: Device,
    ) -> Result<MaskedScores> {
        self.word_loss(hidden, gold, device).scores()
    }

    fn word_loss<'a>(
        &'a self,
        hidden: &'a Tensor,
        gold: &'a Tensor,
        device: Device,
    ) -> WordLoss<'a> {
        WordLoss {
            hidden,
            words: &self.words,
            bias: &self.bias,
            gold,
            piece: WordLoss::piece(&self.words, device),
            device,
        }
    }
}
