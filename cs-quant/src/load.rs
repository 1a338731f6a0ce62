//! From a weights file to packed layers. Reads the artefact and a plain checkpoint alike, so that
//! there is one loader; a checkpoint is quantised on the way when int8 is asked for.

use cs_model::{Dtype, Matrix, Transitions, Weights};

use crate::config::QuantConfig;
use crate::error::{QuantError, Result};
use crate::kernel::gemm;
use crate::kernel::pack::{PackedF32, PackedI8};
use crate::kernel::rows::Norm;
use crate::quantize::{check_format, limit, quantise_rows, takes_int8};

/// Above this many inputs the `i32` sums of 7-bit by 8-bit products could overflow.
const MOST_INPUTS: usize = (i32::MAX / (127 * 127)) as usize;

/// Where tensors come from.
#[derive(Debug)]
pub(crate) struct Source {
    weights: Weights,
    /// How to quantise what the file holds in floats; `None`: not at all.
    quantise: Option<QuantConfig>,
}

/// A matrix `[rows, cols]`.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// With a step per row.
    Int8 {
        data: Vec<i8>,
        scale: Vec<f32>,
    },
    F32(Vec<f32>),
}

impl Source {
    /// A file written by [`crate::quantize`].
    ///
    /// # Errors
    ///
    /// [`QuantError::Format`] if it is of another version.
    pub(crate) fn artefact(weights: Weights) -> Result<Self> {
        check_format(&weights)?;
        Ok(Self {
            weights,
            quantise: None,
        })
    }

    /// A checkpoint in floats, quantised while it is read if `quantise` says how.
    pub(crate) fn checkpoint(weights: Weights, quantise: Option<QuantConfig>) -> Self {
        Self { weights, quantise }
    }

    /// A vector, always in `f32`.
    pub(crate) fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        Ok(self.weights.f32(name, &[len])?)
    }

    pub(crate) fn norm(&self, owner: &str, width: usize, epsilon: f64) -> Result<Norm> {
        Ok(Norm {
            weight: self.vector(&format!("{owner}.weight"), width)?,
            bias: self.vector(&format!("{owner}.bias"), width)?,
            epsilon: epsilon as f32,
        })
    }

    /// The scores of a conditional random field over slot tags, always in `f32`.
    pub(crate) fn transitions(&self, tags: &[String]) -> Result<Transitions> {
        let count = tags.len();
        let scores = self
            .weights
            .f32("heads.slots.transitions", &[count, count])?;
        let scores = Matrix::new(count, count, scores)?;
        let start = self.vector("heads.slots.start", count)?;
        let end = self.vector("heads.slots.end", count)?;
        let crf = Transitions::new(tags, &scores, &start, &end);
        Ok(crf.map_err(|error| error.in_file(self.weights.path()))?)
    }

    /// A matrix in the precision it has or is to have.
    pub(crate) fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Rows> {
        if self.weights.raw(name)?.dtype == Dtype::I8 {
            let bytes = self.weights.bytes(name, Dtype::I8, &shape)?;
            let scale = self.scale(name, shape[0])?;
            let data = bytes.iter().map(|&b| b as i8).collect();
            return Ok(Rows::Int8 { data, scale });
        }
        let data = self.weights.f32(name, &shape)?;
        match &self.quantise {
            Some(config) if takes_int8(name, &shape, config) => {
                let (data, scale) = quantise_rows(&data, shape[1], limit(name, config));
                Ok(Rows::Int8 { data, scale })
            }
            _ => Ok(Rows::F32(data)),
        }
    }

    /// The steps of an int8 matrix: finite and positive.
    fn scale(&self, name: &str, rows: usize) -> Result<Vec<f32>> {
        let tensor = format!("{name}.scale");
        let bytes = self.weights.bytes(&tensor, Dtype::F32, &[rows])?;
        let (values, _) = bytes.as_chunks::<4>();
        let scale: Vec<f32> = values.iter().map(|&v| f32::from_le_bytes(v)).collect();
        match scale.iter().position(|&s| !(s > 0.0 && s.is_finite())) {
            None => Ok(scale),
            Some(row) => Err(QuantError::Tensor {
                path: self.weights.path().to_owned(),
                tensor,
                found: format!("{} in row {row}", scale[row]),
                expected: "a positive finite step".to_owned(),
            }),
        }
    }

    /// Linear layers that read the same input, side by side: `owners` are names without
    /// `.weight`, each `[outputs, inputs]`; the bias is given.
    pub(crate) fn linear(
        &self,
        names: &[String],
        [outputs, inputs]: [usize; 2],
        bias: &[f32],
    ) -> Result<gemm::Weights> {
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            parts.push(self.matrix(name, [outputs, inputs])?);
        }
        let int8 = parts.iter().all(|part| matches!(part, Rows::Int8 { .. }));
        if int8 && inputs <= MOST_INPUTS {
            let (mut weights, mut scales) = (Vec::new(), Vec::new());
            for part in parts {
                if let Rows::Int8 { data, scale } = part {
                    weights.extend(data);
                    scales.extend(scale);
                }
            }
            let packed = PackedI8::new(inputs, &weights, &scales, bias);
            return Ok(gemm::Weights::Int8(packed));
        }
        let mut weights = Vec::with_capacity(names.len() * outputs * inputs);
        for part in parts {
            weights.extend(part.into_f32(inputs));
        }
        Ok(gemm::Weights::F32(PackedF32::new(inputs, &weights, bias)))
    }

    /// One linear layer with its own bias.
    pub(crate) fn dense(&self, owner: &str, shape: [usize; 2]) -> Result<gemm::Weights> {
        let bias = self.vector(&format!("{owner}.bias"), shape[0])?;
        self.linear(&[format!("{owner}.weight")], shape, &bias)
    }
}

impl Rows {
    /// The numbers themselves.
    pub(crate) fn into_f32(self, cols: usize) -> Vec<f32> {
        match self {
            Self::F32(data) => data,
            Self::Int8 { data, scale } => {
                let rows = data.chunks_exact(cols.max(1)).zip(scale);
                rows.flat_map(|(row, s)| row.iter().map(move |&q| f32::from(q) * s))
                    .collect()
            }
        }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::F32(data) => data.len() * 4,
            Self::Int8 { data, scale } => data.len() + scale.len() * 4,
        }
    }
}
