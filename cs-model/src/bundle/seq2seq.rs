//! Checkpoints of encoder-decoders, whose shared tables go by several names.

use std::path::Path;

use super::weights::Weights;
use crate::config::Seq2SeqConfig;
use crate::config::names::Role;
use crate::error::Result;

impl Weights {
    /// Opens the weights of an encoder-decoder's Hugging Face folder, which have to be those of its
    /// configuration; a table that layers share has the decoder's name for it. Old checkpoints
    /// leave what is added to the words' logits out where it is zero.
    ///
    /// # Errors
    /// Those of [`Weights::open_folder`]; [`Error::Tensors`](crate::Error::Tensors) lists every
    /// tensor that is missing, unknown or of another shape.
    pub fn open_seq2seq(dir: &Path, config: &Seq2SeqConfig) -> Result<Self> {
        let mut weights = Self::open_folder(dir)?;
        let words = config.decoder_names().weight(Role::WordEmbeddings);
        if !weights.contains(&words) {
            let sharing = config.sharing();
            let found = sharing.iter().find(|name| weights.contains(name));
            found
                .into_iter()
                .for_each(|name| weights.rename(name, &words));
        }
        let mut tensors = config.tensors();
        let bias = config.decoder_names().bias(Role::LogitsBias);
        tensors.retain(|(name, _)| *name != bias || weights.contains(name));
        weights.check_all(&tensors, &config.unread())?;
        Ok(weights)
    }
}
