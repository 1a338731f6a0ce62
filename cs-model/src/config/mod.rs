//! `config.json`: what a model is made of, and with it the names and shapes of its tensors.
//!
//! There is a configuration for each kind of model: [`EncoderConfig`], [`DecoderConfig`],
//! [`Seq2SeqConfig`]. A family
//! is a file that implements [`Family`](family::Family) and the trait of its kind, its names in
//! [`names`], and its arms in [`families`]. No other file asks which family a configuration is of:
//! they ask for its [`Architecture`] or [`Stack`], and its names.

mod albert;
mod architecture;
mod bart;
mod bert;
mod bilstm;
mod checks;
mod config_file;
mod decoder;
mod distilbert;
mod encoder;
mod families;
mod family;
mod gpt2;
mod llama;
pub mod names;
mod pruned_layers;
mod roberta;
mod rope;
mod rotary;
mod seq2seq;
mod stack;
mod tensor_list;

pub use self::albert::AlbertConfig;
pub use self::architecture::Architecture;
pub use self::bart::{BartConfig, BartFamily};
pub use self::bert::BertConfig;
pub use self::bilstm::BiLstmConfig;
pub use self::decoder::DecoderConfig;
pub use self::distilbert::DistilBertConfig;
pub use self::encoder::EncoderConfig;
pub use self::gpt2::Gpt2Config;
pub use self::llama::{LlamaConfig, LlamaFamily};
pub use self::pruned_layers::PrunedLayers;
pub use self::roberta::{RobertaConfig, RobertaFamily};
pub use self::rope::{RopeParameters, RopeType};
pub use self::rotary::{Llama3Scaling, Rotary, RotaryScaling, YarnScaling};
pub use self::seq2seq::Seq2SeqConfig;
pub use self::stack::{
    Activation, Biases, BlockSizes, EmbeddingNorm, Embeddings, NormKind, NormPlace, Norms,
    Positions, Stack,
};
