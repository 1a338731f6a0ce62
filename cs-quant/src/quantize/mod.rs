//! From a model folder to its int8 artefact.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use cs_model::{Bundle, BundleWriter, Dtype, Manifest, RawTensor, Weights, write_safetensors};
use serde::Serialize;

use crate::config::QuantConfig;
use crate::error::{QuantError, Result};

/// Key of the artefact's metadata that holds its version.
pub(crate) const FORMAT: &str = "format";
/// The version this crate writes, and the only one there is.
const VERSION: &str = "cs-quant int8 1";

/// What quantising did.
///
/// ```
/// let report = cs_quant::QuantReport { bytes_before: 400, bytes_after: 100, ..Default::default() };
/// assert_eq!(report.ratio(), 4.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct QuantReport {
    /// Size of the weights file that was read.
    pub bytes_before: u64,
    /// Size of the artefact.
    pub bytes_after: u64,
    /// Each tensor that was quantised, and how far it is off.
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
///
/// ```
/// let layer = cs_quant::LayerError { name: "heads.intent.weight".into(), max_abs: 0.01, relative: 0.004 };
/// assert!(layer.relative < 0.01);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerError {
    /// Its name.
    pub name: String,
    /// Largest difference of an element.
    pub max_abs: f32,
    /// Norm of the differences over the norm of the tensor.
    pub relative: f32,
}

/// Quantises a model folder into `out`, a bundle that serves without the fp32 weights: writes
/// `model.int8.safetensors` (per matrix `NAME` in I8 and `NAME.scale` in F32, a step per row),
/// copies configuration and tokenizer, and writes `bundle.json` with the new sums.
///
/// Linear layers and embeddings are quantised, vectors and what `config` names stay in F32.
/// `out` may be the model's own folder. Takes about twice the weights file's size in memory.
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
/// [`QuantError::NoWeights`] if the folder has no fp32 weights; a tensor that is missing or of
/// another shape; the tokenizer's errors; a file that cannot be written. Nothing is left behind.
pub fn quantize(bundle: &Bundle, out: &Path, config: &QuantConfig) -> Result<QuantReport> {
    config.validate()?;
    if !has_weights(bundle) {
        return Err(QuantError::NoWeights {
            path: bundle.dir().to_owned(),
            wanted: "fp32",
        });
    }
    let weights = bundle.weights()?;
    let mut report = QuantReport {
        bytes_before: file_size(weights.path())?,
        ..QuantReport::default()
    };
    let tensors = convert(bundle, &weights, config, &mut report.layers)?;
    drop(weights);
    let tokenizer = match bundle.read("tokenizer.json") {
        Ok(bytes) => bytes,
        // A plain folder may have vocab.txt instead.
        Err(_) => bundle
            .tokenizer()?
            .to_json()
            .map_err(cs_model::Error::from)?,
    };
    let mut writer = BundleWriter::new(out)?;
    writer.copy_from(bundle, "config.json")?;
    writer.write("tokenizer.json", &tokenizer)?;
    let metadata = BTreeMap::from([(FORMAT.to_owned(), VERSION.to_owned())]);
    writer.write_with(Bundle::INT8_WEIGHTS, |path| {
        write_safetensors(path, tensors, &metadata)?;
        report.bytes_after = file_size(path)?;
        Ok::<_, QuantError>(())
    })?;
    let fresh = || Manifest::new(bundle.tasks().clone(), bundle.max_length());
    writer.finish(bundle.manifest().cloned().unwrap_or_else(fresh))?;
    Ok(report)
}

/// Whether the folder has fp32 (or 16-bit) weights.
pub(crate) fn has_weights(bundle: &Bundle) -> bool {
    match bundle.manifest() {
        Some(manifest) => manifest.files.contains_key(Bundle::WEIGHTS),
        None => bundle.weights_path().is_file(),
    }
}

