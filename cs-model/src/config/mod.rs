//! `config.json`: what an encoder is made of, and with it the names and shapes of its tensors.

pub mod names;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::names::{BERT, BILSTM, Names, Part, Role};
use crate::error::{Error, Result};
use crate::file;

/// The activation between the two linear layers of a transformer block.
///
/// ```
/// use cs_model::Activation;
/// assert_eq!(Activation::default(), Activation::Gelu);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x Φ(x)` with the error function (Hendrycks and Gimpel 2016).
    #[default]
    Gelu,
    /// The tanh approximation of it.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// `max(x, 0)`.
    Relu,
}

/// A BERT encoder: post-norm blocks, absolute positions. Names and defaults are Hugging Face's.
///
/// ```
/// use cs_model::{EncoderConfig, TransformerConfig};
///
/// let config = TransformerConfig { hidden_size: 384, num_hidden_layers: 6, ..Default::default() };
/// assert_eq!(config.head_size(), 32);
/// assert_eq!(EncoderConfig::from(config).hidden_size(), 384);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransformerConfig {
    /// Rows of the word embeddings.
    pub vocab_size: usize,
    /// Width `H` of the hidden states.
    pub hidden_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Attention heads `A`; they divide `hidden_size`.
    pub num_attention_heads: usize,
    /// Width between the two linear layers of a block.
    pub intermediate_size: usize,
    /// Heads of each layer where some were removed; those left keep their width
    /// ([`TransformerConfig::head_size`]). Absent: `num_attention_heads` in every layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_num_attention_heads: Option<Vec<usize>>,
    /// Inner width of each layer where neurons were removed. Absent: `intermediate_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_intermediate_size: Option<Vec<usize>>,
    /// The activation there.
    pub hidden_act: Activation,
    /// Longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the token type embeddings; type 0 is always used.
    pub type_vocab_size: usize,
    /// Added to the variance in every layer norm.
    pub layer_norm_eps: f64,
    /// Dropout after the embeddings and each sublayer, in training.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities, in training.
    pub attention_probs_dropout_prob: f64,
    /// Standard deviation of fresh weights.
    pub initializer_range: f64,
    /// The padding token.
    pub pad_token_id: u32,
    /// Keys this crate does not use, kept for [`EncoderConfig::to_json`].
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            layer_num_attention_heads: None,
            layer_intermediate_size: None,
            hidden_act: Activation::Gelu,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            layer_norm_eps: 1e-12,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            initializer_range: 0.02,
            pad_token_id: 0,
            extra: Map::new(),
        }
    }
}

/// Word embeddings and a bidirectional LSTM: the light model.
///
/// ```
/// use cs_model::{BiLstmConfig, EncoderConfig};
///
/// let config = EncoderConfig::from(BiLstmConfig { hidden_size: 100, ..Default::default() });
/// assert_eq!(config.hidden_size(), 200);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BiLstmConfig {
    /// Rows of the word embeddings.
    pub vocab_size: usize,
    /// Their width `E`.
    pub embedding_size: usize,
    /// Width of one direction; the output has twice that.
    pub hidden_size: usize,
    /// Stacked layers.
    pub num_layers: usize,
    /// Dropout on the embeddings and on each layer's output, in training.
    pub dropout: f64,
    /// Share of the tokens that training reads as `unk_token_id` (Dai and Le 2015, section 3.3; Kiperwasser
    /// and Goldberg 2016, section 3.1), so that what stands around a word nobody has seen decides.
    pub word_dropout: f64,
    /// The token of unknown words.
    pub unk_token_id: u32,
    /// The padding token.
    pub pad_token_id: u32,
    /// Keys this crate does not use, kept for [`EncoderConfig::to_json`].
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl Default for BiLstmConfig {
    fn default() -> Self {
        Self {
            vocab_size: 8000,
            embedding_size: 128,
            hidden_size: 128,
            num_layers: 1,
            dropout: 0.3,
            word_dropout: 0.0,
            unk_token_id: 1,
            pad_token_id: 0,
            extra: Map::new(),
        }
    }
}

