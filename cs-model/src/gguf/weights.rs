//! A decoder's tensors, by the names that its family has for them.

use std::collections::BTreeSet;

use super::blocks::{dequantise, half, low_bits};
use super::container::{Gguf, Tensor};
use super::tensor_type::TensorType;
use crate::config::DecoderConfig;
use crate::config::names::{GGUF, Role, TensorRole};
use crate::error::{Error, Result};

/// Tensors beside a model's: the divisors of rotary frequencies, which its configuration tells.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// A matrix `[rows, cols]` in 4 bits (Q4_0), `w = t (q - 8)` with a step `t` for every 32 weights of
/// a row.
#[derive(Debug, Clone, PartialEq)]
pub struct FourBits {
    /// Two weights a byte, the even one in the low half, `[rows, cols / 2]`.
    pub data: Vec<u8>,
    /// The steps, `[rows, cols / 32]`, which are f16 numbers of either sign, or 0.
    pub steps: Vec<f32>,
}

/// A tensor's blocks, its rows in the family's order.
struct Read<'a> {
    name: String,
    tensor: &'a Tensor,
    bytes: Vec<u8>,
}

impl Gguf {
    /// Whether there is a decoder's tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.has(&name_of(name))
    }

    /// Checks that there is a tensor for each of a decoder's, and no other; its head may be missing
    /// if it is tied, and be there all the same.
    ///
    /// # Errors
    /// [`Error::Tensors`] lists all that are missing or unknown.
    pub fn check_all(&self, decoder: &DecoderConfig) -> Result<()> {
        let mut known = BTreeSet::from([ROPE_FACTORS.to_owned()]);
        let mut faults = Vec::new();
        for (name, _) in decoder.tensors() {
            let name = name_of(&name);
            if !self.has(&name) {
                faults.push(format!("{name} is missing"));
            }
            known.insert(name);
        }
        let unknown = self.names().filter(|name| !known.contains(*name));
        faults.extend(unknown.map(|name| format!("{name} is unknown")));
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Error::Tensors {
                path: self.path().to_owned(),
                faults,
            }),
        }
    }

    /// Reads the numbers of a decoder's tensor of the given shape, all of which have to be finite.
    /// Matrices are `[outputs, inputs]`, GPT-2's too.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the tensor is missing, has another shape, or holds a number that is not
    /// finite; [`Error::Io`] if it cannot be read.
    pub fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let read = self.read(name, shape)?;
        let mut numbers = vec![0.0; shape.iter().product()];
        dequantise(read.tensor.of, &read.bytes, &mut numbers);
        match numbers.iter().position(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(at) => {
                let found = format!("{} at element {at}", numbers[at]);
                Err(Error::tensor(
                    self.path(),
                    &read.name,
                    "finite numbers",
                    found,
                ))
            }
        }
    }

    /// Reads a decoder's matrix `[rows, cols]` as it is stored, if that is Q4_0.
    ///
    /// # Errors
    /// Those of [`Gguf::f32`].
    pub fn four_bits(&self, name: &str, shape: [usize; 2]) -> Result<Option<FourBits>> {
        if self.tensor(&name_of(name))?.of != TensorType::Q4_0 {
            return Ok(None);
        }
        let read = self.read(name, &shape)?;
        let mut matrix = FourBits {
            data: Vec::with_capacity(shape[0] * shape[1] / 2),
            steps: Vec::with_capacity(shape[0] * shape[1] / 32),
        };
        for block in read.bytes.chunks_exact(TensorType::Q4_0.block().bytes) {
            let step = half(block);
            if !step.is_finite() {
                let found = format!("{step} as step {}", matrix.steps.len());
                return Err(Error::tensor(
                    self.path(),
                    &read.name,
                    "finite steps",
                    found,
                ));
            }
            matrix.steps.push(step);
            let numbers = low_bits(&block[2..]);
            let pairs = numbers.as_chunks::<2>().0.iter();
            matrix.data.extend(pairs.map(|[even, odd]| even | odd << 4));
        }
        Ok(Some(matrix))
    }

    fn read(&self, name: &str, shape: &[usize]) -> Result<Read<'_>> {
        let (role, name) = (TensorRole::parse(name), name_of(name));
        let tensor = self.tensor(&name)?;
        if tensor.shape != shape {
            let (expected, found) = (format!("{shape:?}"), format!("{:?}", tensor.shape));
            return Err(Error::tensor(self.path(), &name, expected, found));
        }
        let mut bytes = self.file.read(tensor.start, tensor.bytes)?;
        let is_turned = role.is_some_and(|of| matches!(of.role, Role::Query | Role::Key));
        let head = match is_turned {
            true => self.head_with_pairs_side_by_side()?,
            false => None,
        };
        if let Some(head) = head {
            if !shape[0].is_multiple_of(head) {
                let expected = format!("a multiple of a head's {head} rows");
                let found = format!("{shape:?}");
                return Err(Error::tensor(self.path(), &name, expected, found));
            }
            bytes = halves_apart(&bytes, bytes.len() / shape[0], head);
        }
        Ok(Read {
            name,
            tensor,
            bytes,
        })
    }
}

/// The name of a decoder's tensor in a file.
pub(super) fn name_of(name: &str) -> String {
    let Some(tensor) = TensorRole::parse(name) else {
        return name.to_owned();
    };
    let names = tensor.layer.map_or(GGUF, |layer| GGUF.layer(layer));
    names.name(tensor.role, tensor.part)
}

/// Puts the rows of each head, of which two that are turned together follow each other, in the order
/// of checkpoints: the first of all pairs, then the second.
fn halves_apart(bytes: &[u8], row: usize, head: usize) -> Vec<u8> {
    let mut rows = Vec::with_capacity(bytes.len());
    for head_rows in bytes.chunks_exact(row * head) {
        for half in 0..2 {
            for pair in head_rows.chunks_exact(2 * row) {
                rows.extend_from_slice(&pair[half * row..][..row]);
            }
        }
    }
    rows
}
