//! Predicting masked words (Devlin et al. 2019, section 3.1).
//!
//! In the shapes, `N` is the number of packed tokens, `M` that of those to be predicted, `H` the
//! hidden width, and `V` the number of words.

use cs_data::TokenBatch;
use tch::Tensor;

use super::heads::{MaskedLmHead, MaskedScores};
use super::model::Blueprint;
use super::{Mode, Model};
use crate::bundle::Bundle;
use crate::config::EncoderConfig;
use crate::config::names::{Role, TensorRole};
use crate::error::{Error, Result};
use crate::heads::Tasks;
use crate::init::fresh_tensor;
use crate::ops::{Device, on_device};

impl Model {
    /// Makes a model with fresh weights that predicts masked words and has no other head. Its
    /// tensors have the names of Hugging Face's `BertForMaskedLM`, without the prefix `bert.`.
    ///
    /// ```
    /// use cs_data::TokenBatch;
    /// use cs_model::{BertConfig, Device, Mode, Model};
    ///
    /// let config = BertConfig { num_hidden_layers: 2, ..BertConfig::mini(30) };
    /// let model = Model::new_masked_lm(&config.into(), Device::Cpu, 42)?;
    /// let batch = TokenBatch::pack([&[2, 4, 17, 3][..], &[2, 4, 3]]); // 4 is the mask
    /// let logits = model.masked_logits(&batch, &[1, 5], Mode::Eval)?;
    /// assert_eq!(logits.size(), [2, 30]);
    /// # Ok::<(), cs_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Field`] for a configuration or a device that cannot be used, or an encoder that is
    /// no transformer.
    pub fn new_masked_lm(config: &EncoderConfig, device: Device, seed: u64) -> Result<Self> {
        let tasks = Tasks::default();
        Self::build(&blueprint(config, &tasks, device), |name, shape| {
            Ok(fresh_tensor(name, shape, config, seed))
        })
    }

    /// Opens the encoder of a bundle or of a plain Hugging Face folder, to predict masked words
    /// with: by the checkpoint's own head if it has one, else by a fresh one.
    ///
    /// # Errors
    /// Those of [`Model::new`] and [`Model::load_weights`]; [`Error::Field`] if the encoder is no
    /// transformer.
    pub fn masked_lm_from_pretrained(bundle: &Bundle, device: Device, seed: u64) -> Result<Self> {
        let (weights, config) = (bundle.weights()?, bundle.config());
        // A checkpoint has the whole head or nothing of it.
        let fresh = !weights.contains(&config.names().weight(Role::MaskedLmDense));
        let tasks = Tasks::default();
        Self::build(&blueprint(config, &tasks, device), |name, shape| {
            let role = TensorRole::parse(name).map(|tensor| tensor.role);
            if fresh && role.is_some_and(Role::is_masked_lm) {
                return Ok(fresh_tensor(name, shape, config, seed));
            }
            weights.f32(name, shape)
        })
    }

    /// Computes the logits of the words at each of the tokens `rows`, which are counted through the
    /// packed batch. Of the other tokens, only the hidden states are computed.
    ///
    /// # Shapes
    /// `M` rows give `[M, V]` logits.
    ///
    /// # Errors
    /// Those of [`Model::forward`]; [`Error::Field`] for a row that is not there, or if the model
    /// does not predict masked words.
    pub fn masked_logits(&self, batch: &TokenBatch, rows: &[usize], mode: Mode) -> Result<Tensor> {
        let head = self.predicts_masked()?;
        check_rows(batch, rows)?;
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let rows = on_device(&rows, self.device())?;
        head.forward(&self.hidden_at(batch, &rows, mode)?)
    }

