//! The file as a whole: its metadata, and where its tensors lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::tensor_type::TensorType;
use super::value::Value;
use crate::error::{Error, Result};
use crate::file::OpenFile;

/// The most keys, and the most tensors, far more than any model has.
const MOST_ENTRIES: u64 = 1 << 16;
/// The most bytes of a key or of a tensor's name.
const MOST_NAME: usize = 1 << 16;
/// The most dimensions of a tensor.
const MOST_DIMENSIONS: u32 = 4;
const ALIGNMENT: &str = "general.alignment";
/// The multiple of bytes at which tensors begin where the file tells none.
const DEFAULT_ALIGNMENT: i128 = 32;

/// A checked GGUF file, of version 2 or 3 and little endian: every length, count and place fits the
/// file, and no two tensors overlap. It holds the metadata and the open file; a tensor is read when
/// it is asked for, and not if the file was written to since it was opened.
///
/// ```
/// use cs_model::gguf::Gguf;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("model.gguf");
/// std::fs::write(&path, b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff")?;
/// let error = Gguf::open(&path).unwrap_err().to_string();
/// assert!(error.contains("byte 8: the number of tensors is 18446744073709551615"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    pub(super) file: OpenFile,
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Tensor>,
}

/// A tensor and where it lies.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) of: TensorType,
    /// Its shape, the longest stride first.
    pub(super) shape: Vec<usize>,
    /// The byte of the file at which it begins; after the header was read.
    pub(super) start: u64,
    pub(super) bytes: u64,
}

