//! What is computed from an encoder's hidden states.

mod lm;
mod masked_lm;
mod tasks;
mod word_loss;

pub(super) use self::lm::LmHead;
pub(super) use self::masked_lm::MaskedLmHead;
pub(super) use self::tasks::TaskHeads;
pub use self::word_loss::MaskedScores;