    /// Computes the sum of the cross-entropy of the words `gold` at the tokens `rows`, to be
    /// differentiated. It gives what [`masked_logits`](Self::masked_logits) would lead to, but in
    /// pieces of tokens, so that with a vocabulary of any size no more than some hundred MB of
    /// logits are ever held. Their gradients are computed at once: where none are wanted,
    /// [`masked_scores`](Self::masked_scores) is cheaper.
    ///
    /// ```
    /// use cs_data::TokenBatch;
    /// use cs_model::{BertConfig, Device, Mode, Model};
    ///
    /// let config = BertConfig { num_hidden_layers: 2, ..BertConfig::mini(30) };
    /// let model = Model::new_masked_lm(&config.into(), Device::Cpu, 42)?;
    /// let batch = TokenBatch::pack([&[2, 4, 17, 3][..], &[2, 4, 3]]);
    /// model.masked_loss(&batch, &[1, 5], &[9, 20], Mode::Train)?.backward();
    /// assert!(model.parameters().iter().all(|(_, tensor)| tensor.grad().defined()));
    /// # Ok::<(), cs_model::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `M` rows and `M` words give a scalar.
    ///
    /// # Errors
    /// Those of [`Model::masked_logits`]; [`Error::Field`] without rows, or for a word that is not
    /// in the vocabulary; [`Error::Shape`] unless there is a word for each row.
    pub fn masked_loss(
        &self,
        batch: &TokenBatch,
        rows: &[usize],
        gold: &[u32],
        mode: Mode,
    ) -> Result<Tensor> {
        let head = self.predicts_masked()?;
        let (rows, gold) = self.places(batch, rows, gold)?;
        let hidden = head.transform(&self.hidden_at(batch, &rows, mode)?)?;
        head.loss(&hidden, &gold, self.device())
    }

    /// Computes how well the words `gold` are predicted at the tokens `rows`, without dropout or
    /// gradients.
    ///
    /// # Errors
    /// Those of [`Model::masked_loss`].
    pub fn masked_scores(
        &self,
        batch: &TokenBatch,
        rows: &[usize],
        gold: &[u32],
    ) -> Result<MaskedScores> {
        let _guard = tch::no_grad_guard();
        let head = self.predicts_masked()?;
        let (rows, gold) = self.places(batch, rows, gold)?;
        let hidden = head.transform(&self.hidden_at(batch, &rows, Mode::Eval)?)?;
        head.scores(&hidden, &gold, self.device())
    }

    fn predicts_masked(&self) -> Result<&MaskedLmHead> {
        let expected = "a model made to predict masked words";
        self.masked_lm_head()
            .ok_or_else(|| Error::field("the model", "one with other heads", expected))
    }

    /// Gives rows and words as tensors on the device, checked.
    fn places(&self, batch: &TokenBatch, rows: &[usize], gold: &[u32]) -> Result<(Tensor, Tensor)> {
        check_rows(batch, rows)?;
        if rows.is_empty() {
            return Err(Error::field("rows", "empty", "a token to predict"));
        }
        if rows.len() != gold.len() {
            return Err(Error::Shape {
                what: "words to predict",
                expected: rows.len().to_string(),
                found: gold.len().to_string(),
            });
        }
        let words = self.config().vocab_size();
        if let Some(word) = gold.iter().find(|&&word| word as usize >= words) {
            return Err(Error::field("gold", word, format!("less than {words}")));
        }
        // Both lists go in one transfer.
        let rows = rows.iter().map(|&row| row as i64);
        let both: Vec<i64> = rows
            .chain(gold.iter().map(|&word| i64::from(word)))
            .collect();
        let (both, count) = (on_device(&both, self.device())?, gold.len() as i64);
        Ok((both.f_narrow(0, 0, count)?, both.f_narrow(0, count, count)?))
    }

    /// Computes the hidden states of the tokens `rows`, `[M, H]`.
    fn hidden_at(&self, batch: &TokenBatch, rows: &Tensor, mode: Mode) -> Result<Tensor> {
        let hidden = self.encode(&self.input(batch)?, mode == Mode::Train, None)?;
        Ok(hidden.f_index_select(0, rows)?)
    }
}

/// What a model that predicts masked words, and has no tasks, is made of.
fn blueprint<'a>(config: &'a EncoderConfig, tasks: &'a Tasks, device: Device) -> Blueprint<'a> {
    Blueprint {
        config,
        tasks,
        masked_lm: true,
        device,
    }
}

fn check_rows(batch: &TokenBatch, rows: &[usize]) -> Result<()> {
    match rows.iter().find(|&&row| row >= batch.tokens()) {
        None => Ok(()),
        Some(row) => {
            let expected = format!("less than {} tokens", batch.tokens());
            Err(Error::field("rows", row, expected))
        }
    }
}
