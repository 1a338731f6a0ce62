//! Benchmarks of the customer-service model crates.
//!
//! The binary `peer` serves the native runtime by a line protocol, so that it can be measured
//! beside other runtimes in one run; `cargo bench` has the parts. What both need is here: models
//! with random weights, and ragged batches.

pub mod connection;
pub mod conversation;
mod finish;

use std::path::Path;

use cs_data::SplitMix;
use cs_model::names::{Part, TensorRole};
use cs_model::{BertConfig, EncoderConfig, RawTensor, Result, write_safetensors};

pub use finish::finish;

/// The shape of all-MiniLM-L6-v2: 6 layers of width 384, 22.7 million parameters.
///
/// ```
/// assert_eq!(cs_benches::minilm().hidden_size(), 384);
/// ```
#[must_use]
pub fn minilm() -> EncoderConfig {
    EncoderConfig::from(BertConfig {
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        ..BertConfig::default()
    })
}

/// Writes a plain encoder folder with random weights.
///
/// # Errors
///
/// If a file cannot be written.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use cs_model::{BertConfig, Bundle};
///
/// let small = BertConfig { vocab_size: 20, hidden_size: 24, ..BertConfig::default() };
/// cs_benches::write_random_model(dir.path(), &small.into(), 1)?;
/// assert_eq!(Bundle::open(dir.path())?.config().hidden_size(), 24);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_random_model(dir: &Path, config: &EncoderConfig, seed: u64) -> Result<()> {
    let path = dir.join("config.json");
    std::fs::write(&path, config.to_json()?)
        .map_err(|source| cs_model::Error::Io { path, source })?;
    let mut random = SplitMix::new(seed);
    let tensors = config.tensors();
    let weights = tensors.iter().map(|(name, shape)| {
        let count = shape.iter().product();
        let values: Vec<f32> = match is_norm_weight(name) {
            true => vec![1.0; count],
            false => (0..count).map(|_| small(&mut random)).collect(),
        };
        (name, RawTensor::from_f32(shape, &values))
    });
    write_safetensors(&dir.join("model.safetensors"), weights, &Default::default())
}

fn is_norm_weight(name: &str) -> bool {
    let tensor = TensorRole::parse(name);
    tensor.is_some_and(|tensor| tensor.role.is_norm() && tensor.part == Part::Weight)
}

/// In -0.06..0.06.
fn small(random: &mut SplitMix) -> f32 {
    ((random.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * 0.06
}

/// Random sequences of the given lengths, ids in `0..vocab`.
///
/// ```
/// let sequences = cs_benches::sequences(&[3, 1], 100, 7);
/// assert_eq!((sequences[0].len(), sequences[1].len()), (3, 1));
/// ```
#[must_use]
pub fn sequences(lengths: &[usize], vocab: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut random = SplitMix::new(seed);
    let mut sequence = |&length| (0..length).map(|_| random.below(vocab) as u32).collect();
    lengths.iter().map(&mut sequence).collect()
}
