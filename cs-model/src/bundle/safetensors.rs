//! The safetensors format: a tensor, the header, and a file written whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

pub use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::error::{Error, Result};

/// The longest header in bytes, which is the format's own limit.
pub(super) const MOST_HEADER_BYTES: u64 = 100_000_000;

/// A tensor as it lies in a file: row-major, little-endian.
///
/// ```
/// use cs_model::{Dtype, RawTensor};
///
/// let tensor = RawTensor::from_f32(&[2, 1], &[1.0, -2.0]);
/// assert_eq!((tensor.dtype, tensor.data.len()), (Dtype::F32, 8));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RawTensor<'a> {
    /// The type of the elements.
    pub dtype: Dtype,
    /// The sizes of the dimensions, outermost first.
    pub shape: Cow<'a, [usize]>,
    /// The bytes of the elements, row-major and little-endian.
    pub data: Cow<'a, [u8]>,
}

impl<'a> RawTensor<'a> {
    /// Makes a tensor of f32 numbers, which are copied.
    pub fn from_f32(shape: &'a [usize], values: &[f32]) -> Self {
        let data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self {
            dtype: Dtype::F32,
            shape: shape.into(),
            data: Cow::Owned(data),
        }
    }

    /// Makes a tensor over bytes that are borrowed.
    pub fn from_bytes(dtype: Dtype, shape: &'a [usize], data: &'a [u8]) -> Self {
        Self {
            dtype,
            shape: shape.into(),
            data: data.into(),
        }
    }
}

/// Writes tensors as a safetensors file, whole or not at all. The same tensors and metadata give
/// the same bytes, in whatever order they come.
///
/// # Errors
/// [`Error::Tensor`] if the data and shape of a tensor do not fit or a name comes twice;
/// [`Error::Io`] if the file cannot be written.
///
/// See [`Weights`](super::Weights) for an example.
pub fn write_safetensors<'a, S: AsRef<str>>(
    path: &Path,
    tensors: impl IntoIterator<Item = (S, RawTensor<'a>)>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    // The widest elements come first, so that every tensor is aligned to its own.
    tensors.sort_by(|(a_name, a), (b_name, b)| {
        (b.dtype, a_name.as_ref()).cmp(&(a.dtype, b_name.as_ref()))
    });
    let header = write_header(path, &tensors, metadata)?;
    let written = cs_data::file::write(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        tensors
            .iter()
            .try_for_each(|(_, tensor)| out.write_all(&tensor.data))
    });
    written.map_err(Error::io(path))
}

fn write_header<S: AsRef<str>>(
    path: &Path,
    tensors: &[(S, RawTensor<'_>)],
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    let mut fields = serde_json::Map::new();
    if !metadata.is_empty() {
        fields.insert("__metadata__".into(), serde_json::json!(metadata));
    }
    let mut offset = 0;
    for (name, tensor) in tensors {
        let name = name.as_ref();
        if byte_size(tensor.dtype, &tensor.shape) != Some(tensor.data.len()) {
            let expected = format!("the bytes of {} {:?}", tensor.dtype, tensor.shape);
            return Err(Error::tensor(
                path,
                name,
                expected,
                tensor.data.len().to_string(),
            ));
        }
        let end = offset + tensor.data.len();
        let info = serde_json::json!({
            "dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [offset, end],
        });
        if fields.insert(name.to_owned(), info).is_some() {
            return Err(Error::tensor(path, name, "one tensor of this name", "two"));
        }
        offset = end;
    }
    let mut header = serde_json::Value::from(fields).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

/// Gives the position where the data starts, and the header. Its offsets cover the data without gap
/// or overlap and fit the shapes (the safetensors crate sees to that), and the data ends with the
/// file.
///
/// `bytes` are the file's first ones, at least those of the header; `size` is that of the file.
pub(super) fn read_header(bytes: &[u8], size: u64, origin: &Path) -> Result<(usize, Metadata)> {
    let torn = |reason: String| Error::Safetensors {
        path: origin.to_owned(),
        reason,
    };
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(torn(format!("{} bytes, expected at least 8", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length)
        .ok()
        .and_then(|length| rest.get(..length));
    let Some(header) = header.filter(|_| length <= MOST_HEADER_BYTES) else {
        return Err(torn(format!(
            "a header of {length} bytes in a file of {size}"
        )));
    };
    let metadata: Metadata = serde_json::from_slice(header)
        .map_err(|error| torn(format!("the header does not parse: {error}")))?;
    let start = 8 + header.len();
    let data = size - start as u64;
    if metadata.data_len() as u64 != data {
        let expected = metadata.data_len();
        return Err(torn(format!(
            "{data} bytes of tensors, the header says {expected}"
        )));
    }
    Ok((start, metadata))
}

fn byte_size(dtype: Dtype, shape: &[usize]) -> Option<usize> {
    let count = shape
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size))?;
    Some(count.checked_mul(dtype.bitsize())?.div_ceil(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w");
        let one = || RawTensor::from_f32(&[1], &[1.0]);
        let none = BTreeMap::new();
        assert!(write_safetensors(&path, [("a", one()), ("a", one())], &none).is_err());
        let misfit = RawTensor::from_bytes(Dtype::F32, &[3], &[0; 4]);
        assert!(write_safetensors(&path, [("a", misfit)], &none).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_same_tensors_give_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let metadata: BTreeMap<_, _> = (0..9).map(|i| (i.to_string(), "x".to_owned())).collect();
        let write = |file: &str, names: [&str; 2]| {
            let path = dir.path().join(file);
            let tensors = names.map(|name| (name, RawTensor::from_f32(&[1], &[0.5])));
            write_safetensors(&path, tensors, &metadata).unwrap();
            std::fs::read(path).unwrap()
        };
        assert_eq!(write("1", ["a", "b"]), write("2", ["b", "a"]));
    }
}