impl BiLstmConfig {
    /// The light model, to train from scratch on a few thousand rows: words of width 192, 192 units a
    /// direction. Beside the word embeddings it has 590 thousand weights.
    ///
    /// ```
    /// use cs_model::BiLstmConfig;
    ///
    /// let config = BiLstmConfig::light(4000);
    /// assert_eq!((config.vocab_size, config.hidden_size), (4000, 192));
    /// ```
    pub fn light(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            embedding_size: 192,
            hidden_size: 192,
            word_dropout: 0.1,
            ..Self::default()
        }
    }
}

/// An encoder, by `model_type`: `bert` or `bilstm`.
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
    /// A BERT encoder.
    Transformer(TransformerConfig),
    /// A bidirectional LSTM.
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
    /// Reads and validates `config.json` of a folder.
    ///
    /// # Errors
    /// See [`EncoderConfig::from_json`]; and if the file cannot be read.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        Self::from_json(&file::read(&path)?, &path)
    }

    /// Reads and validates a `config.json`; `origin` is the name errors give it.
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
        *config.extra_mut() = raw;
        config.validate().map_err(|error| error.in_file(origin))?;
        Ok(config)
    }

    /// The `config.json`, with the keys this crate does not use.
    ///
    /// # Errors
    /// None in practice: every field is plain data.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut all = self.extra().clone();
        all.extend(self.known_fields()?);
        let origin = Path::new("config.json");
        let mut json =
            serde_json::to_vec_pretty(&all).map_err(|source| Error::json(origin, b"", source))?;
        json.push(b'\n');
        Ok(json)
    }

    /// Checks sizes and rates.
    ///
    /// # Errors
    /// [`Error::Field`] naming the first value that cannot be used.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Transformer(config) => config.validate()?,
            Self::BiLstm(config) => config.validate()?,
        }
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

    /// `bert` or `bilstm`, as in `config.json`.
    pub fn model_type(&self) -> &'static str {
        match self {
            Self::Transformer(_) => "bert",
            Self::BiLstm(_) => "bilstm",
        }
    }

    /// Width `H` of the output; both directions of a BiLSTM together.
    pub fn hidden_size(&self) -> usize {
        match self {
            Self::Transformer(config) => config.hidden_size,
            Self::BiLstm(config) => 2 * config.hidden_size,
        }
    }

    /// Rows of the word embeddings: token ids are below.
    pub fn vocab_size(&self) -> usize {
        match self {
            Self::Transformer(config) => config.vocab_size,
            Self::BiLstm(config) => config.vocab_size,
        }
    }

    /// Longest sequence in tokens, if there is a limit.
    pub fn max_positions(&self) -> Option<usize> {
        match self {
            Self::Transformer(config) => Some(config.max_position_embeddings),
            Self::BiLstm(_) => None,
        }
    }

    /// The padding token.
    pub fn pad_token_id(&self) -> u32 {
        match self {
            Self::Transformer(config) => config.pad_token_id,
            Self::BiLstm(config) => config.pad_token_id,
        }
    }

    /// Name and shape of every tensor of the encoder, in order of use. Checkpoints, the libtorch
    /// models, the quantiser and the native runtime all go by this list.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Transformer(config) => config.tensors(),
            Self::BiLstm(config) => config.tensors(),
        }
    }

    /// What the family calls its tensors.
    pub fn names(&self) -> Names {
        match self {
            Self::Transformer(_) => BERT,
            Self::BiLstm(_) => BILSTM,
        }
    }

    fn known_fields(&self) -> Result<Map<String, Value>> {
        let value = match self {
            Self::Transformer(config) => serde_json::to_value(config),
            Self::BiLstm(config) => serde_json::to_value(config),
        };
        let value = value.map_err(|source| Error::json(Path::new("config.json"), b"", source))?;
        let mut fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("model_type".into(), self.model_type().into());
        Ok(fields)
    }

    fn extra(&self) -> &Map<String, Value> {
        match self {
            Self::Transformer(config) => &config.extra,
            Self::BiLstm(config) => &config.extra,
        }
    }

    fn extra_mut(&mut self) -> &mut Map<String, Value> {
        match self {
            Self::Transformer(config) => &mut config.extra,
            Self::BiLstm(config) => &mut config.extra,
        }
    }
}