impl Gguf {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::Gguf`] with the byte for one in another
    /// format or torn; [`Error::Field`] for a key and [`Error::Tensor`] for a tensor that cannot be
    /// used.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenFile::open(path)?;
        let mut reader = Reader::new(&file, path);
        check_version(&mut reader)?;
        // A name of no bytes, its length, dimensions, type and place; a key and a value of one byte.
        let tensors = reader.count("the number of tensors", 32, MOST_ENTRIES)?;
        let keys = reader.count("the number of keys", 13, MOST_ENTRIES)?;
        let metadata = read_metadata(&mut reader, keys)?;
        let tensors = read_tensors(&mut reader, tensors)?;
        let header = reader.offset();
        let mut gguf = Self {
            path: path.to_owned(),
            file,
            metadata,
            tensors,
        };
        gguf.place(header)?;
        Ok(gguf)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The size of the file in bytes.
    pub fn file_size(&self) -> u64 {
        self.file.size()
    }

    /// The names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether a matrix is stored as integers with steps.
    pub fn is_quantised(&self) -> bool {
        self.tensors.values().any(|tensor| tensor.of.is_quantised())
    }

    /// Whether a matrix is stored in 4 bits that [`four_bits`](Self::four_bits) gives as they are.
    pub fn has_four_bits(&self) -> bool {
        let mut tensors = self.tensors.values();
        tensors.any(|tensor| tensor.of == TensorType::Q4_0)
    }

    pub(super) fn tensor(&self, name: &str) -> Result<&Tensor> {
        let none = || Error::tensor(&self.path, name, "a tensor of this name", "none");
        self.tensors.get(name).ok_or_else(none)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// Makes the error for a key, whose value is not as `expected`.
    pub(super) fn wrong(&self, key: &str, expected: impl Into<String>) -> Error {
        let found = self
            .value(key)
            .map_or("missing".to_owned(), Value::to_string);
        Error::field(key, found, expected).in_file(&self.path)
    }

    /// The text of a key, if it is there.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text")),
        }
    }

    /// The flag of a key, if it is there.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.value(key) {
            None => Ok(None),
            Some(&Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// The number of a key, if it is there.
    pub(super) fn size(&self, key: &str) -> Result<Option<u32>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Integer(value)) => {
                let value = u32::try_from(*value);
                value
                    .map(Some)
                    .map_err(|_| self.wrong(key, "0 to 4294967295"))
            }
            Some(_) => Err(self.wrong(key, "a whole number")),
        }
    }

    /// The fraction of a key, if it is there.
    pub(super) fn float(&self, key: &str) -> Result<Option<f64>> {
        match self.value(key) {
            None => Ok(None),
            Some(&Value::Float(value)) if value.is_finite() => Ok(Some(value)),
            Some(_) => Err(self.wrong(key, "a finite number with a fraction")),
        }
    }

    /// The texts of a key, if it is there.
    pub(super) fn texts(&self, key: &str) -> Result<Option<&[String]>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Texts(list)) => Ok(Some(list)),
            Some(_) => Err(self.wrong(key, "a list of texts")),
        }
    }

    /// Finds where in the file each tensor lies, behind a header of so many bytes.
    fn place(&mut self, header: u64) -> Result<()> {
        let alignment = self.alignment()?;
        // Neither overflows: a header and an alignment are short.
        let data = header.next_multiple_of(alignment);
        let size = self.file.size().saturating_sub(data);
        let mut places = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &mut self.tensors {
            let refuse = |found: String, expected: String| {
                Err(Error::tensor(&self.path, name, expected, found))
            };
            if !tensor.start.is_multiple_of(alignment) {
                let expected = format!("a multiple of {alignment}");
                return refuse(format!("the offset {}", tensor.start), expected);
            }
            let end = tensor.start.checked_add(tensor.bytes);
            if end.is_none_or(|end| end > size) {
                let found = format!("{} bytes from offset {} on", tensor.bytes, tensor.start);
                return refuse(found, format!("to end within the {size} bytes of data"));
            }
            tensor.start += data;
            places.push((tensor.start, tensor.bytes, name));
        }
        places.sort_unstable();
        let pairs = places.windows(2);
        let mut overlaps = pairs.filter(|pair| pair[0].0 + pair[0].1 > pair[1].0);
        match overlaps.next() {
            None => Ok(()),
            Some(pair) => {
                let found = format!("it at byte {}, within {}", pair[1].0, pair[0].2);
                let expected = "bytes of its own";
                Err(Error::tensor(&self.path, pair[1].2, expected, found))
            }
        }
    }

    fn alignment(&self) -> Result<u64> {
        let value = match self.value(ALIGNMENT) {
            None => DEFAULT_ALIGNMENT,
            Some(Value::Integer(value)) => *value,
            Some(_) => 0,
        };
        let alignment = u64::try_from(value).unwrap_or_default();
        match alignment.is_power_of_two() && (8..=1 << 16).contains(&alignment) {
            true => Ok(alignment),
            false => Err(self.wrong(ALIGNMENT, "a power of two from 8 to 65536")),
        }
    }
}

fn check_version(reader: &mut Reader<'_>) -> Result<()> {
    let magic: [u8; 4] = reader.bytes("the file")?;
    if magic != *b"GGUF" {
        let found = format!("{:?} at its beginning", magic.escape_ascii().to_string());
        return Err(reader.error("the file", found, "\"GGUF\""));
    }
    match reader.u32("the version")? {
        2 | 3 => Ok(()),
        version if matches!(version.swap_bytes(), 1..=3) => {
            let found = format!("{} in big endian", version.swap_bytes());
            Err(reader.error("the version", found, "2 or 3 in little endian"))
        }
        version => Err(reader.error("the version", version, "2 or 3")),
    }
}

fn read_metadata(reader: &mut Reader<'_>, count: usize) -> Result<BTreeMap<String, Value>> {
    let mut metadata = BTreeMap::new();
    for number in 0..count {
        let key = read_name(reader, &format!("the key {number}"))?;
        let value = reader.value(&key)?;
        if metadata.contains_key(&key) {
            return Err(reader.error(&key, "there twice", "one value"));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}

fn read_name(reader: &mut Reader<'_>, what: &str) -> Result<String> {
    let name = reader.text(what)?;
    match name.len() {
        1..MOST_NAME => Ok(name),
        len => Err(reader.error(what, format!("{len} bytes long"), "1 to 65535 bytes")),
    }
}

/// Reads names, types, shapes and places, which are still counted from the end of the header.
fn read_tensors(reader: &mut Reader<'_>, count: usize) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    for number in 0..count {
        let name = read_name(reader, &format!("the name of tensor {number}"))?;
        let tensor = read_tensor(reader, &format!("tensor {name}"))?;
        if tensors.contains_key(&name) {
            return Err(reader.error(format!("tensor {name}"), "there twice", "one of this name"));
        }
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

fn read_tensor(reader: &mut Reader<'_>, what: &str) -> Result<Tensor> {
    let dimensions = reader.u32(what)?;
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        let found = format!("of {dimensions} dimensions");
        return Err(reader.error(what, found, "1 to 4"));
    }
    // A file has the shortest stride first.
    let mut sizes = Vec::new();
    for _ in 0..dimensions {
        sizes.push(reader.u64(what)?);
    }
    let of = TensorType::of(reader.u32(what)?)
        .map_err(|found| reader.error(what, format!("of the type {found}"), TensorType::READ))?;
    let block = of.block();
    let row = sizes[0];
    if !row.is_multiple_of(block.numbers as u64) {
        let expected = format!(
            "rows of a multiple of {}, as they are {}",
            block.numbers,
            of.name()
        );
        return Err(reader.error(what, format!("{row} wide"), expected));
    }
    let numbers = sizes.iter().try_fold(1u64, |product, &size| {
        product.checked_mul(size).filter(|&product| product > 0)
    });
    let bytes = numbers
        .and_then(|numbers| (numbers / block.numbers as u64).checked_mul(block.bytes as u64));
    let shape = sizes.iter().rev().map(|&size| usize::try_from(size));
    let (Some(bytes), Ok(shape)) = (bytes, shape.collect()) else {
        let expected = "sizes above 0 whose product is a number of bytes";
        return Err(reader.error(what, format!("{sizes:?}"), expected));
    };
    Ok(Tensor {
        of,
        shape,
        start: reader.u64(what)?,
        bytes,
    })
}
