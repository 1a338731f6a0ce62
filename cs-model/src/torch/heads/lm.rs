//! The head of a model that generates.
//!
//! In the shapes, `N` is the number of tokens, `H` the hidden width, and `V` the number of words.

use tch::{Kind, Tensor};

use crate::config::names::Role;
use crate::error::Result;
use crate::generate::Likeliest;
use crate::heads::Matrix;
use crate::torch::numbers::{matrix, numbers};
use crate::torch::parameters::Scope;

/// The logits of the word after each token.
#[derive(Debug)]
pub(in crate::torch) struct LmHead {
    /// The matrix, `[V, H]`.
    words: Tensor,
    /// The bias of each word, `[V]`.
    bias: Option<Tensor>,
}

impl LmHead {
    /// Makes the head of a model, whose matrix is, if `tied`, the table of word embeddings.
    pub(in crate::torch) fn new(scope: Scope<'_>, tied: bool) -> Result<Self> {
        let words = if tied {
            Role::WordEmbeddings
        } else {
            Role::LmHead
        };
        let bias = scope.optional_bias(Role::LogitsBias); // [1, V]
        Ok(Self {
            words: scope.weight(words)?,
            bias: bias.map(|bias| bias.f_flatten(0, 1)).transpose()?,
        })
    }

    /// Computes the logits.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, V]`, in f32.
    pub(in crate::torch) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.logits(x)?.f_to_kind(Kind::Float)?)
    }

    /// Computes the logits as plain numbers, without gradients.
    ///
    /// # Shapes
    /// `[N, H]` gives `[N, V]`.
    pub(in crate::torch) fn rows(&self, x: &Tensor) -> Result<Matrix> {
        let _guard = tch::no_grad_guard();
        matrix(&self.forward(x)?)
    }

    /// Computes the logits without gradients, and finds the largest of each row where they are.
    pub(in crate::torch) fn likeliest(&self, x: &Tensor) -> Result<Vec<Likeliest>> {
        let _guard = tch::no_grad_guard();
        let (logits, tokens) = self.logits(x)?.f_max_dim(1, false)?; // [N]
        let logits = numbers(&logits.f_to_kind(Kind::Float)?)?;
        // A float holds the id of any token of a vocabulary of up to 16 million.
        let tokens = numbers(&tokens.f_to_kind(Kind::Float)?)?;
        let pairs = tokens.into_iter().zip(logits);
        Ok(pairs
            .map(|(token, logit)| Likeliest {
                token: token as u32,
                logit,
            })
            .collect())
    }

    fn logits(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_linear(&self.words, self.bias.as_ref())?)
    }
}
