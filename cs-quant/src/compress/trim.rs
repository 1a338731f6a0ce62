//! Vocabulary trimming: words that a service's texts never use leave the model.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cs_data::Tokenizer;
use cs_model::names::{Role, TensorRole};
use cs_model::{Bundle, BundleWriter, EncoderConfig, RawTensor, Weights, write_safetensors};
use serde::Serialize;
use serde_json::Value;

use super::companions::{Companions, each_token_id};
use super::edited::{file_size, manifest, refuse_own_folder, staging, tensors, tokenizer_json};
use super::kept_tokens::KeptTokens;
use crate::error::{Error, Result};
use crate::format::source::require_fp32;

/// The tokens to keep besides those that a model cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrimConfig {
    /// How often the texts must use a token for it to be kept. Default 1, with which they are
    /// answered exactly as before; with more, words of rarer tokens are cut into shorter ones.
    pub min_count: u64,
    /// Whether to keep tokens of one character in the texts' scripts ([`Tokenizer::characters`]).
    /// Default true. If false, a character that the texts do not have is unknown to the model.
    pub keep_characters: bool,
}

impl Default for TrimConfig {
    fn default() -> Self {
        Self {
            min_count: 1,
            keep_characters: true,
        }
    }
}

/// What trimming did: sizes before and after, and what was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TrimReport {
    /// The number of rows of the word embeddings before trimming.
    pub words_before: usize,
    /// The number of rows of the word embeddings after trimming.
    pub words_after: usize,
    /// The bytes of the weights and of `tokenizer.json` before trimming.
    pub bytes_before: u64,
    /// The bytes of the weights and of `tokenizer.json` after trimming.
    pub bytes_after: u64,
    /// The files beside them that the new folder does not have: those with the same content in
    /// another form (`vocab.txt`), and those that are none of the model's.
    #[serde(skip)]
    pub left_out: Vec<String>,
}

/// Writes the model with the tokens that `texts` need to `out`, in the precision of its weights:
/// `tokenizer.json` numbers them anew, and the word embeddings have a row for each. On these texts
/// it answers exactly as before. Special tokens stay, and so do ids that `config.json` names,
/// whether or not the tokenizer has them. A bundle becomes a bundle, and a plain Hugging Face
/// folder one again, with the files that `transformers` and `sentence-transformers` read beside the
/// weights.
///
/// In a small model half of the weights are word embeddings, in a multilingual one four fifths: of
/// 250,000 words, some thousands are used in a service's texts.
///
/// # Errors
///
/// The tokenizer is one that [`Tokenizer::trim`] does not take; there is no text; weights are
/// missing or damaged; or `out` is not a new or an empty folder.
pub fn trim_vocabulary<'a>(
    bundle: &Bundle,
    out: &Path,
    texts: impl IntoIterator<Item = &'a str>,
    config: &TrimConfig,
) -> Result<TrimReport> {
    refuse_own_folder(bundle, out)?;
    vacant(out)?;
    require_fp32(bundle, "fp32")?;
    let tokenizer = bundle.tokenizer()?;
    let companions = Companions::read(bundle)?;
    let mut wanted = used(&tokenizer, texts, config)?;
    let named = named(bundle, &companions)?;
    wanted.extend(&named);
    let (trimmed, old) = tokenizer.trim(&wanted).map_err(cs_model::Error::from)?;
    let kept = KeptTokens::new(old, &named);
    let model = Trimmed {
        bundle,
        config: smaller(bundle.config(), &kept)?,
        tokenizer: trimmed.to_json().map_err(cs_model::Error::from)?,
        weights: bundle.weights()?,
        kept,
    };
    model.check()?;
    let bytes_after = model.write(out, &companions)?;
    let before = tokenizer_json(bundle)?.len() as u64;
    Ok(TrimReport {
        words_before: bundle.config().vocab_size(),
        words_after: model.kept.len(),
        bytes_before: before + model.weights.file_size(),
        bytes_after,
        left_out: companions.left_out,
    })
}

/// Finds the tokens that the texts use.
fn used<'a>(
    tokenizer: &Tokenizer,
    texts: impl IntoIterator<Item = &'a str>,
    config: &TrimConfig,
) -> Result<BTreeSet<u32>> {
    let counts = tokenizer.count_tokens(texts);
    let counts = counts.map_err(cs_model::Error::from)?;
    if counts.is_empty() {
        return Err(Error::config("texts", "none", "at least one"));
    }
    if config.min_count == 0 {
        return Err(Error::config("min_count", "0", "1 or more"));
    }
    let enough = counts.iter().filter(|&(_, &n)| n >= config.min_count);
    let mut kept: BTreeSet<u32> = enough.map(|(&id, _)| id).collect();
    if config.keep_characters {
        kept.extend(tokenizer.characters(&counts.into_keys().collect()));
    }
    Ok(kept)
}

/// Finds the ids that the configuration and the files beside it name, as far as there are rows for
/// them.
fn named(bundle: &Bundle, companions: &Companions) -> Result<BTreeSet<u32>> {
    let mut ids = companions.ids();
    each_token_id(&mut config_value(bundle.config())?, &mut |id| {
        ids.insert(id);
        None
    });
    let rows = bundle.config().vocab_size();
    ids.retain(|&id| (id as usize) < rows);
    Ok(ids)
}