impl TransformerConfig {
    /// A small encoder to train from scratch or distil into: 4 blocks of width 256 with 4 heads, the
    /// shape of BERT-mini (Turc et al. 2019, table 1). Beside the word embeddings it has 3.3 million
    /// weights, and takes three tenths of MiniLM-L6's arithmetic a token. Set `num_hidden_layers` for
    /// fewer blocks: 2 take half of that.
    ///
    /// ```
    /// use cs_model::TransformerConfig;
    ///
    /// let config = TransformerConfig { num_hidden_layers: 2, ..TransformerConfig::mini(8000) };
    /// assert_eq!((config.hidden_size, config.head_size(), config.vocab_size), (256, 64, 8000));
    /// ```
    pub fn mini(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 256,
            num_hidden_layers: 4,
            num_attention_heads: 4,
            intermediate_size: 1024,
            ..Self::default()
        }
    }

    /// Name and shape of every tensor that predicting masked words adds to the encoder's, as in Hugging
    /// Face's `BertForMaskedLM`. Its last layer is the table of word embeddings.
    pub fn masked_lm_tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut list = TensorList::new(BERT);
        let hidden = self.hidden_size;
        list.linear(Role::MaskedLmDense, hidden, hidden);
        list.norm(Role::MaskedLmNorm, hidden);
        list.push(Role::MaskedLmBias, Part::Bias, vec![self.vocab_size]);
        list.tensors
    }

    /// Width `D` of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads.max(1)
    }

    /// Attention heads of a layer.
    pub fn heads(&self, layer: usize) -> usize {
        let pruned = self.layer_num_attention_heads.as_ref();
        let pruned = pruned.and_then(|layers| layers.get(layer).copied());
        pruned.unwrap_or(self.num_attention_heads)
    }

    /// Inner width of a layer.
    pub fn inner_size(&self, layer: usize) -> usize {
        let pruned = self.layer_intermediate_size.as_ref();
        let pruned = pruned.and_then(|layers| layers.get(layer).copied());
        pruned.unwrap_or(self.intermediate_size)
    }

    fn validate(&self) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size("hidden_size", self.hidden_size, 1 << 16)?;
        size("num_hidden_layers", self.num_hidden_layers, 1 << 10)?;
        size("num_attention_heads", self.num_attention_heads, 1 << 10)?;
        size("intermediate_size", self.intermediate_size, 1 << 18)?;
        size(
            "max_position_embeddings",
            self.max_position_embeddings,
            1 << 20,
        )?;
        size("type_vocab_size", self.type_vocab_size, 1 << 10)?;
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let expected = format!("a divisor of hidden_size {}", self.hidden_size);
            return Err(Error::field(
                "num_attention_heads",
                self.num_attention_heads,
                expected,
            ));
        }
        self.layer_sizes(
            "layer_num_attention_heads",
            self.layer_num_attention_heads.as_deref(),
            self.num_attention_heads,
        )?;
        self.layer_sizes(
            "layer_intermediate_size",
            self.layer_intermediate_size.as_deref(),
            self.intermediate_size,
        )?;
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(Error::field(
                "layer_norm_eps",
                self.layer_norm_eps,
                "0 < eps < 1",
            ));
        }
        rate("hidden_dropout_prob", self.hidden_dropout_prob)?;
        rate(
            "attention_probs_dropout_prob",
            self.attention_probs_dropout_prob,
        )?;
        rate("initializer_range", self.initializer_range)?;
        only(&self.extra, "position_embedding_type", "absolute")?;
        only(&self.extra, "is_decoder", false)?;
        only(&self.extra, "add_cross_attention", false)
    }

    /// One size a layer, none larger than in the unpruned model.
    fn layer_sizes(&self, field: &str, sizes: Option<&[usize]>, most: usize) -> Result<()> {
        let Some(sizes) = sizes else { return Ok(()) };
        if sizes.len() != self.num_hidden_layers {
            let expected = format!("{}, one a layer", self.num_hidden_layers);
            return Err(Error::field(
                format!("{field}'s length"),
                sizes.len(),
                expected,
            ));
        }
        let mut layers = sizes.iter().enumerate();
        layers.try_for_each(|(layer, &found)| size(&format!("{field}[{layer}]"), found, most))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let hidden = self.hidden_size;
        let mut list = TensorList::new(BERT);
        list.table(Role::WordEmbeddings, self.vocab_size, hidden);
        list.table(
            Role::PositionEmbeddings,
            self.max_position_embeddings,
            hidden,
        );
        list.table(Role::TokenTypeEmbeddings, self.type_vocab_size, hidden);
        list.norm(Role::EmbeddingNorm, hidden);
        for layer in 0..self.num_hidden_layers {
            list.names = BERT.layer(layer);
            let context = self.heads(layer) * self.head_size();
            let inner = self.inner_size(layer);
            for projection in [Role::Query, Role::Key, Role::Value] {
                list.linear(projection, context, hidden);
            }
            list.linear(Role::AttentionOutput, hidden, context);
            list.norm(Role::AttentionNorm, hidden);
            list.linear(Role::FeedForwardIn, inner, hidden);
            list.linear(Role::FeedForwardOut, hidden, inner);
            list.norm(Role::FeedForwardNorm, hidden);
        }
        list.tensors
    }
}

