//! The artefact's tensors: how each precision lies in a safetensors file.
//!
//! A matrix `NAME` `[rows, cols]` is F32; or I8 with `NAME.scale` F32 `[rows]`; or, two weights a
//! byte, U8 `[rows, cols / 2]` with `NAME.scale` F16 `[rows, cols / group]`. The reader goes by
//! the types and shapes it finds, and trusts none of them.

use std::borrow::Cow;

use cs_model::{Dtype, RawTensor, Weights};
use half::f16;

use super::matrix::StoredMatrix;
use crate::error::{Error, Result};

/// The key of the artefact's metadata under which its version is.
pub(crate) const FORMAT: &str = "format";
/// The version this crate writes.
pub(crate) const VERSION: &str = "cs-quant int8 2";
/// The versions that this crate reads. Version 1 had no int4; otherwise it is the same.
const READ: [&str; 2] = ["cs-quant int8 1", VERSION];

/// Refuses an artefact of another version.
pub(crate) fn check_format(weights: &Weights) -> Result<()> {
    let found = weights.metadata().get(FORMAT).map_or("", String::as_str);
    if READ.contains(&found) {
        return Ok(());
    }
    Err(Error::Format {
        path: weights.path().to_owned(),
        found: found.to_owned(),
        expected: VERSION,
    })
}

/// Gives the file's tensors for a matrix, or for a vector in f32: the numbers themselves, and their
/// steps.
pub(crate) fn tensors(
    name: &str,
    shape: &[usize],
    rows: StoredMatrix,
) -> Vec<(String, RawTensor<'static>)> {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let steps = format!("{name}.scale");
    let name = name.to_owned();
    match rows {
        StoredMatrix::F32(data) => vec![(name, raw(Dtype::F32, shape.to_vec(), bytes(&data)))],
        StoredMatrix::Int8 { data, scale } => {
            let data = data.iter().map(|&v| v as u8).collect();
            let scale = raw(Dtype::F32, vec![shape[0]], bytes(&scale));
            vec![(steps, scale), (name, raw(Dtype::I8, shape.to_vec(), data))]
        }
        StoredMatrix::Int4 { data, scale, group } => {
            let halves = scale.iter().flat_map(|&s| f16::from_f32(s).to_le_bytes());
            let scale = raw(
                Dtype::F16,
                vec![shape[0], shape[1] / group],
                halves.collect(),
            );
            let packed = vec![shape[0], shape[1] / 2];
            vec![(steps, scale), (name, raw(Dtype::U8, packed, data))]
        }
    }
}

fn raw(dtype: Dtype, shape: Vec<usize>, data: Vec<u8>) -> RawTensor<'static> {
    RawTensor {
        dtype,
        shape: Cow::Owned(shape),
        data: Cow::Owned(data),
    }
}

/// Reads a matrix in whatever precision it has.
///
/// # Errors
///
/// A tensor is missing, or of another type or shape; or a step is not finite, zero, or negative in int8.
pub(crate) fn read(weights: &Weights, name: &str, shape: [usize; 2]) -> Result<StoredMatrix> {
    let [rows, cols] = shape;
    match weights.dtype(name)? {
        Dtype::I8 => {
            let bytes = weights.bytes(name, Dtype::I8, &shape)?;
            Ok(StoredMatrix::Int8 {
                scale: steps(weights, name, &[rows], &OF_ROWS)?,
                // It is converted in place, without a second copy.
                data: bytes.into_owned().into_iter().map(|b| b as i8).collect(),
            })
        }
        Dtype::U8 => {
            let group = group(weights, name, cols)?;
            let bytes = weights.bytes(name, Dtype::U8, &[rows, cols / 2])?;
            Ok(StoredMatrix::Int4 {
                scale: steps(weights, name, &[rows, cols / group], &OF_GROUPS)?,
                data: bytes.into_owned(),
                group,
            })
        }
        _ => Ok(StoredMatrix::F32(weights.f32(name, &shape)?)),
    }
}

/// Gives how many weights of a 4-bit matrix share a step, according to the shape of the steps.
fn group(weights: &Weights, name: &str, cols: usize) -> Result<usize> {
    let tensor = format!("{name}.scale");
    let shape = weights.shape(&tensor)?;
    let group = match *shape {
        [_, groups] if groups > 0 && cols.is_multiple_of(groups) => cols / groups,
        _ => 0,
    };
    if group > 0 && group.is_multiple_of(2) {
        return Ok(group);
    }
    Err(Error::Tensor {
        path: weights.path().to_owned(),
        tensor,
        found: format!("shape {shape:?}"),
        expected: format!("a step for each even share of {cols} columns"),
    })
}

/// What steps have to be.
struct Steps {
    expected: &'static str,
    is_one: fn(f32) -> bool,
}

/// The steps of rows in int8.
const OF_ROWS: Steps = Steps {
    expected: "positive, finite steps",
    is_one: |step| step > 0.0 && step.is_finite(),
};

/// The steps of groups in int4, which are numbers of an f16.
const OF_GROUPS: Steps = Steps {
    expected: "steps of at most 65504 that are not 0",
    is_one: |step| step != 0.0 && step.abs() <= f16::MAX.to_f32(),
};

/// Reads the steps of a matrix.
fn steps(weights: &Weights, name: &str, shape: &[usize], kind: &Steps) -> Result<Vec<f32>> {
    let tensor = format!("{name}.scale");
    let steps = weights.f32(&tensor, shape)?;
    match steps.iter().position(|&step| !(kind.is_one)(step)) {
        None => Ok(steps),
        Some(at) => Err(Error::Tensor {
            path: weights.path().to_owned(),
            tensor,
            found: format!("{} at element {at}", steps[at]),
            expected: kind.expected.to_owned(),
        }),
    }
}
