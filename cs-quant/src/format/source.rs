//! From a weights file to packed layers. Reads the artefact and a plain checkpoint alike, so that
//! there is one loader; a checkpoint is quantised on the way when int8 is asked for.

use cs_data::TagSet;
use cs_model::names::{HEADS, Names, Role};
use cs_model::{Bundle, Matrix, Transitions, Weights};

use super::artefact;
use super::matrix::StoredMatrix;
use super::scheme::QuantConfig;
use crate::error::{Error, Result};
use crate::kernel::gemm;
use crate::kernel::lstm::by_unit;
use crate::kernel::pack::{PackedF32, PackedI8};
use crate::kernel::row_ops::Norm;

/// The largest number of inputs: above it the `i32` sums could overflow, as those of four
/// neighbours are at most 2^15.
const MOST_INPUTS: usize = 1 << 18;

/// The weights file that tensors are read from.
#[derive(Debug)]
pub(crate) struct WeightSource {
    weights: Weights,
    /// How to quantise what the file holds in floats; `None` does not quantise it.
    quantise: Option<QuantConfig>,
}

impl WeightSource {
    /// Reads from a file that [`crate::quantize`] wrote.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Format`] if it is of another version.
    pub(crate) fn artefact(weights: Weights) -> Result<Self> {
        if let Err(format) = artefact::check_format(&weights) {
            // For a damaged file, an error about its sum explains more.
            weights.verify()?;
            return Err(format);
        }
        Ok(Self {
            weights,
            quantise: None,
        })
    }

    /// Reads from a checkpoint in floats, which is quantised while it is read if `quantise` is
    /// given.
    pub(crate) fn checkpoint(weights: Weights, quantise: Option<QuantConfig>) -> Self {
        Self { weights, quantise }
    }

    /// Checks that the file is the one that its bundle lists.
    pub(crate) fn verify(&self) -> Result<()> {
        Ok(self.weights.verify()?)
    }

    /// The tensors under these names.
    pub(crate) fn named(&self, names: Names) -> Scope<'_> {
        Scope {
            source: self,
            names,
        }
    }

    /// Reads the scores of a conditional random field over slot tags, always in `f32`.
    pub(crate) fn transitions(&self, tags: &TagSet) -> Result<Transitions> {
        let count = tags.tags().len();
        let read = |role, shape: &[usize]| self.weights.f32(&HEADS.weight(role), shape);
        let scores = read(Role::SlotTransitions, &[count, count])?;
        let scores = Matrix::new(count, count, scores)?;
        let start = read(Role::SlotStart, &[count])?;
        let end = read(Role::SlotEnd, &[count])?;
        let crf = Transitions::new(tags, &scores, &start, &end);
        Ok(crf.map_err(|error| error.in_file(self.weights.path()))?)
    }

    /// Reads a matrix in the precision it has or is to have.
    fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<StoredMatrix> {
        let Some(config) = &self.quantise else {
            return artefact::read(&self.weights, name, shape);
        };
        let data = self.weights.f32(name, &shape)?;
        let scheme = config.scheme(name, &shape);
        Ok(StoredMatrix::quantise(data, shape[1], scheme, config.clip))
    }
}

/// The tensors of a model, or of one of its layers, by their role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    source: &'a WeightSource,
    names: Names,
}