fn config_value(config: &EncoderConfig) -> Result<Value> {
    Ok(serde_json::from_slice(&config.to_json()?).unwrap_or_default())
}

/// Makes the configuration with as many words as are kept, and the same tokens by their new ids.
fn smaller(config: &EncoderConfig, kept: &KeptTokens) -> Result<EncoderConfig> {
    let mut value = config_value(config)?;
    value["vocab_size"] = kept.len().into();
    each_token_id(&mut value, &mut |id| kept.id(id));
    let json = value.to_string();
    let smaller = EncoderConfig::from_json(json.as_bytes(), Path::new("config.json"))?;
    if smaller.max_positions() == config.max_positions() {
        return Ok(smaller);
    }
    let ids = [config.pad_token_id(), smaller.pad_token_id()];
    let found = format!("{}, which would become {}", ids[0], ids[1]);
    let expected = "an id that stays, as positions are counted from it";
    Err(Error::config("pad_token_id", found, expected))
}

/// All that goes into the new folder.
struct Trimmed<'a> {
    bundle: &'a Bundle,
    config: EncoderConfig,
    tokenizer: Vec<u8>,
    weights: Weights,
    kept: KeptTokens,
}

impl Trimmed<'_> {
    /// Checks that every tensor is there and has its shape.
    fn check(&self) -> Result<()> {
        let mut shapes = tensors(self.bundle);
        let biases = self.weights.names().filter(|name| is_masked_lm_bias(name));
        shapes.extend(biases.map(|name| (name.into(), vec![self.bundle.config().vocab_size()])));
        for (name, shape) in shapes {
            let dtype = self.weights.dtype(&name)?;
            self.weights.bytes(&name, dtype, &shape)?;
        }
        Ok(())
    }

    /// Writes a folder of the same kind as the old one, and gives the bytes of weights and
    /// tokenizer.
    fn write(&self, out: &Path, companions: &Companions) -> Result<u64> {
        match self.bundle.manifest() {
            Some(_) => {
                let mut writer = BundleWriter::new(out)?;
                writer.write("config.json", &self.config.to_json()?)?;
                writer.write("tokenizer.json", &self.tokenizer)?;
                writer.write_with(Bundle::WEIGHTS, |path| self.write_weights(path))?;
                for (name, content) in companions.files(&self.kept)? {
                    writer.write(&name, &content)?;
                }
                writer.finish(manifest(self.bundle))?;
            }
            None => self.write_plain(out, companions)?,
        }
        Ok(file_size(&out.join(Bundle::WEIGHTS))? + self.tokenizer.len() as u64)
    }

    /// Writes a folder without `bundle.json`, which is renamed to `out` when it is whole.
    fn write_plain(&self, out: &Path, companions: &Companions) -> Result<()> {
        let staging = staging(out)?;
        let folder = staging.path().join("model");
        put(&folder.join("config.json"), &self.config.to_json()?)?;
        put(&folder.join("tokenizer.json"), &self.tokenizer)?;
        for (name, content) in companions.files(&self.kept)? {
            put(&folder.join(name), &content)?;
        }
        self.write_weights(&folder.join(Bundle::WEIGHTS))?;
        if out.is_dir() {
            fs::remove_dir(out).map_err(Error::io(out))?;
        } else if let Some(above) = out.parent() {
            fs::create_dir_all(above).map_err(Error::io(above))?;
        }
        fs::rename(&folder, out).map_err(Error::io(out))
    }

    fn write_weights(&self, path: &Path) -> Result<()> {
        let words = self.bundle.config().vocab_size();
        let mut tensors = Vec::new();
        for name in self.weights.names() {
            let tensor = self.weights.raw(name)?;
            let tensor = if is_word_embeddings(name) || is_masked_lm_bias(name) {
                let (shape, data) = self.kept.of(&tensor, words);
                RawTensor {
                    dtype: tensor.dtype,
                    shape: shape.into(),
                    data: data.into(),
                }
            } else {
                tensor
            };
            tensors.push((name, tensor));
        }
        let mut metadata = self.weights.metadata().clone();
        // `transformers` does not read the file without this entry.
        metadata
            .entry("format".into())
            .or_insert_with(|| "pt".into());
        Ok(write_safetensors(path, tensors, &metadata)?)
    }
}

fn is_word_embeddings(name: &str) -> bool {
    TensorRole::parse(name).is_some_and(|tensor| tensor.is_weight_of(Role::WordEmbeddings))
}

/// Whether a tensor is the bias of masked words, which has a number for each word too.
fn is_masked_lm_bias(name: &str) -> bool {
    TensorRole::parse(name).is_some_and(|tensor| tensor.role == Role::MaskedLmBias)
}

/// Refuses a path at which there is a file, or a folder that is not empty.
fn vacant(out: &Path) -> Result<()> {
    let found = match fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            None => return Ok(()),
            Some(_) => "a folder with something in it",
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => "a file",
        Err(error) => return Err(Error::io(out)(error)),
    };
    let found = format!("{}, {found}", out.display());
    Err(Error::config("out", found, "a new or an empty folder"))
}

/// Writes a file and the folder it is in.
fn put(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    let written = fs::write(path, content).and_then(|()| fs::File::open(path)?.sync_all());
    written.map_err(Error::io(path))
}
