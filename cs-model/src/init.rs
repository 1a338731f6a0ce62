//! Fresh weights: where training starts from, and models for tests and benchmarks.
//!
//! Each number is a pure function of (seed, tensor name, index in the tensor), so a model's start
//! depends neither on libtorch's global generator, nor on other threads, nor on the device.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::SplitMix;

use crate::bundle::{RawTensor, write_safetensors};
use crate::config::EncoderConfig;
use crate::config::names::{Part, Role, TensorRole};
use crate::error::Result;
use crate::heads::Tasks;

/// Gives fresh numbers for the tensor `name`: ones for a normalisation's weight, zeros for biases
/// and for transitions between tags, uniform in ±1/sqrt(u) for an LSTM of `u` units (PyTorch's),
/// else normal with the configuration's deviation (BERT's).
///
/// ```
/// use cs_model::{BiLstmConfig, init};
///
/// let config = BiLstmConfig::default().into();
/// let bias = init::fresh_tensor("heads.intent.bias", &[3], &config, 1);
/// assert_eq!(bias, [0.0; 3]);
/// ```
pub fn fresh_tensor(name: &str, shape: &[usize], config: &EncoderConfig, seed: u64) -> Vec<f32> {
    let role = TensorRole::parse(name).map(|tensor| tensor.role);
    fresh(name, shape, config.initial_deviation(role), seed)
}

/// Gives fresh numbers for the tensor `name`, those of matrices and tables of this deviation.
pub(crate) fn fresh(name: &str, shape: &[usize], deviation: f64, seed: u64) -> Vec<f32> {
    let tensor = TensorRole::parse(name);
    let role = tensor.map(|tensor| tensor.role);
    let count = shape.iter().product();
    let mut random = SplitMix::named(seed, name);
    if role.is_some_and(Role::is_lstm) {
        // Every tensor of an LSTM has its four gates stacked in the first dimension.
        let bound = (4.0 / shape[0] as f64).sqrt();
        return (0..count)
            .map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32)
            .collect();
    }
    // At first all tags follow each other equally well.
    let crf = [Role::SlotTransitions, Role::SlotStart, Role::SlotEnd];
    let bias = tensor.is_some_and(|tensor| tensor.part == Part::Bias);
    if bias || role.is_some_and(|role| crf.contains(&role)) {
        return vec![0.0; count];
    }
    if role.is_some_and(Role::is_norm) {
        return vec![1.0; count];
    }
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let pair = normal_pair(&mut random);
        numbers.extend(pair.map(|number| (number * deviation) as f32));
    }
    numbers.truncate(count);
    numbers
}

/// Writes a model of [fresh tensors](fresh_tensor) as fp32 safetensors: the encoder's, and those of
/// the heads. Equal arguments give equal bytes.
///
/// ```
/// use cs_model::{BiLstmConfig, Tasks, Weights, init};
///
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("model.safetensors");
/// let config = BiLstmConfig { vocab_size: 9, embedding_size: 4, ..Default::default() };
/// init::write_fresh(&path, &config.into(), &Tasks::default(), 1)?;
/// assert_eq!(Weights::open(&path)?.shape("embeddings.word_embeddings.weight")?, [9, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write_fresh(path: &Path, config: &EncoderConfig, tasks: &Tasks, seed: u64) -> Result<()> {
    let mut list = config.tensors();
    list.extend(tasks.tensors(config.hidden_size()));
    let tensors = list.iter().map(|(name, shape)| {
        let numbers = fresh_tensor(name, shape, config, seed);
        (name, RawTensor::from_f32(shape, &numbers))
    });
    write_safetensors(path, tensors, &BTreeMap::new())
}

/// Draws two standard normal numbers (Box and Muller 1958).
fn normal_pair(random: &mut SplitMix) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * random.unit()).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BertConfig;

    #[test]
    fn numbers_depend_on_seed_and_name_alone() {
        let weights = |name, seed| fresh_tensor(name, &[7, 5], &BertConfig::default().into(), seed);
        assert_eq!(weights("a.weight", 1), weights("a.weight", 1));
        assert_ne!(weights("a.weight", 1), weights("a.weight", 2));
        assert_ne!(weights("a.weight", 1), weights("b.weight", 1));
        assert_eq!(weights("a.weight", 1).len(), 35);
    }

    #[test]
    fn moments_are_those_of_the_scheme() {
        let config = BertConfig::default().into();
        let start = |name, shape: &[usize]| fresh_tensor(name, shape, &config, 3);
        let moments = |numbers: &[f32]| {
            let mean = numbers.iter().map(|&x| f64::from(x)).sum::<f64>() / numbers.len() as f64;
            let square = numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            (mean, (square / numbers.len() as f64).sqrt())
        };
        let (mean, deviation) = moments(&start("heads.intent.weight", &[200, 500]));
        assert!(
            mean.abs() < 3e-4 && (deviation - 0.02).abs() < 2e-4,
            "{mean} {deviation}"
        );

        let lstm = start("encoder.lstm.bias_ih_l0", &[4 * 10_000]);
        let (mean, deviation) = moments(&lstm);
        assert!(lstm.iter().all(|x| x.abs() <= 0.01));
        assert!(
            mean.abs() < 1e-4 && (deviation - 0.01 / 3_f64.sqrt()).abs() < 1e-4,
            "{deviation}"
        );

        assert_eq!(start("embeddings.LayerNorm.weight", &[2]), [1.0; 2]);
        assert_eq!(start("embeddings.LayerNorm.bias", &[2]), [0.0; 2]);
        assert_eq!(start("cls.predictions.bias", &[2]), [0.0; 2]);
    }
}