impl BiLstmConfig {
    fn validate(&self) -> Result<()> {
        size("vocab_size", self.vocab_size, 1 << 24)?;
        size("embedding_size", self.embedding_size, 1 << 16)?;
        size("hidden_size", self.hidden_size, 1 << 15)?;
        size("num_layers", self.num_layers, 1 << 6)?;
        rate("dropout", self.dropout)?;
        rate("word_dropout", self.word_dropout)?;
        if self.word_dropout > 0.0 {
            token("unk_token_id", self.unk_token_id, self.vocab_size)?;
        }
        Ok(())
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let gates = 4 * self.hidden_size;
        let mut list = TensorList::new(BILSTM);
        list.table(Role::WordEmbeddings, self.vocab_size, self.embedding_size);
        for layer in 0..self.num_layers {
            list.names = BILSTM.layer(layer);
            let input = if layer == 0 {
                self.embedding_size
            } else {
                2 * self.hidden_size
            };
            for (by_input, by_state) in [
                (Role::LstmInput, Role::LstmHidden),
                (Role::LstmInputReverse, Role::LstmHiddenReverse),
            ] {
                list.push(by_input, Part::Weight, vec![gates, input]);
                list.push(by_state, Part::Weight, vec![gates, self.hidden_size]);
                list.push(by_input, Part::Bias, vec![gates]);
                list.push(by_state, Part::Bias, vec![gates]);
            }
        }
        list.tensors
    }
}

/// Names and shapes, as they are added.
struct TensorList {
    names: Names,
    tensors: Vec<(String, Vec<usize>)>,
}

impl TensorList {
    fn new(names: Names) -> Self {
        Self {
            names,
            tensors: Vec::new(),
        }
    }

    fn push(&mut self, role: Role, part: Part, shape: Vec<usize>) {
        self.tensors.push((self.names.name(role, part), shape));
    }

    fn table(&mut self, role: Role, rows: usize, width: usize) {
        self.push(role, Part::Weight, vec![rows, width]);
    }

    fn linear(&mut self, role: Role, outputs: usize, inputs: usize) {
        self.push(role, Part::Weight, vec![outputs, inputs]);
        self.push(role, Part::Bias, vec![outputs]);
    }

    fn norm(&mut self, role: Role, width: usize) {
        self.push(role, Part::Weight, vec![width]);
        self.push(role, Part::Bias, vec![width]);
    }
}

