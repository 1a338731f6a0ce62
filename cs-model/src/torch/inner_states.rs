//! What a model computes on the way to its results.
//!
//! `N` packed tokens, `H` hidden, `A` heads.

use tch::Tensor;

/// The inner states of an encoder, to distil into or from (TinyBERT; Jiao et al. 2020, section
/// 3.1). They carry gradients.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{BertConfig, Device, Mode, Model, Tasks};
///
/// let config = BertConfig { num_hidden_layers: 2, ..BertConfig::mini(30) };
/// let model = Model::new(&config.into(), &Tasks::default(), Device::Cpu, 42)?;
/// let batch = TokenBatch::pack([&[2, 17, 3][..], &[2, 3]]);
/// let (_, states) = model.forward_with_inner_states(&batch, Mode::Eval)?;
/// assert_eq!(states.hidden.len(), 3); // after the embeddings and each block
/// assert_eq!(states.hidden[2].size(), [5, 256]);
/// assert_eq!(states.attention[1].size(), [3 * 3 + 2 * 2, 4]);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct InnerStates {
    /// The hidden states after the embeddings and after each block, `[N, H]` each. A BiLSTM has
    /// two: its word vectors `[N, E]` and its output.
    pub hidden: Vec<Tensor>,
    /// The attention scores of each block, `[S, A]`: those of every query for every key of its
    /// sequence, `q·k / √D` before the softmax, where `S` is the sum of the lengths' squares.
    /// Sequences follow each other in packed order, and within one its queries. Empty for a BiLSTM.
    pub attention: Vec<Tensor>,
}
