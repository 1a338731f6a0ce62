//! Checkpoints: checked safetensors files, read tensor by tensor and written whole.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::manifest::WEIGHTS;
#[cfg(feature = "torch")]
use super::numbers::are_finite;
use super::numbers::floats;
use super::plain::how_to_convert;
use super::safetensors::{MOST_HEADER_BYTES, RawTensor, read_header};
use super::shard::{Content, Shard};
use super::shards::{SHARDS, ShardList};
use crate::config::names::normalise_name;
use crate::error::{Error, Result};
use crate::file::OpenFile;

/// A checked safetensors file, or several that make up one model: header, offsets and sizes fit
/// each file exactly. Names are [normalised](normalise_name). It holds the headers and the open
/// files, unless it was made [from bytes](Weights::from_bytes); a tensor is read when it is asked
/// for, and not if its file was written to since it was opened.
///
/// ```
/// use cs_model::{RawTensor, Weights, write_safetensors};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("model.safetensors");
/// let tensors = [("bert.embeddings.LayerNorm.gamma", RawTensor::from_f32(&[2], &[1.0, 2.0]))];
/// write_safetensors(&path, tensors, &Default::default())?;
///
/// let weights = Weights::open(&path)?;
/// assert_eq!(weights.f32("embeddings.LayerNorm.weight", &[2])?, [1.0, 2.0]);
/// assert!(weights.f32("embeddings.LayerNorm.weight", &[3]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

/// A tensor of one of the files.
#[derive(Debug)]
struct Entry {
    shard: usize,
    info: TensorInfo,
}

impl Weights {
    /// Reads the header of a safetensors file. A tensor is read when it is asked for.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::Safetensors`] for a file in another
    /// format or a torn one.
    pub fn open(path: &Path) -> Result<Self> {
        Self::from_file(OpenFile::open(path)?, path)
    }

    /// Reads the header of an open file; `origin` is the name that errors give it.
    ///
    /// # Errors
    /// As [`Weights::open`].
    pub(crate) fn from_file(file: OpenFile, origin: &Path) -> Result<Self> {
        let mut weights = Self::empty(origin);
        weights.add_file(file, origin)?;
        Ok(weights)
    }

    /// Takes the content of a safetensors file; `origin` is the name that errors give it.
    ///
    /// # Errors
    /// [`Error::Safetensors`] for content in another format, or torn.
    pub fn from_bytes(bytes: Vec<u8>, origin: &Path) -> Result<Self> {
        let (start, header) = read_header(&bytes, bytes.len() as u64, origin)?;
        let shard = Shard {
            path: origin.to_owned(),
            content: Content::Memory(bytes),
            start,
            sum: None,
        };
        let mut weights = Self::empty(origin);
        weights.add(shard, &header)?;
        Ok(weights)
    }

    /// Opens the files that a `model.safetensors.index.json` lists, all in its folder, and reads
    /// their headers.
    ///
    /// # Errors
    /// [`Error::Json`] and [`Error::Field`] if the file is no such list, or leads out of the
    /// folder; [`Error::Missing`] for a file that is not there; [`Error::Tensor`] for a tensor that
    /// is not in the file that the list names, or comes twice; the errors of [`Weights::open`] for
    /// each file.
    pub fn open_sharded(index: &Path) -> Result<Self> {
        let list = ShardList::open(index)?;
        let mut weights = Self::empty(index);
        for name in list.files() {
            let path = index.with_file_name(name);
            if !path.is_file() {
                let needed_by = format!("{} lists it", index.display());
                return Err(Error::Missing { path, needed_by });
            }
            weights.add_file(OpenFile::open(&path)?, &path)?;
        }
        for (name, file) in &list.weight_map {
            let Some(name) = normalise_name(name) else {
                continue;
            };
            let path = index.with_file_name(file);
            let entry = weights.tensors.get(&*name);
            if entry.is_none_or(|entry| weights.shards[entry.shard].path != path) {
                let expected = format!("this tensor here, as {} says", index.display());
                return Err(Error::tensor(&path, &name, expected, "no such tensor"));
            }
        }
        Ok(weights)
    }

    /// Opens the weights of a folder, which lie in one file or in several.
    ///
    /// # Errors
    /// [`Error::Missing`] if the folder has no safetensors file, and those of [`Weights::open`] and
    /// [`Weights::open_sharded`].
    pub fn open_folder(dir: &Path) -> Result<Self> {
        let (one, several) = (dir.join(WEIGHTS), dir.join(SHARDS));
        if one.is_file() || !several.is_file() {
            if !one.is_file() {
                let needed_by = how_to_convert(dir)
                    .unwrap_or_else(|| format!("the model's weights, or {SHARDS}"));
                let path = one;
                return Err(Error::Missing { path, needed_by });
            }
            return Self::open(&one);
        }
        Self::open_sharded(&several)
    }