/// 64 GiB of f32, or what a narrow machine can address: more is a damaged file.
const MOST_PARAMETERS: usize = if usize::BITS >= 64 {
    16 << 30
} else {
    usize::MAX / 8
};
const MOST_PARAMETERS_TEXT: &str = "at most 16 billion parameters";

fn size(field: &str, found: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::field(field, found, format!("1 to {most}")))
}

fn rate(field: &str, found: f64) -> Result<()> {
    if (0.0..=1.0).contains(&found) {
        return Ok(());
    }
    Err(Error::field(field, found, "0 to 1"))
}

fn token(field: &str, found: u32, vocab_size: usize) -> Result<()> {
    if (found as usize) < vocab_size {
        return Ok(());
    }
    Err(Error::field(
        field,
        found,
        format!("less than vocab_size {vocab_size}"),
    ))
}

fn only(extra: &Map<String, Value>, field: &str, accepted: impl Into<Value>) -> Result<()> {
    let accepted = accepted.into();
    match extra.get(field) {
        Some(found) if *found != accepted && !found.is_null() => {
            Err(Error::field(field, found, accepted.to_string()))
        }
        _ => Ok(()),
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

    #[test]
    fn bert_names_are_those_of_bert_model() {
        let config = TransformerConfig {
            num_hidden_layers: 1,
            hidden_size: 8,
            intermediate_size: 32,
            ..TransformerConfig::default()
        };
        let names: Vec<_> = config.tensors().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 5 + 16);
        assert_eq!(names[4], "embeddings.LayerNorm.bias");
        assert_eq!(names[5], "encoder.layer.0.attention.self.query.weight");
        let (name, shape) = &config.tensors()[17];
        assert_eq!(
            (name.as_str(), &shape[..]),
            ("encoder.layer.0.output.dense.weight", &[8, 32][..])
        );
    }

    #[test]
    fn layers_may_have_sizes_of_their_own() {
        let config = TransformerConfig {
            num_hidden_layers: 2,
            hidden_size: 8,
            num_attention_heads: 4,
            intermediate_size: 32,
            layer_num_attention_heads: Some(vec![3, 4]),
            layer_intermediate_size: Some(vec![32, 5]),
            ..TransformerConfig::default()
        };
        let config = EncoderConfig::from(config);
        let shapes: std::collections::BTreeMap<_, _> = config.tensors().into_iter().collect();
        let shape = |layer: usize, owner: &str| {
            shapes[&format!("encoder.layer.{layer}.{owner}.weight")].clone()
        };
        assert_eq!(shape(0, "attention.self.key"), [6, 8]);
        assert_eq!(shape(0, "attention.output.dense"), [8, 6]);
        assert_eq!(shape(0, "intermediate.dense"), [32, 8]);
        assert_eq!(shape(1, "attention.self.key"), [8, 8]);
        assert_eq!(shape(1, "output.dense"), [8, 5]);
        let json = String::from_utf8(config.to_json().unwrap()).unwrap();
        assert_eq!(parse(&json).unwrap(), config);
        let whole = EncoderConfig::from(TransformerConfig::default());
        let json = String::from_utf8(whole.to_json().unwrap()).unwrap();
        for key in ["layer_num_attention_heads", "layer_intermediate_size"] {
            assert!(!json.contains(key), "{json}");
        }
    }

    #[test]
    fn lstm_names_are_those_of_nn_lstm() {
        let config = BiLstmConfig {
            vocab_size: 10,
            embedding_size: 3,
            hidden_size: 4,
            num_layers: 2,
            ..BiLstmConfig::default()
        };
        let tensors = config.tensors();
        assert_eq!(tensors.len(), 1 + 2 * 2 * 4);
        assert_eq!(
            tensors[1],
            ("encoder.lstm.weight_ih_l0".into(), vec![16, 3])
        );
        assert_eq!(
            tensors[6],
            ("encoder.lstm.weight_hh_l0_reverse".into(), vec![16, 4])
        );
        assert_eq!(
            tensors[9],
            ("encoder.lstm.weight_ih_l1".into(), vec![16, 8])
        );
    }
}
