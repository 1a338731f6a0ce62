//! From the folder of a model that generates texts to its int8 or int4 artefact.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::names::{Names, Role, TensorRole};
use cs_model::{Bundle, DecoderConfig, Seq2SeqConfig, Weights, write_safetensors};

use super::edited::file_size;
use super::quantize::{QuantReport, stored};
use crate::error::{Error, Result};
use crate::format::artefact;
use crate::format::equalise::{Equaliser, InputSquares};
use crate::format::matrix::{Rounding, transpose};
use crate::format::scheme::{QuantConfig, Scheme};
use crate::format::source::checkpoint;
use crate::runtime::causal_lm::measured;
use crate::runtime::config::RuntimeConfig;

/// The files beside a model's weights and configuration, of which those that are there belong to
/// the artefact as well.
const COMPANIONS: [&str; 14] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "source.spm",
    "target.spm",
    "LICENSE",
    "NOTICE",
    "README.md",
];

/// Quantises a Hugging Face decoder and writes to `out` a folder that serves without its weights:
/// `model.int8.safetensors`, the configuration, and the files of tokenizer, chat template and
/// generation that there are. `out` may be the decoder's own folder.
///
/// The matrices of blocks and head and the tables of embeddings are quantised as
/// [`quantize`](crate::quantize) does it, all of them `[outputs, inputs]`; a tied head stays one
/// matrix. In int8 that is a quarter of fp32; with all of [`Int4`](crate::Int4), a seventh. Before, the
/// columns of each matrix in a block are brought to one size, by factors that norms and other matrices
/// take back: the tensors of blocks differ from the folder's, and what the model computes does not. Which
/// they are is [measured](QuantConfig::calibrate).
///
/// # Errors
///
/// [`Error::Config`] for a value out of range; an error if the folder is not a decoder's, a tensor
/// is missing, unknown or of another shape, or a file cannot be written. A failed call leaves no
/// artefact in `out`.
pub fn quantize_decoder(dir: &Path, out: &Path, config: &QuantConfig) -> Result<QuantReport> {
    config.validate()?;
    let measured = measured(dir, config, &RuntimeConfig::default())?;
    quantize_measured(dir, out, config, measured.as_deref())
}

/// Does what [`quantize_decoder`] does, with inputs that were measured before.
pub(super) fn quantize_measured(
    dir: &Path,
    out: &Path,
    config: &QuantConfig,
    measured: Option<&[InputSquares]>,
) -> Result<QuantReport> {
    let decoder = DecoderConfig::open(dir)?;
    let mut checkpoint = Checkpoint {
        weights: checkpoint(dir, &decoder)?,
        config: decoder.to_json()?,
        tensors: decoder.tensors(),
        head: head(decoder.names(), decoder.tied()),
        conv1d: decoder.stack().conv1d,
        equaliser: None,
        of_decoder: true,
    };
    let read = |name: &str, shape: &[usize]| Ok(checkpoint.read(name, shape)?.1);
    checkpoint.equaliser = Some(Equaliser::new(&decoder, measured, read)?);
    checkpoint.quantize(dir, out, config)
}

/// Quantises a Hugging Face encoder-decoder as [`quantize_decoder`] does a decoder. A table that
/// encoder, decoder and the words' logits share stays one matrix.
///
/// # Errors
///
/// Those of [`quantize_decoder`].
pub fn quantize_seq2seq(dir: &Path, out: &Path, config: &QuantConfig) -> Result<QuantReport> {
    config.validate()?;
    let model = Seq2SeqConfig::open(dir)?;
    let weights = Weights::open_seq2seq(dir, &model)?;
    let mut tensors = model.tensors();
    tensors.retain(|(name, _)| weights.contains(name));
    let checkpoint = Checkpoint {
        weights,
        config: model.to_json()?,
        tensors,
        head: head(model.decoder_names(), model.tied()),
        conv1d: false,
        equaliser: None,
        of_decoder: false,
    };
    checkpoint.quantize(dir, out, config)
}

/// Gives the name of the matrix of the words' logits.
fn head(names: Names, tied: bool) -> String {
    names.weight(match tied {
        true => Role::WordEmbeddings,
        false => Role::LmHead,
    })
}

/// A model that generates texts, as its folder has it.
struct Checkpoint {
    weights: Weights,
    /// The content of its `config.json`.
    config: Vec<u8>,
    /// The name and shape of each tensor.
    tensors: Vec<(String, Vec<usize>)>,
    /// The name of the matrix of the words' logits.
    head: String,
    /// Whether blocks have their matrices as `[inputs, outputs]`.
    conv1d: bool,
    /// What its tensors are multiplied by before they are quantised.
    equaliser: Option<Equaliser>,
    /// Whether it is a decoder alone.
    of_decoder: bool,
}

impl Checkpoint {
    /// Writes the artefact and what belongs to it from one folder to another.
    fn quantize(self, dir: &Path, out: &Path, config: &QuantConfig) -> Result<QuantReport> {
        let mut report = QuantReport {
            bytes_before: self.weights.file_size(),
            ..QuantReport::default()
        };
        let mut tensors = Vec::new();
        for (name, shape) in &self.tensors {
            let (shape, mut data) = self.read(name, shape)?;
            if let Some(equaliser) = &self.equaliser {
                equaliser.apply(name, &mut data);
            }
            let equaliser = self.equaliser.as_ref();
            let importance = equaliser.and_then(|it| it.importance(name));
            let rounding = Rounding {
                clip: config.clip,
                importance: importance.as_deref(),
            };
            let scheme = self.scheme(config, name, &shape);
            let (rows, error) = stored(name, data, &shape, scheme, rounding);
            report.layers.extend(error);
            tensors.extend(artefact::tensors(name, &shape, rows));
        }
        std::fs::create_dir_all(out).map_err(Error::io(out))?;
        write_file(&out.join("config.json"), &self.config)?;
        for name in COMPANIONS {
            copy(&dir.join(name), &out.join(name))?;
        }
        let format = (artefact::FORMAT.to_owned(), artefact::VERSION.to_owned());
        let path = out.join(Bundle::INT8_WEIGHTS);
        write_safetensors(&path, tensors, &BTreeMap::from([format]))?;
        report.bytes_after = file_size(&path)?;
        Ok(report)
    }

    /// Reads a tensor in floats; a matrix is `[outputs, inputs]`.
    fn read(&self, name: &str, shape: &[usize]) -> Result<(Vec<usize>, Vec<f32>)> {
        let data = self.weights.f32(name, shape)?;
        let role = TensorRole::parse(name).map(|tensor| tensor.role);
        let is_table = role.is_some_and(|role| role.is_table() || role == Role::LmHead);
        Ok(match *shape {
            [inputs, outputs] if self.conv1d && !is_table => {
                (vec![outputs, inputs], transpose(&data, outputs))
            }
            _ => (shape.to_vec(), data),
        })
    }

    fn scheme(&self, config: &QuantConfig, name: &str, shape: &[usize]) -> Scheme {
        let scheme = config.scheme(name, shape);
        let scheme = match name == self.head {
            true => scheme.for_product(),
            false => scheme,
        };
        match self.of_decoder {
            true => scheme.for_decoder(),
            false => scheme,
        }
    }
}

/// Copies a file if there is one, and it is not the same.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let same = || from.canonicalize().ok() == to.canonicalize().ok();
    if !from.is_file() || (to.is_file() && same()) {
        return Ok(());
    }
    write_file(to, &std::fs::read(from).map_err(Error::io(from))?)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    cs_data::file::write(path, |out| out.write_all(bytes)).map_err(Error::io(path))
}