    fn empty(origin: &Path) -> Self {
        Self {
            path: origin.to_owned(),
            shards: Vec::new(),
            tensors: BTreeMap::new(),
            metadata: BTreeMap::new(),
        }
    }

    fn add_file(&mut self, file: OpenFile, path: &Path) -> Result<()> {
        let mut start = file.read(0, 8)?;
        if let Some(length) = start.first_chunk::<8>() {
            // A header that claims to be longer than any may be is refused below.
            let length = u64::from_le_bytes(*length).min(MOST_HEADER_BYTES);
            start.extend(file.read(8, length)?);
        }
        let (start, header) = read_header(&start, file.size(), path)?;
        let shard = Shard {
            path: path.to_owned(),
            content: Content::File(file),
            start,
            sum: None,
        };
        self.add(shard, &header)
    }

    fn add(&mut self, shard: Shard, header: &Metadata) -> Result<()> {
        for (name, info) in header.tensors() {
            let Some(known) = normalise_name(&name) else {
                continue;
            };
            let entry = Entry {
                shard: self.shards.len(),
                info: info.clone(),
            };
            if self.tensors.insert(known.to_string(), entry).is_some() {
                let expected = "one tensor of this name";
                return Err(Error::tensor(&shard.path, &known, expected, "two"));
            }
        }
        let metadata = header.metadata().iter().flatten();
        self.metadata
            .extend(metadata.map(|(key, value)| (key.clone(), value.clone())));
        self.shards.push(shard);
        Ok(())
    }

    /// Sets the sum that a single file must have, if one is known.
    pub(crate) fn with_sum(mut self, sum: Option<String>) -> Self {
        self.shards
            .iter_mut()
            .for_each(|shard| shard.sum.clone_from(&sum));
        self
    }

