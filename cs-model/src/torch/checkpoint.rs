//! Tensors straight from a checkpoint's files, and back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tch::{Kind, Tensor};

use super::parameters::{Parameters, Scope};
use crate::bundle::{Bundle, Dtype, RawTensor, Weights, write_safetensors};
use crate::error::{Error, Result};
use crate::ops::{Device, tensor_bytes, tensor_of_bytes};

/// Gives libtorch's name of a floating-point type, and an error for any other.
fn kind(dtype: Dtype) -> Result<Kind> {
    match dtype {
        Dtype::F32 => Ok(Kind::Float),
        Dtype::F16 => Ok(Kind::Half),
        Dtype::BF16 => Ok(Kind::BFloat16),
        other => Err(Error::field("dtype", other, "F32, F16 or BF16")),
    }
}

/// Gives the type in which a device computes, and an error for one in which it does not.
pub(super) fn computed_kind(dtype: Dtype, device: Device) -> Result<Kind> {
    device.check()?;
    if device == Device::Cpu && dtype == Dtype::F16 {
        return Err(Error::field("dtype", dtype, "F32 or BF16 on the CPU"));
    }
    kind(dtype)
}

fn dtype(kind: Kind) -> Dtype {
    match kind {
        Kind::Half => Dtype::F16,
        Kind::BFloat16 => Dtype::BF16,
        _ => Dtype::F32,
    }
}

/// Reads tensors of these names and shapes, which the files have, as they lie there and only then in
/// another type or on another device; as many at once as there are cores.
pub(super) fn load(
    weights: &Weights,
    names: Vec<(String, Vec<usize>)>,
    device: Device,
    wanted: Kind,
) -> Result<Parameters> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let read_some = || -> Result<Vec<(usize, Tensor)>> {
        let mut read = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, shape)) = names.get(place) else {
                return Ok(read);
            };
            let own = kind(weights.dtype(name)?)?;
            let tensor = tensor_of_bytes(shape, own, |bytes| weights.read_into(name, bytes))?;
            read.push((place, arrive(&tensor, device, wanted)?));
        }
    };
    let read = thread::scope(|scope| {
        let started: Vec<_> = (1..threads.min(names.len()))
            .map(|_| scope.spawn(read_some))
            .collect();
        let mut all = read_some();
        for thread in started {
            let part = thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all = all.and_then(|mut all| {
                all.extend(part?);
                Ok(all)
            });
        }
        all
    });
    let mut tensors: Vec<_> = read?;
    tensors.sort_by_key(|(place, _)| *place);
    let tensors = tensors.into_iter().map(|(_, tensor)| tensor);
    let names = names.into_iter().map(|(name, _)| name);
    Ok(Parameters::of(names.zip(tensors).collect()))
}

#[expect(clippy::disallowed_methods, reason = "before any step")]
fn arrive(tensor: &Tensor, device: Device, kind: Kind) -> Result<Tensor> {
    // In 16 bits it takes half as long to the device.
    let small = tensor.kind().elt_size_in_bytes() <= kind.elt_size_in_bytes();
    if small {
        return Ok(tensor.f_to(device.into())?.f_to_kind(kind)?);
    }
    Ok(tensor.f_to_kind(kind)?.f_to(device.into())?)
}

/// Writes a folder of this `config.json` and of tensors under the names that a checkpoint of the
/// whole model gives them, each file whole or not at all.
pub(super) fn save(dir: &Path, config: &[u8], model: Scope<'_>) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    let mut raw = Vec::new();
    for (name, tensor) in model.in_checkpoint() {
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        raw.push((name, dtype(tensor.kind()), shape, tensor_bytes(tensor)?));
    }
    let tensors = raw
        .iter()
        .map(|(name, dtype, shape, bytes)| (name, RawTensor::from_bytes(*dtype, shape, bytes)));
    // Hugging Face's reader asks for this entry.
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    write_safetensors(&dir.join(Bundle::WEIGHTS), tensors, &metadata)?;
    let path = dir.join("config.json");
    cs_data::file::write(&path, |out| out.write_all(config)).map_err(Error::io(&path))
}
