//! Vocabulary trimming: words that a service's texts never use leave the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cs_data::Tokenizer;
use cs_model::{Bundle, BundleWriter, EncoderConfig, RawTensor, Weights, write_safetensors};
use serde::Serialize;
use serde_json::Value;

use super::companions::{Companions, each_token_id};
use super::edited::{manifest, refuse_own_folder, staging, tensors, tokenizer_json};
use crate::error::{Error, Result};
use crate::format::source::need_weights;

const WORDS: &str = "embeddings.word_embeddings.weight";
/// Has a number a word too, where a checkpoint can predict masked words.
const WORD_BIASES: &str = "cls.predictions.bias";

/// What to keep besides what a model cannot do without.
///
/// ```
/// let config = cs_quant::TrimConfig { min_count: 2, ..Default::default() };
/// assert!(config.keep_characters);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrimConfig {
    /// How often the texts must use a token. Default 1, with which they are answered exactly as before;
    /// with more, texts with rarer tokens are cut into shorter pieces.
    pub min_count: u64,
    /// Keep tokens of one character in the texts' scripts ([`Tokenizer::characters`]). Default true.
    /// Without, a character that the texts do not have is unknown.
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

/// What trimming did.
///
/// ```
/// let report = cs_quant::TrimReport { words_before: 30522, words_after: 4000, ..Default::default() };
/// assert!(report.words_after < report.words_before);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TrimReport {
    /// Rows of the word embeddings before.
    pub words_before: usize,
    /// And after.
    pub words_after: usize,
    /// Bytes of the weights and of `tokenizer.json` before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// Files beside them that the new folder does not have: what says the same in another form
    /// (`vocab.txt`), and what is none of the model's.
    #[serde(skip)]
    pub left_out: Vec<String>,
}

/// Writes the model with the tokens that `texts` need to `out`, in the precision of its weights:
/// `tokenizer.json` numbers them anew, and the word embeddings have a row for each. On these texts it
/// answers exactly as before. Special tokens stay, and so do ids that `config.json` names, whether or not
/// the tokenizer has them. A bundle becomes a bundle, a plain Hugging Face folder one again, with the
/// files that `transformers` and `sentence-transformers` read beside the weights.
///
/// Half of a small model is word embeddings, of a multilingual one four fifths: of 250,000, some
/// thousands are used in a service's texts.
///
/// # Errors
///
/// A tokenizer that [`Tokenizer::trim`] does not take; no text; weights that are missing or damaged;
/// `out` not being a new or an empty folder.
pub fn trim_vocabulary<'a>(
    bundle: &Bundle,
    out: &Path,
    texts: impl IntoIterator<Item = &'a str>,
    config: &TrimConfig,
) -> Result<TrimReport> {
    refuse_own_folder(bundle, out)?;
    vacant(out)?;
    need_weights(bundle, "fp32")?;
    let tokenizer = bundle.tokenizer()?;
    let companions = Companions::read(bundle)?;
    let mut kept = used(&tokenizer, texts, config)?;
    let named = named(bundle, &companions)?;
    kept.extend(&named);
    let (trimmed, old) = tokenizer.trim(&kept).map_err(cs_model::Error::from)?;
    let rows = Rows::new(old, &named);
    let model = Trimmed {
        bundle,
        config: smaller(bundle.config(), &rows)?,
        tokenizer: trimmed.to_json().map_err(cs_model::Error::from)?,
        weights: bundle.weights()?,
        rows,
    };
    model.check()?;
    let bytes_after = model.write(out, &companions)?;
    let before = tokenizer_json(bundle)?.len() as u64;
    Ok(TrimReport {
        words_before: bundle.config().vocab_size(),
        words_after: model.rows.old.len(),
        bytes_before: before + model.weights.file_size(),
        bytes_after,
        left_out: companions.left_out,
    })
}

/// The tokens that the texts use.
fn used<'a>(
    tokenizer: &Tokenizer,
    texts: impl IntoIterator<Item = &'a str>,
    config: &TrimConfig,
) -> Result<BTreeSet<u32>> {
    let counts = tokenizer.count_tokens(texts);
    let counts = counts.map_err(cs_model::Error::from)?;
    if counts.is_empty() {
        return Err(Error::Config {
            setting: "texts",
            found: "none".into(),
            expected: "at least one",
        });
    }
    if config.min_count == 0 {
        return Err(Error::Config {
            setting: "min_count",
            found: "0".into(),
            expected: "1 or more",
        });
    }
    let enough = counts.iter().filter(|&(_, &n)| n >= config.min_count);
    let mut kept: BTreeSet<u32> = enough.map(|(&id, _)| id).collect();
    if config.keep_characters {
        kept.extend(tokenizer.characters(&counts.into_keys().collect()));
    }
    Ok(kept)
}

/// The ids that the configuration and the files beside it name, as far as there are rows for them.
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

/// Which rows of the embeddings stay.
pub(crate) struct Rows {
    /// The old id of each: the tokenizer's, then those that only the configuration names.
    old: Vec<u32>,
    new: BTreeMap<u32, u32>,
}

