//! From a decoder's folder to its int8 or int4 artefact.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::names::{Role, TensorRole};
use cs_model::{Bundle, DecoderConfig, Weights, write_safetensors};

use super::edited::file_size;
use super::quantize::{QuantReport, stored};
use crate::error::{Error, Result};
use crate::format::artefact;
use crate::format::matrix::transpose;
use crate::format::scheme::{QuantConfig, Scheme};
use crate::format::source::checkpoint;

/// The files beside a decoder's weights and configuration, of which those that are there belong to
/// the artefact as well.
const COMPANIONS: [&str; 12] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
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
/// matrix. In int8 that is a quarter of fp32; with all of [`Int4`](crate::Int4), a seventh.
///
/// # Errors
///
/// [`Error::Config`] for a value out of range; an error if the folder is not a decoder's, a tensor
/// is missing, unknown or of another shape, or a file cannot be written. A failed call leaves no
/// artefact in `out`.
pub fn quantize_decoder(dir: &Path, out: &Path, config: &QuantConfig) -> Result<QuantReport> {
    config.validate()?;
    let decoder = DecoderConfig::open(dir)?;
    let weights = checkpoint(dir, &decoder)?;
    let mut report = QuantReport {
        bytes_before: weights.file_size(),
        ..QuantReport::default()
    };
    let mut tensors = Vec::new();
    for (name, shape) in decoder.tensors() {
        let tensor = Tensor::read(&decoder, &weights, (&name, shape))?;
        let scheme = tensor.scheme(config, &name);
        let (shape, data) = (&tensor.shape, tensor.data);
        let rows = stored(
            (&name, data),
            shape,
            (scheme, config.clip),
            &mut report.layers,
        );
        tensors.extend(artefact::tensors(&name, shape, rows));
    }
    std::fs::create_dir_all(out).map_err(Error::io(out))?;
    write_file(&out.join("config.json"), &decoder.to_json()?)?;
    for name in COMPANIONS {
        copy(&dir.join(name), &out.join(name))?;
    }
    let metadata = BTreeMap::from([(artefact::FORMAT.to_owned(), artefact::VERSION.to_owned())]);
    let path = out.join(Bundle::INT8_WEIGHTS);
    write_safetensors(&path, tensors, &metadata)?;
    report.bytes_after = file_size(&path)?;
    Ok(report)
}

/// A tensor as the artefact has it, in floats.
struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
    role: Option<Role>,
    /// Whether it is the table of words of a decoder whose head that is.
    is_head: bool,
}

impl Tensor {
    fn read(
        decoder: &DecoderConfig,
        weights: &Weights,
        (name, shape): (&str, Vec<usize>),
    ) -> Result<Self> {
        let data = weights.f32(name, &shape)?;
        let role = TensorRole::parse(name).map(|tensor| tensor.role);
        let is_table = role.is_some_and(|role| role.is_table() || role == Role::LmHead);
        let mut tensor = Self {
            is_head: decoder.tied() && role == Some(Role::WordEmbeddings),
            shape,
            data,
            role,
        };
        if let [inputs, outputs] = tensor.shape[..]
            && decoder.stack().conv1d
            && !is_table
        {
            tensor.data = transpose(&tensor.data, outputs);
            tensor.shape = vec![outputs, inputs];
        }
        Ok(tensor)
    }

    fn scheme(&self, config: &QuantConfig, name: &str) -> Scheme {
        let scheme = config.scheme(name, &self.shape);
        match self.is_head || self.role == Some(Role::LmHead) {
            true => scheme.for_product(),
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
