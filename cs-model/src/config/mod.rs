//! `config.json`: what an encoder is made of, and with it the names and shapes of its tensors.
//!
//! A family is a file that implements [`Family`], its names in [`names`], and a variant here. Of
//! all other files, only those that build an encoder ask which family a configuration is of.

mod bert;
mod bilstm;
mod checks;
mod family;
pub mod names;
mod stack;
mod tensor_list;

use std::path::Path;

use serde_json::{Map, Value};

pub use self::bert::TransformerConfig;
pub use self::bilstm::BiLstmConfig;
use self::checks::token;
use self::family::Family;
use self::names::{Names, Role};
pub use self::stack::{Activation, BlockSizes, Stack};
use crate::error::{Error, Result};
use crate::file;

/// The configuration of an encoder, of the family that `model_type` names: `bert` or `bilstm`.
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
pub enum EncoderConfig {
    /// The configuration of a BERT encoder.
    Transformer(TransformerConfig),
    /// The configuration of a bidirectional LSTM.
    BiLstm(BiLstmConfig),
}

impl From<TransformerConfig> for EncoderConfig {
    fn from(config: TransformerConfig) -> Self {
        Self::Transformer(config)
    }
}

impl From<BiLstmConfig> for EncoderConfig {
    fn from(config: BiLstmConfig) -> Self {
        Self::BiLstm(config)
    }
}

impl EncoderConfig {
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
        let mut raw: Map<String, Value> = file::parse_json(bytes, origin)?;
        let mut config = match raw.get("model_type").and_then(Value::as_str) {
            Some("bert") => Self::Transformer(file::parse_json(bytes, origin)?),
            Some("bilstm") => Self::BiLstm(file::parse_json(bytes, origin)?),
            _ => {
                let found = raw
                    .get("model_type")
                    .map_or("missing".into(), Value::to_string);
                let error = Error::field("model_type", found, "\"bert\" or \"bilstm\"");
                return Err(error.in_file(origin));
            }
        };
        for (key, _) in config.known_fields()? {
            raw.remove(&key);
        }
        *config.family_mut().extra_mut() = raw;
        config.validate().map_err(|error| error.in_file(origin))?;
        Ok(config)
    }

    /// Writes the `config.json`, with the keys this crate does not use.
    ///
    /// # Errors
    /// None in practice: every field is plain data.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut all = self.family().extra().clone();
        all.extend(self.known_fields()?);
        let origin = Path::new("config.json");
        let mut json =
            serde_json::to_vec_pretty(&all).map_err(|source| Error::json(origin, b"", source))?;
        json.push(b'\n');
        Ok(json)
    }

    /// Checks the sizes and rates.
    ///
    /// # Errors
    /// [`Error::Field`] names the first value that cannot be used.
    pub fn validate(&self) -> Result<()> {
        self.family().validate()?;
        token("pad_token_id", self.pad_token_id(), self.vocab_size())?;
        let sizes = self.tensors();
        let numbers = sizes.iter().try_fold(0usize, |sum, (_, shape)| {
            let count = shape
                .iter()
                .try_fold(1usize, |count, &size| count.checked_mul(size));
            sum.checked_add(count?)
                .filter(|&sum| sum <= MOST_PARAMETERS)
        });
        match numbers {
            Some(_) => Ok(()),
            None => Err(Error::field(
                "the sizes' product",
                "too large",
                MOST_PARAMETERS_TEXT,
            )),
        }
    }

    fn family(&self) -> &dyn Family {
        match self {
            Self::Transformer(config) => config,
            Self::BiLstm(config) => config,
        }
    }

    fn family_mut(&mut self) -> &mut dyn Family {
        match self {
            Self::Transformer(config) => config,
            Self::BiLstm(config) => config,
        }
    }

    /// The family's name in `config.json`: `bert` or `bilstm`.
    pub fn model_type(&self) -> &'static str {
        self.family().model_type()
    }

    /// The width `H` of the output; of a BiLSTM, that of both directions together.
    pub fn hidden_size(&self) -> usize {
        self.family().hidden_size()
    }

    /// The number of rows of the word embeddings. Every token id is below it.
    pub fn vocab_size(&self) -> usize {
        self.family().vocab_size()
    }

    /// The longest sequence in tokens, if there is a limit.
    pub fn max_positions(&self) -> Option<usize> {
        self.family().max_positions()
    }

    /// The id of the padding token.
    pub fn pad_token_id(&self) -> u32 {
        self.family().pad_token_id()
    }

    /// The names of the family's tensors.
    pub fn names(&self) -> Names {
        self.family().names()
    }

    /// Lists name and shape of every tensor of the encoder, in order of use. Checkpoints, the
    /// libtorch models, the quantiser and the native runtime all go by this list.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.family().tensors()
    }

    /// The standard deviation of the fresh weights of a layer.
    pub(crate) fn initial_deviation(&self, role: Option<Role>) -> f64 {
        self.family().initial_deviation(role)
    }

    /// The dropout rate of what the heads read, in training.
    pub fn head_dropout(&self) -> f64 {
        self.family().head_dropout()
    }

    fn known_fields(&self) -> Result<Map<String, Value>> {
        let value = self.family().known_fields();
        let value = value.map_err(|source| Error::json(Path::new("config.json"), b"", source))?;
        let mut fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("model_type".into(), self.model_type().into());
        Ok(fields)
    }
}

/// The largest number of parameters: 64 GiB of f32, or what a narrow machine can address. A file
/// that claims more is damaged.
const MOST_PARAMETERS: usize = if usize::BITS >= 64 {
    16 << 30
} else {
    usize::MAX / 8
};
const MOST_PARAMETERS_TEXT: &str = "at most 16 billion parameters";

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
        let EncoderConfig::Transformer(bert) = &config else {
            panic!("{config:?}")
        };
        assert_eq!((bert.hidden_size, bert.num_attention_heads), (384, 12));
        assert_eq!(bert.hidden_act, Activation::GeluNew);
        assert_eq!(bert.layer_norm_eps, 1e-12);
        assert_eq!(bert.extra["use_cache"], true);
        assert_eq!(config.max_positions(), Some(512));
        let again = parse(&String::from_utf8(config.to_json().unwrap()).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, reason) in [
            ("", "1:1: EOF while parsing a value"),
            ("\0", "1:1: expected value"),
            ("[]", "1:1: invalid type: sequence, expected a map"),
            (
                "{}",
                " model_type is missing, expected \"bert\" or \"bilstm\"",
            ),
            (
                r#"{"model_type": "t5"}"#,
                " model_type is \"t5\", expected \"bert\" or \"bilstm\"",
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
                r#"{"model_type": "bert", "hidden_act": "silu"}"#,
                "1:43: unknown variant `silu`",
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
                " layer_intermediate_size's length is 1, expected 2, one a layer",
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