type Tensors = Vec<(String, RawTensor<'static>)>;

/// All tensors of the model, quantised where they take it.
fn convert(
    bundle: &Bundle,
    weights: &Weights,
    config: &QuantConfig,
    layers: &mut Vec<LayerError>,
) -> Result<Tensors> {
    let mut tensors = bundle.config().tensors();
    tensors.extend(bundle.tasks().tensors(bundle.config().hidden_size()));
    let mut written = Vec::with_capacity(tensors.len() * 2);
    for (name, shape) in tensors {
        let data = weights.f32(&name, &shape)?;
        if !takes_int8(&name, &shape, config) {
            written.push((name, raw(Dtype::F32, shape, f32_bytes(&data))));
            continue;
        }
        let (values, scale) = quantise_rows(&data, shape[1], limit(&name, config));
        layers.push(error_of(&name, &data, (&values, &scale)));
        let bytes = values.iter().map(|&v| v as u8).collect();
        let rows = vec![shape[0]];
        written.push((
            format!("{name}.scale"),
            raw(Dtype::F32, rows, f32_bytes(&scale)),
        ));
        written.push((name, raw(Dtype::I8, shape, bytes)));
    }
    Ok(written)
}

fn raw(dtype: Dtype, shape: Vec<usize>, data: Vec<u8>) -> RawTensor<'static> {
    RawTensor {
        dtype,
        shape: Cow::Owned(shape),
        data: Cow::Owned(data),
    }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn error_of(name: &str, data: &[f32], (values, scale): (&[i8], &[f32])) -> LayerError {
    let cols = data.len() / scale.len().max(1);
    let (mut max_abs, mut off, mut norm) = (0.0f32, 0.0f64, 0.0f64);
    for (i, (&x, &q)) in data.iter().zip(values).enumerate() {
        let difference = x - f32::from(q) * scale[i / cols];
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

/// Whether a tensor is quantised: matrices are, save for the two rows of token types and the scores
/// between slot tags.
pub(crate) fn takes_int8(name: &str, shape: &[usize], config: &QuantConfig) -> bool {
    shape.len() == 2
        && name != "embeddings.token_type_embeddings.weight"
        && name != "heads.slots.transitions"
        && !config.keeps_fp32(name)
}

/// Largest magnitude of a tensor's integers: embeddings enter no product and take all 8 bits.
pub(crate) fn limit(name: &str, config: &QuantConfig) -> i8 {
    if name.starts_with("embeddings.") {
        i8::MAX
    } else {
        config.limit()
    }
}

/// Symmetric, a step per row: `q = round(x / step)`, `step = max |x| / limit`. A row of zeros gets
/// the step 1.
pub(crate) fn quantise_rows(data: &[f32], cols: usize, limit: i8) -> (Vec<i8>, Vec<f32>) {
    let mut values = Vec::with_capacity(data.len());
    let mut scale = Vec::with_capacity(data.len() / cols.max(1));
    for row in data.chunks_exact(cols.max(1)) {
        let largest = row.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let step = largest / f32::from(limit);
        // Below that, x / step would not be a number.
        let step = if step >= f32::MIN_POSITIVE { step } else { 1.0 };
        scale.push(step);
        // 1.5 * 2^23: adding it rounds to the nearest integer, which is within ±127.
        const ROUND: f32 = 12_582_912.0;
        values.extend(row.iter().map(|x| (x / step + ROUND).to_bits() as i8));
    }
    (values, scale)
}

/// Refuses artefacts of another version.
pub(crate) fn check_format(weights: &Weights) -> Result<()> {
    let found = weights.metadata().get(FORMAT).map_or("", String::as_str);
    if found == VERSION {
        return Ok(());
    }
    Err(QuantError::Format {
        path: weights.path().to_owned(),
        found: found.to_owned(),
        expected: VERSION,
    })
}

fn file_size(path: &Path) -> Result<u64> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(source) => Err(QuantError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_rounded_to_half_a_step() {
        let data = [1.0, -0.5, 0.004, 0.0, 0.0, 0.0, 1e-45, 0.0, 0.0];
        for limit in [63, 127] {
            let (values, scale) = quantise_rows(&data, 3, limit);
            assert_eq!(values[0], limit);
            assert_eq!(scale[1..], [1.0, 1.0]);
            for (i, x) in data.iter().enumerate() {
                let back = f32::from(values[i]) * scale[i / 3];
                assert!((x - back).abs() <= scale[i / 3] / 2.0 + 1e-7);
            }
        }
    }

    #[test]
    fn matrices_take_int8_unless_kept() {
        let config = QuantConfig::default();
        assert!(takes_int8(
            "encoder.layer.0.output.dense.weight",
            &[4, 4],
            &config
        ));
        assert!(!takes_int8(
            "encoder.layer.0.output.dense.bias",
            &[4],
            &config
        ));
        assert!(!takes_int8("heads.intent.weight", &[4, 4], &config));
        assert_eq!(limit("embeddings.word_embeddings.weight", &config), 127);
        assert_eq!(limit("encoder.layer.0.output.dense.weight", &config), 63);
    }
}
