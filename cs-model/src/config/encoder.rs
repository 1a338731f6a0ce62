//! `config.json` of an encoder.

use std::path::Path;

use super::albert::AlbertConfig;
use super::architecture::Architecture;
use super::bert::BertConfig;
use super::bilstm::BiLstmConfig;
use super::checks::{only, token};
use super::config_file::{ConfigFile, Known};
use super::distilbert::DistilBertConfig;
use super::families::{self, KnownEncoder};
use super::family::EncoderFacts;
use super::names::{Names, Role};
use super::roberta::RobertaConfig;
use super::stack::{Activation, BlockSizes, Stack};
use crate::error::{Error, Result};
use crate::file;

/// The configuration of an encoder, of the family that `model_type` names: `bert`, `roberta`,
/// `xlm-roberta`, `distilbert`, `albert` or `bilstm`. The keys of `config.json` that this crate does
/// not use are kept for [`to_json`](EncoderConfig::to_json).
///
/// ```
/// use cs_model::EncoderConfig;
/// use std::path::Path;
///
/// let json = br#"{"model_type": "bert", "hidden_size": 64, "num_attention_heads": 4, "x": 1}"#;
/// let config = EncoderConfig::from_json(json, Path::new("config.json"))?;
/// assert_eq!(config.hidden_size(), 64);
/// assert_eq!(config.tensors()[0], ("embeddings.word_embeddings.weight".into(), vec![30522, 64]));
/// assert!(String::from_utf8_lossy(&config.to_json()?).contains(r#""x": 1"#));
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    file: ConfigFile<KnownEncoder>,
}

impl From<BertConfig> for EncoderConfig {
    fn from(config: BertConfig) -> Self {
        KnownEncoder::Bert(config).into()
    }
}

impl From<RobertaConfig> for EncoderConfig {
    fn from(config: RobertaConfig) -> Self {
        KnownEncoder::Roberta(config).into()
    }
}

impl From<DistilBertConfig> for EncoderConfig {
    fn from(config: DistilBertConfig) -> Self {
        KnownEncoder::DistilBert(config).into()
    }
}

impl From<AlbertConfig> for EncoderConfig {
    fn from(config: AlbertConfig) -> Self {
        KnownEncoder::Albert(config).into()
    }
}

impl From<BiLstmConfig> for EncoderConfig {
    fn from(config: BiLstmConfig) -> Self {
        KnownEncoder::BiLstm(config).into()
    }
}

impl From<KnownEncoder> for EncoderConfig {
    fn from(known: KnownEncoder) -> Self {
        let file = ConfigFile::new(known);
        Self { file }
    }
}

impl EncoderConfig {
    /// The families that are transformers, as errors list them.
    pub const TRANSFORMERS: &str = families::TRANSFORMERS;

