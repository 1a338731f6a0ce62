//! Which tokens a trimmed vocabulary keeps, and their new ids.

use std::collections::{BTreeMap, BTreeSet};

use cs_model::RawTensor;

/// The tokens that stay, and with them the rows of the embeddings that do.
#[derive(Debug)]
pub(crate) struct KeptTokens {
    /// The old id of each token, by its new one: first the tokenizer's, then those that only the
    /// configuration names.
    old: Vec<u32>,
    /// The new id of each old one.
    new: BTreeMap<u32, u32>,
}

impl KeptTokens {
    /// Keeps the tokenizer's `old` ids, then those of `named` that it does not have.
    pub(crate) fn new(mut old: Vec<u32>, named: &BTreeSet<u32>) -> Self {
        let tokens: BTreeSet<u32> = old.iter().copied().collect();
        old.extend(named.difference(&tokens));
        let new = old.iter().copied().zip(0..).collect();
        Self { old, new }
    }

    /// The number of tokens that stay.
    pub(crate) fn len(&self) -> usize {
        self.old.len()
    }

    /// Gives the new id of an old one.
    pub(crate) fn id(&self, old: u32) -> Option<u32> {
        self.new.get(&old).copied()
    }

    /// Takes the rows that stay from a tensor, which has one for each old id.
    pub(crate) fn of(&self, tensor: &RawTensor<'_>, vocab_size: usize) -> (Vec<usize>, Vec<u8>) {
        let width = tensor.data.len() / vocab_size;
        let rows = self.old.iter().map(|&id| id as usize * width);
        let data = rows.flat_map(|from| &tensor.data[from..from + width]);
        let mut shape = tensor.shape.to_vec();
        shape[0] = self.old.len();
        (shape, data.copied().collect())
    }
}
