//! libtorch models on packed batches.
//!
//! Token tensors are `[N, H]`, where `N` is the sum of the sequences' lengths: no layer but
//! attention, the recurrence and pooling knows where a sequence begins, and none sees a pad token
//! outside of attention.

mod attention;
mod bilstm;
mod block;
mod causal_lm;
mod checkpoint;
mod crf;
mod embeddings;
mod encoder;
mod heads;
mod inner_states;
mod input;
mod layers;
mod masked_lm;
mod model;
mod numbers;
mod output;
mod parameters;
mod pooling;
mod seq2seq;
mod transformer;

pub use causal_lm::CausalLm;
pub use crf::Crf;
pub use heads::MaskedScores;
pub use inner_states::InnerStates;
pub use input::PackedInput;
pub use model::{Mode, Model};
pub use output::ModelOutput;
pub use seq2seq::{Seq2SeqDecoder, Seq2SeqLm};
