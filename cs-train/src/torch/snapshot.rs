//! Tensors of a checkpoint: copied to memory, written, read back.

use std::collections::BTreeMap;
use std::path::Path;

use cs_model::{Dtype, RawTensor, Weights, write_safetensors};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};

/// Copies of fp32 tensors in the host's memory, which training cannot change any more.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)>,
}

impl Snapshot {
    /// Copies a tensor.
    pub(crate) fn add(&mut self, name: String, tensor: &Tensor) -> Result<()> {
        let tensor = tensor.f_detach()?.f_contiguous()?;
        let mut bytes = vec![0; tensor.numel() * Kind::Float.elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        let shape = tensor.size().iter().map(|&size| size as usize).collect();
        self.tensors.insert(name, (shape, bytes));
        Ok(())
    }

    /// Writes all tensors and returns their sum.
    pub(crate) fn write(&self, path: &Path) -> Result<String> {
        let mut hash = Sha256::new();
        for (name, (_, bytes)) in &self.tensors {
            add_to(&mut hash, name, bytes);
        }
        let tensors = self
            .tensors
            .iter()
            .map(|(name, (shape, bytes))| (name, RawTensor::from_bytes(Dtype::F32, shape, bytes)));
        // What Hugging Face's reader asks for.
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        write_safetensors(path, tensors, &metadata)?;
        Ok(format!("{:x}", hash.finalize()))
    }
}

/// A file of tensors, read and verified.
#[derive(Debug)]
pub(crate) struct Loaded(Weights);

impl Loaded {
    /// Reads a file and compares its sum.
    pub(crate) fn open(path: &Path, sha256: &str) -> Result<Self> {
        let weights = Weights::open(path)?;
        let mut hash = Sha256::new();
        for name in weights.names() {
            add_to(&mut hash, name, &weights.raw(name)?.data);
        }
        let found = format!("{:x}", hash.finalize());
        if found != sha256 {
            return Err(Error::Checkpoint {
                path: path.to_owned(),
                found: format!("tensors with the sum {found}"),
                expected: format!("{sha256}; the file is damaged"),
            });
        }
        Ok(Self(weights))
    }

    /// A tensor of this name and shape, in the host's memory.
    pub(crate) fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let sizes: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
        let bytes = self.0.bytes(name, Dtype::F32, &sizes)?;
        Ok(Tensor::f_from_data_size(&bytes, shape, Kind::Float)?)
    }

    /// Whether there is a tensor whose name begins so.
    pub(crate) fn has(&self, prefix: &str) -> bool {
        self.0.names().any(|name| name.starts_with(prefix))
    }
}

/// The sum of a model's weights.
pub(crate) fn sum_of(parameters: &[(String, Tensor)]) -> Result<String> {
    let mut hash = Sha256::new();
    for (name, tensor) in parameters {
        let mut one = Snapshot::default();
        one.add(name.clone(), &tensor.f_to_kind(Kind::Float)?)?;
        for (name, (_, bytes)) in &one.tensors {
            add_to(&mut hash, name, bytes);
        }
    }
    Ok(format!("{:x}", hash.finalize()))
}

fn add_to(hash: &mut Sha256, name: &str, bytes: &[u8]) {
    hash.update((name.len() as u64).to_le_bytes());
    hash.update(name);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
