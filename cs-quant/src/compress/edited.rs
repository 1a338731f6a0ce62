//! What the tools that make one model folder into another share.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::{Bundle, BundleWriter, EncoderConfig, Manifest, RawTensor, write_safetensors};

use crate::error::{Error, Result};

/// Copies the files that are read beside configuration, tokenizer and weights: the prompts.
pub(crate) fn copy_extras(bundle: &Bundle, writer: &mut BundleWriter) -> Result<()> {
    match bundle.prompts()?.prompts.is_empty() {
        true => Ok(()),
        false => Ok(writer.copy_from(bundle, Bundle::PROMPTS)?),
    }
}

/// Gives the `tokenizer.json`, made of the vocabulary if a plain folder has only that.
pub(crate) fn tokenizer_json(bundle: &Bundle) -> Result<Vec<u8>> {
    match bundle.read("tokenizer.json") {
        Ok(bytes) => Ok(bytes),
        // A plain folder may have vocab.txt instead.
        Err(_) => {
            let tokenizer = bundle.tokenizer()?;
            Ok(tokenizer.to_json().map_err(cs_model::Error::from)?)
        }
    }
}

/// Gives the manifest, or that of an encoder without heads; the longest input is that of `bundle`
/// either way.
pub(crate) fn manifest(bundle: &Bundle) -> Manifest {
    let length = bundle.max_length();
    match bundle.manifest() {
        Some(manifest) => Manifest {
            max_length: length,
            ..manifest.clone()
        },
        None => Manifest::new(bundle.tasks().clone(), length),
    }
}

/// Lists name and shape of every tensor, those of the heads included.
pub(crate) fn tensors(bundle: &Bundle) -> Vec<(String, Vec<usize>)> {
    let mut tensors = bundle.config().tensors();
    tensors.extend(bundle.tasks().tensors(bundle.config().hidden_size()));
    tensors
}

/// An fp32 model that differs from the one it was made of.
pub(crate) struct EditedBundle {
    pub(crate) config: EncoderConfig,
    pub(crate) tokenizer: Vec<u8>,
    /// The tensors by name; their shapes are those of `config`.
    pub(crate) tensors: BTreeMap<String, Vec<f32>>,
}

impl EditedBundle {
    /// Writes the model to `out` as a bundle with the heads and the manifest of `bundle`.
    pub(crate) fn write(self, bundle: &Bundle, out: &Path) -> Result<()> {
        let mut shapes = self.config.tensors();
        shapes.extend(bundle.tasks().tensors(self.config.hidden_size()));
        let tensors = shapes.iter().map(|(name, shape)| {
            let values = self.tensors.get(name).map_or(&[][..], Vec::as_slice);
            (name, RawTensor::from_f32(shape, values))
        });
        let mut writer = BundleWriter::new(out)?;
        let config = self.config.with_fp32_weights();
        writer.write("config.json", &config.to_json()?)?;
        writer.write("tokenizer.json", &self.tokenizer)?;
        writer.write_with(Bundle::WEIGHTS, |path| {
            write_safetensors(path, tensors, &BTreeMap::new())
        })?;
        copy_extras(bundle, &mut writer)?;
        Ok(writer.finish(manifest(bundle))?)
    }
}

/// Makes a folder beside `out`, so that files are moved between them by renaming.
pub(crate) fn staging(out: &Path) -> Result<tempfile::TempDir> {
    let above = out.ancestors().skip(1).find(|folder| folder.is_dir());
    let beside = above.unwrap_or(Path::new("."));
    let made = tempfile::Builder::new()
        .prefix(".staging-")
        .tempdir_in(beside);
    made.map_err(Error::io(beside))
}

/// Whether `out` is the model's own folder, under whatever name.
#[must_use]
pub fn is_own_folder(bundle: &Bundle, out: &Path) -> bool {
    let resolved = out.canonicalize().ok();
    resolved.is_some() && resolved == bundle.dir().canonicalize().ok()
}

/// Refuses the model's own folder as the one to write.
pub(crate) fn refuse_own_folder(bundle: &Bundle, out: &Path) -> Result<()> {
    if !is_own_folder(bundle, out) {
        return Ok(());
    }
    let found = format!("{}, the model's own folder", out.display());
    Err(Error::config("out", found, "another folder"))
}

/// Gives the size of a file in bytes.
pub(crate) fn file_size(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path).map_err(Error::io(path))?.len())
}
