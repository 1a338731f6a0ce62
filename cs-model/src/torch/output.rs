//! The results of a model's heads.
//!
//! `N` packed tokens, `B` sequences, `C` intents, `T` slot tags.

use tch::Tensor;

use super::crf::Crf;

/// The results of a model's heads as tensors; `None` for each task that the model does not have.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{BiLstmConfig, Device, Mode, Model, Tasks};
///
/// let sizes = BiLstmConfig { vocab_size: 9, embedding_size: 4, ..Default::default() };
/// let config = BiLstmConfig { hidden_size: 3, ..sizes };
/// let tasks = Tasks { sentiment: true, ..Default::default() };
/// let model = Model::new(&config.into(), &tasks, Device::Cpu, 1)?;
/// let output = model.forward(&TokenBatch::pack([&[2, 7, 3][..], &[2, 3]]), Mode::Eval)?;
/// assert_eq!(output.sentiment.unwrap().size(), [2]);
/// assert!(output.intent.is_none());
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ModelOutput {
    /// The logits of the intents, `[B, C]`.
    pub intent: Option<Tensor>,
    /// The logits of the slot tags, `[N, T]`.
    pub slots: Option<Tensor>,
    /// The scores that turn the slot logits into a loss over sequences of tags, if the slot head is
    /// a conditional random field.
    pub crf: Option<Crf>,
    /// The sentiment of each sequence, `[B]`: from 0 (negative) to 1 (positive), after the sigmoid.
    pub sentiment: Option<Tensor>,
    /// The number of tokens of each sequence, `B` numbers.
    pub lengths: Vec<usize>,
}
