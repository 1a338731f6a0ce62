//! Customer-service language models: what a model folder holds, how a model's numbers become an
//! [`Understanding`] of a text, and (feature `torch`, on by default) the models themselves on
//! libtorch.
//!
//! Three types matter without libtorch:
//!
//! - [`Bundle`] is an opened model folder, every file of it verified. A plain Hugging Face folder
//!   opens as well, as an encoder without heads. [`BundleWriter`] writes one.
//! - [`EncoderConfig`] is the `config.json` of a BERT or BiLSTM encoder. With [`Tasks`], the heads
//!   and their labels, it gives the name and shape of every tensor of a checkpoint.
//! - [`Understanding`] is intent, entities and sentiment of a turn, [decoded](Labels::decode) from
//!   a [`HeadOutput`], whichever runtime computed it.
//!
//! ```
//! use cs_data::{TokenBatch, Tokenizer};
//! use cs_model::{BiLstmConfig, Bundle, BundleWriter, EncoderConfig, HeadOutput, Manifest, Matrix};
//! use cs_model::{Labels, Tasks};
//!
//! // What training writes.
//! let dir = tempfile::tempdir()?;
//! let tokenizer = Tokenizer::train(["where is my order", "我要退款"].into_iter(), 100)?;
//! let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..Default::default() };
//! let intents = vec!["order_status".to_owned(), "refund".to_owned()];
//! let tasks = Tasks { intent: Some(intents), ..Default::default() };
//! let mut writer = BundleWriter::new(dir.path())?;
//! writer.write("config.json", &EncoderConfig::from(config).to_json()?)?;
//! writer.write("tokenizer.json", &tokenizer.to_json()?)?;
//! writer.finish(Manifest::new(tasks, 64))?;
//!
//! // What a service does with it; a runtime would compute the logits.
//! let bundle = Bundle::open(dir.path())?;
//! let encoding = bundle.tokenizer()?.encode("退款", bundle.max_length())?;
//! let batch = TokenBatch::pack([&encoding.ids[..]]);
//! let logits = Matrix::new(1, 2, vec![0.0, 3.0])?;
//! let output = HeadOutput { intent: Some(logits), ..Default::default() };
//! let labels = Labels { tasks: bundle.tasks(), calibration: bundle.calibration() };
//! let turns = labels.decode(&["退款"], &[encoding], &batch.offsets, &output);
//! assert_eq!(turns[0].intent.as_ref().unwrap().label, "refund");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bundle;
#[cfg(feature = "chat")]
pub mod chat;
mod config;
mod error;
mod file;
pub mod generate;
pub mod gguf;
mod heads;
pub mod init;
mod translator;

#[cfg(feature = "torch")]
#[allow(unsafe_code, reason = "the operator bridge: tch does not reach these")]
pub mod ops;
#[cfg(feature = "torch")]
pub mod torch;

pub use bundle::{
    Bundle, BundleWriter, Dtype, FileSum, Manifest, Prompts, RawTensor, Weights, write_safetensors,
};
pub use config::names::{self, normalise_name};
pub use config::{
    Activation, AlbertConfig, Architecture, BartConfig, BartFamily, BertConfig, BiLstmConfig,
    Biases, BlockSizes, DecoderConfig, DistilBertConfig, EmbeddingNorm, Embeddings, EncoderConfig,
    Gpt2Config, Llama3Scaling, LlamaConfig, LlamaFamily, NormKind, NormPlace, Norms, Positions,
    PrunedLayers, RobertaConfig, RobertaFamily, RopeParameters, RopeType, Rotary, RotaryScaling,
    Seq2SeqConfig, Stack, YarnScaling,
};
pub use error::{Error, Result};
pub use heads::{
    Calibration, Entity, HeadOutput, Importance, Intent, Labels, Matrix, Pooling, RANKED, SlotHead,
    Tasks, Transitions, Understanding,
};
pub use translator::{EncoderDecoder, Translation, Translator};
#[cfg(feature = "torch")]
pub use {
    ops::{Device, on_device},
    torch::*,
};