impl Rows {
    fn new(mut old: Vec<u32>, named: &BTreeSet<u32>) -> Self {
        let tokens: BTreeSet<u32> = old.iter().copied().collect();
        old.extend(named.difference(&tokens));
        let new = old.iter().copied().zip(0..).collect();
        Self { old, new }
    }

    /// The new id of an old one.
    pub(crate) fn id(&self, old: u32) -> Option<u32> {
        self.new.get(&old).copied()
    }

    /// The rows of a tensor, which has one for each old id.
    fn of(&self, tensor: &RawTensor<'_>, words: usize) -> (Vec<usize>, Vec<u8>) {
        let width = tensor.data.len() / words;
        let rows = self.old.iter().map(|&id| id as usize * width);
        let data = rows.flat_map(|from| &tensor.data[from..from + width]);
        let mut shape = tensor.shape.to_vec();
        shape[0] = self.old.len();
        (shape, data.copied().collect())
    }
}

/// The configuration with as many words as there are rows, and the same tokens by their new ids.
fn smaller(config: &EncoderConfig, rows: &Rows) -> Result<EncoderConfig> {
    let mut value = config_value(config)?;
    value["vocab_size"] = rows.old.len().into();
    each_token_id(&mut value, &mut |id| rows.id(id));
    let json = value.to_string();
    Ok(EncoderConfig::from_json(
        json.as_bytes(),
        Path::new("config.json"),
    )?)
}

/// All that goes into the new folder.
struct Trimmed<'a> {
    bundle: &'a Bundle,
    config: EncoderConfig,
    tokenizer: Vec<u8>,
    weights: Weights,
    rows: Rows,
}

impl Trimmed<'_> {
    /// Whether every tensor is there and has its shape.
    fn check(&self) -> Result<()> {
        let mut shapes = tensors(self.bundle);
        if self.weights.contains(WORD_BIASES) {
            shapes.push((WORD_BIASES.into(), vec![self.bundle.config().vocab_size()]));
        }
        for (name, shape) in shapes {
            let dtype = self.weights.dtype(&name)?;
            self.weights.bytes(&name, dtype, &shape)?;
        }
        Ok(())
    }

    /// Writes a folder as the old one is; the bytes of weights and tokenizer.
    fn write(&self, out: &Path, companions: &Companions) -> Result<u64> {
        match self.bundle.manifest() {
            Some(_) => {
                let mut writer = BundleWriter::new(out)?;
                writer.write("config.json", &self.config.to_json()?)?;
                writer.write("tokenizer.json", &self.tokenizer)?;
                writer.write_with(Bundle::WEIGHTS, |path| self.write_weights(path))?;
                for (name, content) in companions.files(&self.rows)? {
                    writer.write(&name, &content)?;
                }
                writer.finish(manifest(self.bundle))?;
            }
            None => self.write_plain(out, companions)?,
        }
        Ok(size(&out.join(Bundle::WEIGHTS))? + self.tokenizer.len() as u64)
    }

    /// A folder without `bundle.json`, moved to its place when it is whole.
    fn write_plain(&self, out: &Path, companions: &Companions) -> Result<()> {
        let staging = staging(out)?;
        let folder = staging.path().join("model");
        put(&folder.join("config.json"), &self.config.to_json()?)?;
        put(&folder.join("tokenizer.json"), &self.tokenizer)?;
        for (name, content) in companions.files(&self.rows)? {
            put(&folder.join(name), &content)?;
        }
        self.write_weights(&folder.join(Bundle::WEIGHTS))?;
        if out.is_dir() {
            fs::remove_dir(out).map_err(io(out))?;
        } else if let Some(above) = out.parent() {
            fs::create_dir_all(above).map_err(io(above))?;
        }
        fs::rename(&folder, out).map_err(io(out))
    }

    fn write_weights(&self, path: &Path) -> Result<()> {
        let words = self.bundle.config().vocab_size();
        let mut tensors = Vec::new();
        for name in self.weights.names() {
            let tensor = self.weights.raw(name)?;
            let tensor = if matches!(name, WORDS | WORD_BIASES) {
                let (shape, data) = self.rows.of(&tensor, words);
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
        // Without it `transformers` does not read the file.
        metadata
            .entry("format".into())
            .or_insert_with(|| "pt".into());
        Ok(write_safetensors(path, tensors, &metadata)?)
    }
}

/// Refuses a place where something is.
fn vacant(out: &Path) -> Result<()> {
    let found = match fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            None => return Ok(()),
            Some(_) => "a folder with something in it",
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => "a file",
        Err(error) => return Err(io(out)(error)),
    };
    Err(Error::Config {
        setting: "out",
        found: format!("{}, {found}", out.display()),
        expected: "a new or an empty folder",
    })
}

/// Writes a file and the folder it is in.
fn put(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let written = fs::write(path, content).and_then(|()| fs::File::open(path)?.sync_all());
    written.map_err(io(path))
}

fn size(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path).map_err(io(path))?.len())
}

pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| Error::Io { path, source }
}
