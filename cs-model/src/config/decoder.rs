//! `config.json` of a decoder, which continues texts.

use std::path::Path;

use super::config_file::{ConfigFile, Known};
use super::families::KnownDecoder;
use super::gpt2::Gpt2Config;
use super::llama::LlamaConfig;
use super::names::Names;
use super::stack::Stack;
use crate::error::Result;
use crate::file;

/// The configuration of a decoder, of the family that `model_type` names: `gpt2`, `llama`, `qwen2`
/// or `qwen3`. The keys of `config.json` that this crate does not use are kept for
/// [`to_json`](DecoderConfig::to_json).
///
/// ```
/// use cs_model::DecoderConfig;
/// use std::path::Path;
///
/// let json = br#"{"model_type": "gpt2", "n_embd": 64, "n_head": 4, "n_layer": 2}"#;
/// let config = DecoderConfig::from_json(json, Path::new("config.json"))?;
/// assert_eq!(config.stack().blocks.len(), 2);
/// assert_eq!(config.tensors()[0], ("wte.weight".into(), vec![50257, 64]));
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderConfig {
    file: ConfigFile<KnownDecoder>,
}

impl From<Gpt2Config> for DecoderConfig {
    fn from(config: Gpt2Config) -> Self {
        KnownDecoder::Gpt2(config).into()
    }
}

impl From<LlamaConfig> for DecoderConfig {
    fn from(config: LlamaConfig) -> Self {
        KnownDecoder::Llama(Box::new(config)).into()
    }
}

impl From<KnownDecoder> for DecoderConfig {
    fn from(known: KnownDecoder) -> Self {
        let file = ConfigFile::new(known);
        Self { file }
    }
}

impl DecoderConfig {
    /// Reads and validates the `config.json` of a folder.
    ///
    /// # Errors
    /// The file cannot be read, or [`DecoderConfig::from_json`] refuses it.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        Self::from_json(&file::read(&path)?, &path)
    }

    /// Reads and validates a `config.json`; `origin` is the name that errors give it.
    ///
    /// # Errors
    /// [`Error::Json`](crate::Error::Json) with line and column, or
    /// [`Error::Field`](crate::Error::Field) for a value that cannot be used: another `model_type`,
    /// sizes that do not fit, a scaling of positions or windows of attention that this crate does
    /// not compute.
    pub fn from_json(bytes: &[u8], origin: &Path) -> Result<Self> {
        let file = ConfigFile::from_json(bytes, origin)?;
        Ok(Self { file })
    }

    /// Writes the `config.json`, with the keys this crate does not use.
    ///
    /// # Errors
    /// None in practice: every field is plain data.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.file.to_json()
    }

    /// Checks the sizes and rates.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) names the first value that cannot be used.
    pub fn validate(&self) -> Result<()> {
        self.file.validate()
    }

    /// The family's name in `config.json`.
    pub fn model_type(&self) -> &'static str {
        self.file.facts().model_type
    }

    /// What the blocks are told to be.
    pub fn stack(&self) -> Stack {
        self.file.known.decoder().stack()
    }

    /// Whether the words' logits are computed with the table of word embeddings.
    pub fn tied(&self) -> bool {
        self.file.known.decoder().tied()
    }

    /// The number of rows of the word embeddings. Every token id is below it.
    pub fn vocab_size(&self) -> usize {
        self.file.facts().vocab_size
    }

    /// The longest sequence in tokens, if there is a limit.
    pub fn max_positions(&self) -> Option<usize> {
        self.file.facts().max_positions
    }

    /// The names of the family's tensors.
    pub fn names(&self) -> Names {
        self.file.facts().names
    }

    /// Lists name and shape of every tensor, in order of use, the head's last.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.file.known.tensors()
    }

    /// The standard deviation of fresh weights.
    #[cfg(feature = "torch")]
    pub(crate) fn initial_deviation(&self) -> f64 {
        self.file.facts().deviation
    }
}