    /// Reads and validates the `config.json` of a folder.
    ///
    /// # Errors
    /// The file cannot be read, or [`EncoderConfig::from_json`] refuses it.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        Self::from_json(&file::read(&path)?, &path)
    }

    /// Reads and validates a `config.json`; `origin` is the name that errors give it.
    ///
    /// # Errors
    /// [`Error::Json`] with line and column, or [`Error::Field`] for a value that cannot be used:
    /// another `model_type`, positions other than absolute, a decoder, sizes that do not fit.
    pub fn from_json(bytes: &[u8], origin: &Path) -> Result<Self> {
        let file = ConfigFile::from_json(bytes, origin)?;
        let config = Self { file };
        config.validate().map_err(|error| error.in_file(origin))?;
        Ok(config)
    }

    /// Writes the `config.json`, with the keys this crate does not use.
    ///
    /// # Errors
    /// None in practice: every field is plain data.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.file.to_json()
    }

    /// Gives the configuration for weights in fp32, whatever they are in now: where `config.json`
    /// states their type, `transformers` reads them in that one.
    #[must_use]
    pub fn with_fp32_weights(&self) -> Self {
        let mut config = self.clone();
        for key in ["dtype", "torch_dtype"] {
            if let Some(dtype) = config.file.extra.get_mut(key) {
                *dtype = "float32".into();
            }
        }
        config
    }

    /// Checks the sizes and rates.
    ///
    /// # Errors
    /// [`Error::Field`] names the first value that cannot be used.
    pub fn validate(&self) -> Result<()> {
        self.file.validate()?;
        token("pad_token_id", self.pad_token_id(), self.vocab_size())
    }

    fn facts(&self) -> EncoderFacts {
        self.file.known.encoder().encoder_facts()
    }

    /// The family's name in `config.json`, such as `bert`.
    pub fn model_type(&self) -> &'static str {
        self.file.facts().model_type
    }

    /// What the encoder is built as.
    pub fn architecture(&self) -> Architecture<'_> {
        self.file.known.architecture()
    }

    /// What the encoder has to know to be built, if it is a transformer.
    pub fn stack(&self) -> Option<Stack> {
        match self.architecture() {
            Architecture::Transformer(stack) => Some(stack),
            Architecture::BiLstm(_) => None,
        }
    }

    /// The width `H` of the output; of a BiLSTM, that of both directions together.
    pub fn hidden_size(&self) -> usize {
        self.facts().hidden_size
    }

    /// The number of rows of the word embeddings. Every token id is below it.
    pub fn vocab_size(&self) -> usize {
        self.file.facts().vocab_size
    }

    /// The longest sequence in tokens, if there is a limit.
    pub fn max_positions(&self) -> Option<usize> {
        self.file.facts().max_positions
    }

    /// The id of the padding token.
    pub fn pad_token_id(&self) -> u32 {
        self.facts().pad_token_id
    }

    /// The names of the family's tensors.
    pub fn names(&self) -> Names {
        self.file.facts().names
    }

    /// Lists name and shape of every tensor of the encoder, in order of use. Checkpoints, the
    /// libtorch models, the quantiser and the native runtime all go by this list.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.file.known.tensors()
    }

    /// Lists name and shape of every tensor that predicting masked words adds to the encoder's, as
    /// in Hugging Face's `BertForMaskedLM` and the like. Its last layer is the table of word embeddings.
    ///
    /// # Errors
    /// [`Error::Field`] if the encoder is no transformer, or its last layer another table.
    pub fn masked_lm_tensors(&self) -> Result<Vec<(String, Vec<usize>)>> {
        let stack = self.transformer("to predict masked words")?;
        only(&self.file.extra, "tie_word_embeddings", true)?;
        Ok(stack.masked_lm_tensors(self.names()))
    }

    /// Gives the configuration of the same transformer with blocks of other sizes, none larger than
    /// in the unpruned model.
    ///
    /// ```
    /// use cs_model::{BertConfig, EncoderConfig};
    ///
    /// let config = EncoderConfig::from(BertConfig { num_hidden_layers: 2, ..Default::default() });
    /// let mut stack = config.stack().unwrap();
    /// stack.blocks[1].heads = 7;
    /// let pruned = config.with_blocks(&stack.blocks)?;
    /// assert_eq!(pruned.tensors()[21].1, [7 * 64, 768]); // the second block's queries
    /// assert!(config.with_blocks(&stack.blocks[..1]).is_err());
    /// # Ok::<(), cs_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Field`] if the encoder is no transformer, or has another number of blocks or
    /// smaller ones.
    pub fn with_blocks(&self, blocks: &[BlockSizes]) -> Result<Self> {
        let whole = self.transformer("whose blocks have sizes")?;
        if blocks.len() != whole.blocks.len() {
            let expected = whole.blocks.len().to_string();
            return Err(Error::field("the number of blocks", blocks.len(), expected));
        }
        let mut resized = self.clone();
        resized.file.known.encoder_mut().set_blocks(blocks);
        resized.validate()?;
        Ok(resized)
    }

    /// Gives the stack of a transformer, and for any other encoder an error with what it is wanted
    /// for.
    fn transformer(&self, purpose: &str) -> Result<Stack> {
        self.stack().ok_or_else(|| {
            let expected = format!("{}, {purpose}", Self::TRANSFORMERS);
            Error::field("model_type", self.model_type(), expected)
        })
    }

    /// The standard deviation of the fresh weights of a layer.
    pub(crate) fn initial_deviation(&self, role: Option<Role>) -> f64 {
        match role {
            Some(role) if role.is_head() => self.facts().head_deviation,
            _ => self.file.facts().deviation,
        }
    }

    /// The activation of the head for masked words, in a transformer.
    pub fn masked_lm_activation(&self) -> Activation {
        self.facts().masked_lm_activation
    }

    /// The dropout rate of what the heads read, in training.
    pub fn head_dropout(&self) -> f64 {
        self.facts().head_dropout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<EncoderConfig> {
        EncoderConfig::from_json(json.as_bytes(), Path::new("dir/config.json"))
    }

    #[test]
    fn hugging_face_names_and_defaults_are_read() {
        let config = parse(
            r#"{"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 384,
                "num_hidden_layers": 6, "hidden_act": "gelu_pytorch_tanh", "use_cache": true,
                "position_embedding_type": "absolute", "transformers_version": "4.8.2"}"#,
        )
        .unwrap();
        let stack = config.stack().unwrap();
        assert_eq!((stack.hidden_size, stack.blocks[5].heads), (384, 12));
        assert_eq!(stack.activation, Activation::GeluNew);
        assert_eq!(stack.norms.eps, 1e-12);
        assert_eq!(config.file.extra["use_cache"], true);
        assert_eq!(config.max_positions(), Some(512));
        let again = parse(&String::from_utf8(config.to_json().unwrap()).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn what_is_written_in_fp32_says_so() {
        let half = parse(r#"{"model_type": "albert", "dtype": "float16"}"#).unwrap();
        assert_eq!(half.with_fp32_weights().file.extra["dtype"], "float32");
        let silent = parse(r#"{"model_type": "albert"}"#).unwrap();
        assert_eq!(silent.with_fp32_weights(), silent);
    }

    #[test]
    fn masked_words_have_the_table_of_embeddings() {
        let untied = parse(r#"{"model_type": "distilbert", "tie_word_embeddings": false}"#);
        let error = untied.unwrap().masked_lm_tensors().unwrap_err();
        assert_eq!(
            error.to_string(),
            "tie_word_embeddings is false, expected true"
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, reason) in [
            ("", "1:1: EOF while parsing a value"),
            ("\0", "1:1: expected value"),
            ("[]", "1:1: invalid type: sequence, expected a map"),
            (
                "{}",
                " model_type is missing, expected \"bert\", \"roberta\", \"xlm-roberta\", ",
            ),
            (
                r#"{"model_type": "t5"}"#,
                " model_type is \"t5\", expected \"bert\", \"roberta\", \"xlm-roberta\", ",
            ),
            (r#"{"model_type": 3}"#, " model_type is 3, expected"),
            (
                "{\"model_type\": \"bert\",\n \"层\": 1, \"hidden_size\": \"x\"}",
                "2:27: invalid type",
            ),
            (
                r#"{"model_type": "bert", "hidden_size": -1}"#,
                "1:40: invalid value: integer `-1`",
            ),
            (
                r#"{"model_type": "bert", "hidden_size": 0}"#,
                " hidden_size is 0, expected 1 to",
            ),
            (
                r#"{"model_type": "bert", "hidden_act": "mish"}"#,
                "1:43: unknown variant `mish`",
            ),
            (
                r#"{"model_type": "bert", "num_attention_heads": 7}"#,
                " num_attention_heads is 7, expected a divisor of hidden_size 768",
            ),
            (
                r#"{"model_type": "bert", "layer_norm_eps": 0}"#,
                " layer_norm_eps is 0, expected 0 < ",
            ),
            (
                r#"{"model_type": "bert", "hidden_dropout_prob": 1.5}"#,
                " hidden_dropout_prob is 1.5",
            ),
            (
                r#"{"model_type": "bert", "pad_token_id": 40000}"#,
                " pad_token_id is 40000, expected",
            ),
            (
                r#"{"model_type": "bert", "position_embedding_type": "relative_key"}"#,
                " position_embedding_type is \"relative_key\", expected \"absolute\"",
            ),
            (
                r#"{"model_type": "bert", "is_decoder": true}"#,
                " is_decoder is true, expected false",
            ),
            (
                r#"{"model_type": "bert", "hidden_size": 65536, "num_attention_heads": 1,
                    "intermediate_size": 262144, "num_hidden_layers": 1024}"#,
                " the sizes' product is too large, expected at most 16 billion parameters",
            ),
            (
                r#"{"model_type": "bert", "num_hidden_layers": 2, "layer_intermediate_size": [8]}"#,
                " layer_intermediate_size's length is 1, expected 2, one for each layer",
            ),
            (
                r#"{"model_type": "roberta", "max_position_embeddings": 2}"#,
                " max_position_embeddings is 2, expected more than 2, the rows before the first token's",
            ),
            (
                r#"{"model_type": "xlm-roberta", "vocab_size": 1}"#,
                " pad_token_id is 1, expected less than vocab_size 1",
            ),
            (
                r#"{"model_type": "roberta", "is_decoder": true}"#,
                " is_decoder is true, expected false",
            ),
            (
                r#"{"model_type": "distilbert", "n_heads": 7}"#,
                " n_heads is 7, expected a divisor of dim 768",
            ),
            (
                r#"{"model_type": "distilbert", "hidden_dim": 0}"#,
                " hidden_dim is 0, expected 1 to",
            ),
            (
                r#"{"model_type": "distilbert", "seq_classif_dropout": -1}"#,
                " seq_classif_dropout is -1, expected 0 to 1",
            ),
            (
                r#"{"model_type": "albert", "num_hidden_groups": 2}"#,
                " num_hidden_groups is 2, expected 1",
            ),
            (
                r#"{"model_type": "albert", "inner_group_num": 2}"#,
                " inner_group_num is 2, expected 1",
            ),
            (
                r#"{"model_type": "albert", "embedding_size": 4096}"#,
                " embedding_size is 4096, expected 1 or more, and less than hidden_size 4096",
            ),
            (
                r#"{"model_type": "albert", "num_hidden_layers": 0}"#,
                " num_hidden_layers is 0, expected 1 to",
            ),
            (
                r#"{"model_type": "albert", "num_hidden_layers": 2, "layer_intermediate_size": [8, 8]}"#,
                " layer_intermediate_size's length is 2, expected 1, one for each layer",
            ),
            (
                r#"{"model_type": "bert", "num_hidden_layers": 2, "layer_num_attention_heads": [1, 0]}"#,
                " layer_num_attention_heads[1] is 0, expected 1 to 12",
            ),
            (
                r#"{"model_type": "bilstm", "num_layers": 65}"#,
                " num_layers is 65, expected 1 to 64",
            ),
        ] {
            let error = parse(json).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("dir/config.json:{reason}")),
                "{error}"
            );
        }
        let invalid = EncoderConfig::from_json(b"{\"\xff\": 1}", Path::new("c"));
        assert!(invalid.unwrap_err().to_string().starts_with("c:1:"));
    }
}
