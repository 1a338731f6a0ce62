//! What an encoder is built as, whichever family it is of.

use super::bilstm::BiLstmConfig;
use super::stack::Stack;

/// What an encoder is built as. Runtimes and tools ask for this, and never for the family.
///
/// ```
/// use cs_model::{Architecture, BertConfig, BiLstmConfig, EncoderConfig};
///
/// let mini = EncoderConfig::from(BertConfig::mini(8000));
/// assert!(matches!(mini.architecture(), Architecture::Transformer(_)));
/// let light = EncoderConfig::from(BiLstmConfig::light(4000));
/// assert!(matches!(light.architecture(), Architecture::BiLstm(_)));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture<'a> {
    /// Embeddings and a stack of transformer blocks.
    Transformer(Stack),
    /// Word embeddings and a bidirectional LSTM.
    BiLstm(&'a BiLstmConfig),
}