impl Scope<'_> {
    /// The tensors of a layer, counted from 0.
    pub(crate) fn layer(self, layer: usize) -> Self {
        let names = self.names.layer(layer);
        Self { names, ..self }
    }

    /// Reads a table of rows in the precision it has or is to have.
    pub(crate) fn table(self, role: Role, shape: [usize; 2]) -> Result<StoredMatrix> {
        self.source.matrix(&self.names.weight(role), shape)
    }

    /// Reads the numbers that a layer adds, always in `f32`.
    pub(crate) fn bias(self, role: Role, len: usize) -> Result<Vec<f32>> {
        Ok(self.source.weights.f32(&self.names.bias(role), &[len])?)
    }

    /// Reads a layer normalisation over `width` numbers.
    pub(crate) fn norm(self, role: Role, width: usize, epsilon: f64) -> Result<Norm> {
        let factors = self
            .source
            .weights
            .f32(&self.names.weight(role), &[width])?;
        Ok(Norm {
            weight: factors,
            bias: self.bias(role, width)?,
            epsilon: epsilon as f32,
        })
    }

    /// Reads one linear layer, `[outputs, inputs]`, with its own bias.
    pub(crate) fn dense(self, role: Role, shape: [usize; 2]) -> Result<gemm::Weights> {
        let bias = self.bias(role, shape[0])?;
        self.linear(&[role], shape, &bias)
    }

    /// Reads linear layers that have the same input, side by side, with a given bias; each is
    /// `[outputs, inputs]`.
    pub(crate) fn linear(
        self,
        roles: &[Role],
        [outputs, inputs]: [usize; 2],
        bias: &[f32],
    ) -> Result<gemm::Weights> {
        let matrix = self.joined(roles, [outputs, inputs])?;
        Ok(pack(matrix, inputs, bias))
    }

    /// Reads the matrices of an LSTM's gates, each `[4 units, inputs]`, as [`linear`](Self::linear)
    /// does, and orders their rows [by unit](by_unit).
    pub(crate) fn gates(
        self,
        roles: &[Role],
        [units, inputs]: [usize; 2],
        bias: &[f32],
    ) -> Result<gemm::Weights> {
        let matrix = match self.joined(roles, [4 * units, inputs])? {
            Joined::Int8 { data, scale } => Joined::Int8 {
                data: by_unit(&data, units, inputs),
                scale: by_unit(&scale, units, 1),
            },
            Joined::F32(data) => Joined::F32(by_unit(&data, units, inputs)),
        };
        Ok(pack(matrix, inputs, &by_unit(bias, units, 1)))
    }

    /// Reads matrices that have as many inputs, one below the other.
    fn joined(self, roles: &[Role], [outputs, inputs]: [usize; 2]) -> Result<Joined> {
        let mut parts = Vec::with_capacity(roles.len());
        for &role in roles {
            let part = self.table(role, [outputs, inputs])?;
            parts.push(part.into_int8(inputs));
        }
        let int8 = parts
            .iter()
            .all(|part| matches!(part, StoredMatrix::Int8 { .. }));
        if int8 && inputs <= MOST_INPUTS {
            let (mut weights, mut scales) = (Vec::new(), Vec::new());
            for part in parts {
                if let StoredMatrix::Int8 { data, scale } = part {
                    weights.extend(data);
                    scales.extend(scale);
                }
            }
            return Ok(Joined::Int8 {
                data: weights,
                scale: scales,
            });
        }
        let mut weights = Vec::with_capacity(roles.len() * outputs * inputs);
        for part in parts {
            weights.extend(part.into_f32(inputs));
        }
        Ok(Joined::F32(weights))
    }
}

/// Matrices one below the other.
enum Joined {
    F32(Vec<f32>),
    Int8 { data: Vec<i8>, scale: Vec<f32> },
}

fn pack(matrix: Joined, inputs: usize, bias: &[f32]) -> gemm::Weights {
    match matrix {
        Joined::F32(data) => gemm::Weights::F32(PackedF32::new(inputs, &data, bias)),
        Joined::Int8 { data, scale } => {
            gemm::Weights::Int8(PackedI8::new(inputs, &data, &scale, bias))
        }
    }
}

/// Refuses a folder without fp32 (or 16-bit) weights, or whose vectors are pooled in a way that the
/// runtime does not have.
pub(crate) fn require_fp32(bundle: &Bundle, wanted: &'static str) -> Result<()> {
    if bundle.has_weights() {
        return Ok(bundle.check_pooling()?);
    }
    // The error states what is there instead, and what to do about it.
    match bundle.int8_path() {
        None => Ok(bundle.weights().map(drop)?),
        Some(_) => Err(Error::NoWeights {
            path: bundle.dir().to_owned(),
            wanted,
        }),
    }
}
