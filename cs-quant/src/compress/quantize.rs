//! From a model folder to its int8 artefact.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::{Bundle, BundleWriter, RawTensor, Weights, write_safetensors};
use serde::Serialize;

use super::edited::{copy_extras, file_size, manifest, tensors, tokenizer_json};
use crate::error::{Error, Result};
use crate::format::artefact;
use crate::format::matrix::{Rounding, StoredMatrix};
use crate::format::scheme::{QuantConfig, Scheme};
use crate::format::source::require_fp32;

/// What quantising did: sizes before and after, and the error of each layer.
///
/// ```
/// use cs_quant::QuantReport;
///
/// let report = QuantReport { bytes_before: 400, bytes_after: 100, ..Default::default() };
/// assert_eq!(report.ratio(), 4.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QuantReport {
    /// The size in bytes of the weights file that was read.
    pub bytes_before: u64,
    /// The size in bytes of the artefact.
    pub bytes_after: u64,
    /// The rounding error of each tensor that was quantised.
    pub layers: Vec<LayerError>,
}

impl QuantReport {
    /// How many times smaller the artefact is; 0 if it is empty.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.bytes_after == 0 {
            return 0.0;
        }
        self.bytes_before as f64 / self.bytes_after as f64
    }
}

/// The rounding error of a tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerError {
    /// The name of the tensor.
    pub name: String,
    /// The largest difference of an element.
    pub max_abs: f32,
    /// The norm of the differences divided by the norm of the tensor.
    pub relative: f32,
}

/// Quantises a model folder into `out`, a bundle that serves without the fp32 weights: writes
/// `model.int8.safetensors` (per matrix `NAME` in I8 and `NAME.scale` in F32, a step per row),
/// copies configuration and tokenizer, and writes `bundle.json` with the new sums.
///
/// Linear layers and embeddings are quantised; vectors and what `config` names stay in F32. With
/// [`QuantConfig::int4`], `NAME` is U8 with two weights a byte and `NAME.scale` BF16, a step per
/// group. `out` may be the model's own folder. Takes about twice the weights file's size in memory.
///
/// ```
/// use cs_model::{BiLstmConfig, Bundle, EncoderConfig, RawTensor, write_safetensors};
/// use cs_quant::{NativeModel, QuantConfig, RuntimeConfig, quantize};
///
/// // A model: configuration, tokenizer, and weights (here all alike).
/// # let dir = tempfile::tempdir()?;
/// # let (folder, out) = (dir.path().join("model"), dir.path().join("int8"));
/// # std::fs::create_dir(&folder)?;
/// let tokenizer = cs_data::Tokenizer::train(["where is my order", "退款"].into_iter(), 60)?;
/// std::fs::write(folder.join("tokenizer.json"), tokenizer.to_json()?)?;
/// let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..BiLstmConfig::default() };
/// let config = EncoderConfig::from(config);
/// std::fs::write(folder.join("config.json"), config.to_json()?)?;
/// let tensors = config.tensors();
/// let weights = tensors.iter().map(|(name, shape)| {
///     let count = shape.iter().product();
///     (name, RawTensor::from_f32(shape, &vec![0.25; count]))
/// });
/// write_safetensors(&folder.join("model.safetensors"), weights, &Default::default())?;
///
/// let report = quantize(&Bundle::open(&folder)?, &out, &QuantConfig::default())?;
/// assert!(report.ratio() > 3.0);
/// let model = NativeModel::open(&Bundle::open(&out)?, &RuntimeConfig::default())?;
/// assert_eq!(model.precision(), cs_quant::Precision::Int8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::NoWeights`] if the folder has no fp32 weights; an error if a tensor is missing or of
/// another shape, the tokenizer does not parse, or a file cannot be written. A failed call leaves
/// no new file in `out`.
pub fn quantize(bundle: &Bundle, out: &Path, config: &QuantConfig) -> Result<QuantReport> {
    config.validate()?;
    require_fp32(bundle, "fp32")?;
    let weights = bundle.weights()?;
    let mut report = QuantReport {
        bytes_before: weights.file_size(),
        ..QuantReport::default()
    };
    let tensors = convert(bundle, &weights, config, &mut report.layers)?;
    drop(weights);
    let mut writer = BundleWriter::new(out)?;
    writer.copy_from(bundle, "config.json")?;
    writer.write("tokenizer.json", &tokenizer_json(bundle)?)?;
    let metadata = BTreeMap::from([(artefact::FORMAT.to_owned(), artefact::VERSION.to_owned())]);
    writer.write_with(Bundle::INT8_WEIGHTS, |path| {
        write_safetensors(path, tensors, &metadata)?;
        report.bytes_after = file_size(path)?;
        Ok::<_, Error>(())
    })?;
    copy_extras(bundle, &mut writer)?;
    writer.finish(manifest(bundle))?;
    Ok(report)
}

type Tensors = Vec<(String, RawTensor<'static>)>;

/// Gives all tensors of the model, those quantised that can be.
fn convert(
    bundle: &Bundle,
    weights: &Weights,
    config: &QuantConfig,
    layers: &mut Vec<LayerError>,
) -> Result<Tensors> {
    let mut written = Vec::new();
    for (name, shape) in tensors(bundle) {
        let data = weights.f32(&name, &shape)?;
        let scheme = config.scheme(&name, &shape);
        let rounding = Rounding::new(config.clip);
        let (rows, error) = stored(&name, data, &shape, scheme, rounding);
        layers.extend(error);
        written.extend(artefact::tensors(&name, &shape, rows));
    }
    Ok(written)
}

/// Gives a tensor as it is to be stored, and its error if that is quantised.
pub(crate) fn stored(
    name: &str,
    data: Vec<f32>,
    shape: &[usize],
    scheme: Scheme,
    rounding: Rounding<'_>,
) -> (StoredMatrix, Option<LayerError>) {
    match (scheme, shape) {
        (Scheme::Fp32, _) | (_, []) => (StoredMatrix::F32(data), None),
        (scheme, [.., cols]) => {
            let rows = StoredMatrix::quantise(data.clone(), *cols, scheme, rounding);
            let error = error_of(name, &data, rows.clone().into_f32(*cols));
            (rows, Some(error))
        }
    }
}

fn error_of(name: &str, data: &[f32], back: Vec<f32>) -> LayerError {
    let (mut max_abs, mut off, mut norm) = (0.0f32, 0.0f64, 0.0f64);
    for (&x, back) in data.iter().zip(back) {
        let difference = x - back;
        max_abs = max_abs.max(difference.abs());
        off += f64::from(difference).powi(2);
        norm += f64::from(x).powi(2);
    }
    let relative = if norm > 0.0 {
        (off / norm).sqrt() as f32
    } else {
        0.0
    };
    LayerError {
        name: name.to_owned(),
        max_abs,
        relative,
    }
}
