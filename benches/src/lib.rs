//! Benchmarks of the customer-service model crates.
//!
//! The binary `peer` runs the native runtime behind a line protocol, so that it can be measured
//! beside other runtimes in one run; `cargo bench` has the parts. What both need is here: models
//! with random weights, and ragged batches.

use std::path::Path;

use cs_model::{EncoderConfig, RawTensor, Result, TransformerConfig, write_safetensors};

/// A sequence of numbers that looks random: the same seed, the same numbers (SplitMix64).
///
/// ```
/// let mut random = cs_benches::Random(7);
/// assert!(random.below(10) < 10);
/// assert!(random.uniform().abs() <= 1.0);
/// ```
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `0..bound`; `bound` is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound.max(1) as u64) as usize
    }

    /// In -1..1.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// The shape of all-MiniLM-L6-v2: 6 layers of width 384, 22.7 million parameters.
///
/// ```
/// assert_eq!(cs_benches::minilm().hidden_size(), 384);
/// ```
#[must_use]
pub fn minilm() -> EncoderConfig {
    EncoderConfig::from(TransformerConfig {
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        ..TransformerConfig::default()
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
/// use cs_model::{Bundle, TransformerConfig};
///
/// let small = TransformerConfig { vocab_size: 20, hidden_size: 24, ..TransformerConfig::default() };
/// cs_benches::write_random_model(dir.path(), &small.into(), 1)?;
/// assert_eq!(Bundle::open(dir.path())?.config().hidden_size(), 24);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_random_model(dir: &Path, config: &EncoderConfig, seed: u64) -> Result<()> {
    let path = dir.join("config.json");
    std::fs::write(&path, config.to_json()?)
        .map_err(|source| cs_model::Error::Io { path, source })?;
    let mut random = Random(seed);
    let tensors = config.tensors();
    let weights = tensors.iter().map(|(name, shape)| {
        let count = shape.iter().product();
        let one = name.ends_with("LayerNorm.weight");
        let value = |_| if one { 1.0 } else { random.uniform() * 0.06 };
        let values: Vec<f32> = (0..count).map(value).collect();
        (name, RawTensor::from_f32(shape, &values))
    });
    write_safetensors(&dir.join("model.safetensors"), weights, &Default::default())
}

/// Random sequences of the given lengths, ids in `0..vocab`.
///
/// ```
/// let sequences = cs_benches::sequences(&[3, 1], 100, 7);
/// assert_eq!((sequences[0].len(), sequences[1].len()), (3, 1));
/// ```
#[must_use]
pub fn sequences(lengths: &[usize], vocab: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut random = Random(seed);
    let mut sequence = |&length| (0..length).map(|_| random.below(vocab) as u32).collect();
    lengths.iter().map(&mut sequence).collect()
}