    /// Reads the whole file and compares its sum with the one its bundle lists; where none is
    /// listed, does nothing. Takes about a second for 1.5 GB; other threads may read tensors
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::Sum`] if the sums differ; [`Error::Io`] if the file cannot be read.
    pub fn verify(&self) -> Result<()> {
        self.shards.iter().try_for_each(Shard::verify)
    }

    /// Gives a tensor another name, in the place of any that has it.
    pub(super) fn rename(&mut self, name: &str, to: &str) {
        if let Some(entry) = self.tensors.remove(name) {
            self.tensors.insert(to.to_owned(), entry);
        }
    }

    /// The path of the file, or of the list of the files.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The size in bytes of the file, or of all the files together.
    pub fn file_size(&self) -> u64 {
        self.shards.iter().map(Shard::size).sum()
    }

    /// The key-value texts of the files' headers.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Reads a tensor as it lies in the file.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of this name; [`Error::Io`] if it cannot be read.
    pub fn raw(&self, name: &str) -> Result<RawTensor<'_>> {
        let entry = self.entry(name)?;
        Ok(RawTensor {
            dtype: entry.info.dtype,
            shape: Cow::Borrowed(&entry.info.shape),
            data: self.data(entry)?,
        })
    }

    /// Gives the type of a tensor's elements.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of this name.
    pub fn dtype(&self, name: &str) -> Result<Dtype> {
        self.entry(name).map(|entry| entry.info.dtype)
    }

    /// Gives the shape of a tensor.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of this name.
    pub fn shape(&self, name: &str) -> Result<&[usize]> {
        self.entry(name).map(|entry| &entry.info.shape[..])
    }

    /// Reads the bytes of a tensor that has to have the given type and shape.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the tensor is missing or has another type or shape; [`Error::Io`] if it
    /// cannot be read.
    pub fn bytes(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<Cow<'_, [u8]>> {
        let Some(entry) = self.tensors.get(name) else {
            let expected = format!("{dtype} {shape:?}");
            return Err(Error::tensor(&self.path, name, expected, "no such tensor"));
        };
        let fits = entry.info.dtype == dtype;
        self.check(name, entry, fits, &dtype.to_string(), shape)?;
        self.data(entry)
    }

    /// Reads the numbers of a tensor of the given shape, stored as F32, F16 or BF16, all of which
    /// have to be finite.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the tensor is missing, has another type or shape, or holds a number
    /// that is not finite; [`Error::Io`] if it cannot be read.
    pub fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(entry) = self.tensors.get(name) else {
            let expected = format!("F32 {shape:?}");
            return Err(Error::tensor(&self.path, name, expected, "no such tensor"));
        };
        let dtype = entry.info.dtype;
        let known = matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16);
        self.check(name, entry, known, "F32, F16 or BF16", shape)?;
        let values = floats(dtype, &self.data(entry)?);
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(i) => {
                let found = format!("{} at element {i}", values[i]);
                let path = &self.shards[entry.shard].path;
                Err(Error::tensor(path, name, "finite numbers", found))
            }
        }
    }

    /// Reads the bytes of a tensor into a buffer of their length; the elements are F32, F16 or BF16,
    /// and have to be finite.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the tensor is missing, of another type or length, or holds a number that
    /// is not finite; [`Error::Io`] if it cannot be read.
    #[cfg(feature = "torch")]
    pub(crate) fn read_into(&self, name: &str, buffer: &mut [u8]) -> Result<()> {
        let entry = self.entry(name)?;
        let (from, to) = entry.info.data_offsets;
        let shard = &self.shards[entry.shard];
        if buffer.len() != to - from {
            let expected = format!("{} bytes", buffer.len());
            let found = (to - from).to_string();
            return Err(Error::tensor(&shard.path, name, expected, found));
        }
        let mut start = from;
        for block in buffer.chunks_mut(READ_BYTES) {
            shard.read_into(start, block)?;
            if !are_finite(entry.info.dtype, block) {
                let found = "one that is not, or other numbers than floating-point ones";
                return Err(Error::tensor(&shard.path, name, "finite numbers", found));
            }
            start += block.len();
        }
        Ok(())
    }

    /// Checks that there is a floating-point tensor of each name and shape, and no other but those
    /// that may be there.
    ///
    /// # Errors
    /// [`Error::Tensors`] lists all that are missing, of another shape or type, or unknown.
    pub fn check_all(&self, expected: &[(String, Vec<usize>)], optional: &[String]) -> Result<()> {
        let mut faults = Vec::new();
        for (name, shape) in expected {
            match self.tensors.get(name) {
                None => faults.push(format!("{name} {shape:?} is missing")),
                Some(entry) => {
                    let Entry { info, .. } = entry;
                    let floats = matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16);
                    if info.shape != *shape || !floats {
                        let found = format!("{} {:?}", info.dtype, info.shape);
                        faults.push(format!(
                            "{name} is {found}, expected F32, F16 or BF16 {shape:?}"
                        ));
                    }
                }
            }
        }
        let expected: BTreeSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        for name in self.names() {
            if !expected.contains(name) && !optional.iter().any(|optional| optional == name) {
                faults.push(format!("{name} is unknown"));
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::Tensors {
            path: self.path.clone(),
            faults,
        })
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        let none = || Error::tensor(&self.path, name, "a tensor of this name", "none");
        self.tensors.get(name).ok_or_else(none)
    }

    fn data(&self, entry: &Entry) -> Result<Cow<'_, [u8]>> {
        let (from, to) = entry.info.data_offsets;
        self.shards[entry.shard].data(from..to)
    }

    fn check(
        &self,
        name: &str,
        entry: &Entry,
        type_fits: bool,
        types: &str,
        shape: &[usize],
    ) -> Result<()> {
        let info = &entry.info;
        if type_fits && info.shape == shape {
            return Ok(());
        }
        let found = format!("{} {:?}", info.dtype, info.shape);
        let path = &self.shards[entry.shard].path;
        Err(Error::tensor(
            path,
            name,
            format!("{types} {shape:?}"),
            found,
        ))
    }
}

/// The number of bytes that are read and checked at a time: small enough for a second-level cache.
#[cfg(feature = "torch")]
const READ_BYTES: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::write_safetensors;

    #[test]
    fn types_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w");
        let half = [0x00, 0x3c, 0x00, 0xc0];
        let tensors = [
            ("half", RawTensor::from_bytes(Dtype::F16, &[2], &half)),
            (
                "brain",
                RawTensor::from_bytes(Dtype::BF16, &[2], &[0x80, 0x3f, 0x00, 0xc0]),
            ),
            (
                "int",
                RawTensor::from_bytes(Dtype::I8, &[1, 3], &[1, 2, 255]),
            ),
        ];
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        write_safetensors(&path, tensors, &metadata).unwrap();
        let weights = Weights::open(&path).unwrap();
        assert_eq!(
            weights.names().collect::<Vec<_>>(),
            ["brain", "half", "int"]
        );
        assert_eq!(weights.metadata(), &metadata);
        assert_eq!(weights.f32("half", &[2]).unwrap(), [1.0, -2.0]);
        assert_eq!(weights.f32("brain", &[2]).unwrap(), [1.0, -2.0]);
        assert_eq!(
            weights.bytes("int", Dtype::I8, &[1, 3]).unwrap()[..],
            [1, 2, 255]
        );
        assert_eq!(weights.raw("int").unwrap().shape[..], [1, 3]);
        let error = weights.f32("int", &[1, 3]).unwrap_err().to_string();
        assert!(error.ends_with("tensor int: expected F32, F16 or BF16 [1, 3], found I8 [1, 3]"));
        assert!(weights.raw("bert.int").is_err());
    }
}
