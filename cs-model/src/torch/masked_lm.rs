//! Predicting masked words (Devlin et al. 2019, section 3.1).
//!
//! `N` packed tokens, `M` of them to be predicted, `H` hidden, `V` words.

use cs_data::TokenBatch;
use tch::{Kind, Tensor};

use super::device::on_device;
use super::layers::{LayerNorm, Linear, activate};
use super::parameters::Parameters;
use super::{Device, Mode, Model};
use crate::bundle::Bundle;
use crate::config::{Activation, EncoderConfig, TransformerConfig};
use crate::error::{Error, Result};
use crate::tasks::Tasks;

/// A layer whose presence in a checkpoint tells that it has the whole head.
const FIRST: &str = "cls.predictions.transform.dense.weight";

/// Hugging Face's `BertOnlyMLMHead`: a layer, and the table of word embeddings once more.
#[derive(Debug)]
pub(super) struct MaskedLmHead {
    dense: Linear,
    layer_norm: LayerNorm,
    activation: Activation,
    /// `[V, H]`
    words: Tensor,
    /// `[V]`
    bias: Tensor,
}

impl MaskedLmHead {
    pub(super) fn new(parameters: &Parameters, config: &TransformerConfig) -> Result<Self> {
        let scope = parameters.scope("cls.predictions");
        let transform = scope.sub("transform");
        let words = parameters.scope("embeddings.word_embeddings");
        Ok(Self {
            dense: Linear::new(&transform.sub("dense"))?,
            layer_norm: LayerNorm::new(&transform.sub("LayerNorm"), config.layer_norm_eps)?,
            activation: config.hidden_act,
            words: words.get("weight")?,
            bias: scope.get("bias")?,
        })
    }

    /// # Shapes
    /// `[M, H]` to `[M, V]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = activate(&self.dense.forward(x)?, self.activation)?;
        let x = self.layer_norm.forward(&x)?; // [M, H]
        let logits = x.f_linear(&self.words, Some(&self.bias))?;
        Ok(logits.f_to_kind(Kind::Float)?) // [M, V]
    }
}

impl Model {
    /// A model with fresh weights that predicts masked words and has no other head. Its tensors have
    /// the names of Hugging Face's `BertForMaskedLM`, without the prefix `bert.`.
    ///
    /// ```
    /// use cs_data::TokenBatch;
    /// use cs_model::{Device, Mode, Model, TransformerConfig};
    ///
    /// let config = TransformerConfig { num_hidden_layers: 2, ..TransformerConfig::mini(30) };
    /// let model = Model::new_masked_lm(&config, Device::Cpu, 42)?;
    /// let batch = TokenBatch::pack([&[2, 4, 17, 3][..], &[2, 4, 3]]); // 4 is the mask
    /// let logits = model.masked_logits(&batch, &[1, 5], Mode::Eval)?;
    /// assert_eq!(logits.size(), [2, 30]);
    /// # Ok::<(), cs_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Field`] for a configuration or a device that cannot be used.
    pub fn new_masked_lm(config: &TransformerConfig, device: Device, seed: u64) -> Result<Self> {
        let config = EncoderConfig::from(config.clone());
        Self::build(&config, &Tasks::default(), true, device, |name, shape| {
            Ok(super::init::initial(name, shape, &config, seed))
        })
    }

    /// The encoder of a bundle or of a plain Hugging Face folder, to predict masked words with: by the
    /// checkpoint's own head if it has one, else by a fresh one.
    ///
    /// # Errors
    /// As [`Model::new`] and [`Model::load_weights`]; [`Error::Field`] if it is no transformer.
    pub fn masked_lm_from_pretrained(bundle: &Bundle, device: Device, seed: u64) -> Result<Self> {
        let (weights, config) = (bundle.weights()?, bundle.config());
        let fresh = !weights.contains(FIRST);
        Self::build(config, &Tasks::default(), true, device, |name, shape| {
            if fresh && name.starts_with("cls.") {
                return Ok(super::init::initial(name, shape, config, seed));
            }
            weights.f32(name, shape)
        })
    }

    /// What each of the tokens `rows`, counted through the packed batch, is predicted to be; nothing
    /// is computed for the other tokens but their hidden states.
    ///
    /// # Shapes
    /// `M` rows to `[M, V]` logits.
    ///
    /// # Errors
    /// As [`Model::forward`]; [`Error::Field`] for a row that is not there, or if the model does not
    /// predict masked words.
    pub fn masked_logits(&self, batch: &TokenBatch, rows: &[usize], mode: Mode) -> Result<Tensor> {
        let Some(head) = self.masked_lm_head() else {
            let expected = "a model made to predict masked words";
            return Err(Error::field("the model", "one with other heads", expected));
        };
        if let Some(row) = rows.iter().find(|&&row| row >= batch.tokens()) {
            let expected = format!("less than {} tokens", batch.tokens());
            return Err(Error::field("rows", row, expected));
        }
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let rows = on_device(&rows, self.device())?;
        let hidden = self.encode(&self.input(batch)?, mode == Mode::Train, None)?;
        head.forward(&hidden.f_index_select(0, &rows)?)
    }
}
