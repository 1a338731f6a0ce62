//! From a weights file to packed layers. Reads the artefact, a plain checkpoint and GGUF alike, so
//! that there is one loader; what is in floats is quantised on the way when int8 is asked for.

use std::path::Path;

use cs_data::TagSet;
use cs_model::gguf::{FourBits, Gguf};
use cs_model::names::{HEADS, Names, Role};
use cs_model::{Bundle, DecoderConfig, Matrix, NormKind, Norms, Transitions, Weights};

use super::artefact;
use super::equalise::{Equaliser, InputSquares};
use super::joined::Joined;
use super::matrix::{Rounding, StoredMatrix, transpose};
use super::scheme::{QuantConfig, Scheme};
use crate::error::{Error, Result};
use crate::kernel::gemm;
use crate::kernel::pack::interleave;
use crate::kernel::pack4::GROUP;
use crate::kernel::row_ops::Norm;

/// The weights file that tensors are read from.
#[derive(Debug)]
pub(crate) struct WeightSource {
    file: WeightFile,
    /// How to quantise what the file holds in floats; `None` does not quantise it.
    quantise: Option<QuantConfig>,
    /// What a decoder's tensors are multiplied by before they are quantised.
    equaliser: Option<Equaliser>,
    /// Whether it has the weights of a decoder alone.
    of_decoder: bool,
}

/// A file of weights, by its kind.
#[derive(Debug)]
enum WeightFile {
    /// A file that [`crate::quantize`] wrote.
    Artefact(Weights),
    /// A file as its family's models are.
    Checkpoint(Weights),
    Gguf(Gguf),
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
            file: WeightFile::Artefact(weights),
            quantise: None,
            equaliser: None,
            of_decoder: false,
        })
    }

    /// Reads from a checkpoint in floats, which is quantised while it is read if `quantise` is
    /// given.
    pub(crate) fn checkpoint(weights: Weights, quantise: Option<QuantConfig>) -> Self {
        Self {
            file: WeightFile::Checkpoint(weights),
            quantise,
            equaliser: None,
            of_decoder: false,
        }
    }

    /// Reads from a GGUF file, which is quantised while it is read if `quantise` is given; what it
    /// has in Q4_0 then stays as it is.
    pub(crate) fn gguf(gguf: Gguf, quantise: Option<QuantConfig>) -> Self {
        Self {
            file: WeightFile::Gguf(gguf),
            quantise,
            equaliser: None,
            of_decoder: false,
        }
    }

    /// Has the weights quantised as a decoder's are: the columns of its matrices are brought to one size before,
    /// by the inputs that were `measured`, unless some stay in 4 bits as the file has them.
    ///
    /// # Errors
    ///
    /// A tensor that cannot be read.
    pub(crate) fn for_decoder(
        mut self,
        decoder: &DecoderConfig,
        measured: Option<&[InputSquares]>,
    ) -> Result<Self> {
        self.of_decoder = true;
        let is_fixed = match &self.file {
            WeightFile::Artefact(_) => true,
            WeightFile::Checkpoint(_) => false,
            WeightFile::Gguf(gguf) => gguf.has_four_bits(),
        };
        if self.quantise.is_some() && !is_fixed {
            let conv1d = decoder.stack().conv1d;
            let read = |name: &str, shape: &[usize]| match *shape {
                [inputs, outputs] if conv1d => self.unscaled(name, [outputs, inputs], true),
                _ => self.raw(name, shape),
            };
            self.equaliser = Some(Equaliser::new(decoder, measured, read)?);
        }
        Ok(self)
    }

    /// Checks that the file is the one that its bundle lists, if one does.
    pub(crate) fn verify(&self) -> Result<()> {
        match &self.file {
            WeightFile::Artefact(weights) | WeightFile::Checkpoint(weights) => {
                Ok(weights.verify()?)
            }
            WeightFile::Gguf(_) => Ok(()),
        }
    }

    /// Reads the numbers of a tensor in `f32`, as they are to be used.
    fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Ok(self.scaled(name, self.raw(name, shape)?))
    }

    fn scaled(&self, name: &str, mut data: Vec<f32>) -> Vec<f32> {
        if let Some(equaliser) = &self.equaliser {
            equaliser.apply(name, &mut data);
        }
        data
    }

    /// Reads the numbers of a tensor as the file has them.
    fn raw(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Ok(match &self.file {
            WeightFile::Artefact(weights) | WeightFile::Checkpoint(weights) => {
                weights.f32(name, shape)?
            }
            WeightFile::Gguf(gguf) => gguf.f32(name, shape)?,
        })
    }

    /// Whether there is a tensor of this name.
    fn contains(&self, name: &str) -> bool {
        match &self.file {
            WeightFile::Artefact(weights) | WeightFile::Checkpoint(weights) => {
                weights.contains(name)
            }
            WeightFile::Gguf(gguf) => gguf.contains(name),
        }
    }

    fn path(&self) -> &Path {
        match &self.file {
            WeightFile::Artefact(weights) | WeightFile::Checkpoint(weights) => weights.path(),
            WeightFile::Gguf(gguf) => gguf.path(),
        }
    }

    /// Whether what is read is quantised, in the file or while it is read.
    pub(crate) fn is_quantised(&self) -> bool {
        matches!(self.file, WeightFile::Artefact(_)) || self.quantise.is_some()
    }

    /// The tensors under these names.
    pub(crate) fn named(&self, names: Names) -> Scope<'_> {
        Scope {
            source: self,
            names,
            conv1d: false,
            packs_int4: false,
        }
    }

    /// Reads the scores of a conditional random field over slot tags, always in `f32`.
    pub(crate) fn transitions(&self, tags: &TagSet) -> Result<Transitions> {
        let count = tags.tags().len();
        let read = |role, shape: &[usize]| self.f32(&HEADS.weight(role), shape);
        let scores = read(Role::SlotTransitions, &[count, count])?;
        let scores = Matrix::new(count, count, scores)?;
        let start = read(Role::SlotStart, &[count])?;
        let end = read(Role::SlotEnd, &[count])?;
        let crf = Transitions::new(tags, &scores, &start, &end);
        Ok(crf.map_err(|error| error.in_file(self.path()))?)
    }

    /// Reads a table of rows in the precision it has or is to have.
    fn table(&self, name: &str, shape: [usize; 2]) -> Result<StoredMatrix> {
        if let Some(stored) = self.stored(name, shape)? {
            return Ok(stored);
        }
        let data = self.f32(name, &shape)?;
        Ok(self.quantised(name, shape, data, |scheme| scheme))
    }

    /// Reads a matrix `[outputs, inputs]` that a product multiplies by, in the precision it has or
    /// is to have; `conv1d` checkpoints have it transposed.
    fn matrix(&self, name: &str, shape: [usize; 2], conv1d: bool) -> Result<StoredMatrix> {
        if let Some(stored) = self.stored(name, shape)? {
            return Ok(stored);
        }
        let data = self.scaled(name, self.unscaled(name, shape, conv1d)?);
        Ok(self.quantised(name, shape, data, Scheme::for_product))
    }

    /// Reads a matrix `[outputs, inputs]` as the file has it, which may be transposed.
    fn unscaled(&self, name: &str, shape: [usize; 2], conv1d: bool) -> Result<Vec<f32>> {
        let [outputs, inputs] = shape;
        match conv1d && matches!(self.file, WeightFile::Checkpoint(_)) {
            true => Ok(transpose(&self.raw(name, &[inputs, outputs])?, outputs)),
            false => self.raw(name, &shape),
        }
    }

    /// Reads a matrix that has the precision already that it is to have.
    fn stored(&self, name: &str, shape: [usize; 2]) -> Result<Option<StoredMatrix>> {
        match &self.file {
            WeightFile::Artefact(weights) => artefact::read(weights, name, shape).map(Some),
            WeightFile::Gguf(gguf) if self.quantise.is_some() => {
                let found = gguf.four_bits(name, shape)?;
                Ok(found.map(|FourBits { data, steps }| StoredMatrix::Int4 {
                    data,
                    scale: steps,
                    group: GROUP,
                }))
            }
            _ => Ok(None),
        }
    }

    fn quantised(
        &self,
        name: &str,
        shape: [usize; 2],
        data: Vec<f32>,
        scheme: impl FnOnce(Scheme) -> Scheme,
    ) -> StoredMatrix {
        let Some(config) = &self.quantise else {
            return StoredMatrix::F32(data);
        };
        let scheme = scheme(config.scheme(name, &shape));
        let scheme = match self.of_decoder {
            true => scheme.for_decoder(),
            false => scheme,
        };
        let importance = self.equaliser.as_ref().and_then(|it| it.importance(name));
        let rounding = Rounding {
            clip: config.clip,
            importance: importance.as_deref(),
        };
        StoredMatrix::quantise(data, shape[1], scheme, rounding)
    }
}

/// The tensors of a model, or of one of its layers, by their role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    source: &'a WeightSource,
    names: Names,
    /// Whether a checkpoint has its linear layers as `[inputs, outputs]`.
    conv1d: bool,
    /// Whether int4 matrices are multiplied by as they are, and not widened to int8 when they are
    /// read: sooner done where few rows wait for the weights to be read from memory.
    packs_int4: bool,
}

impl Scope<'_> {
    /// The tensors of a decoder, of which a `conv1d` checkpoint has its blocks' layers as
    /// `[inputs, outputs]`.
    pub(crate) fn of_decoder(self, conv1d: bool) -> Self {
        Self {
            conv1d,
            packs_int4: true,
            ..self
        }
    }

    /// Whether what is read is quantised.
    pub(crate) fn is_quantised(&self) -> bool {
        self.source.is_quantised()
    }

    /// The tensors of a layer, counted from 0.
    pub(crate) fn layer(self, layer: usize) -> Self {
        let names = self.names.layer(layer);
        Self { names, ..self }
    }

    /// Reads a table of rows in the precision it has or is to have.
    pub(crate) fn table(self, role: Role, shape: [usize; 2]) -> Result<StoredMatrix> {
        self.source.table(&self.names.weight(role), shape)
    }

    /// Reads the numbers that a layer adds, always in `f32`.
    pub(crate) fn bias(self, role: Role, len: usize) -> Result<Vec<f32>> {
        self.source.f32(&self.names.bias(role), &[len])
    }

    /// Reads a norm over `width` numbers.
    pub(crate) fn norm(self, role: Role, width: usize, norms: &Norms) -> Result<Norm> {
        let name = self.names.weight(role);
        Ok(Norm {
            kind: norms.kind,
            weight: self.source.f32(&name, &[width])?,
            bias: match norms.kind {
                NormKind::Layer => self.bias(role, width)?,
                NormKind::Rms => vec![0.0; width],
            },
            epsilon: norms.eps as f32,
        })
    }

    /// Reads one linear layer, `[outputs, inputs]`, with its own bias if it has one.
    pub(crate) fn dense(
        self,
        role: Role,
        [outputs, inputs]: [usize; 2],
        has_bias: bool,
    ) -> Result<gemm::Weights> {
        self.linear(&[(role, outputs)], inputs, has_bias)
    }

    /// Reads the matrix of the words' logits, `[words, inputs]`, which is their table if it is `tied`,
    /// with what is added to each logit, where there is something.
    pub(crate) fn lm_head(self, tied: bool, [words, inputs]: [usize; 2]) -> Result<gemm::Weights> {
        let role = match tied {
            true => Role::WordEmbeddings,
            false => Role::LmHead,
        };
        let bias = self.names.bias(Role::LogitsBias);
        let bias = match self.source.contains(&bias) {
            true => self.source.f32(&bias, &[1, words])?,
            false => vec![0.0; words],
        };
        Ok(self.joined(&[(role, words)], inputs)?.pack(inputs, &bias))
    }

    /// Reads linear layers that have the same input, side by side, each with its number of outputs
    /// and with its own bias if they have one.
    pub(crate) fn linear(
        self,
        parts: &[(Role, usize)],
        inputs: usize,
        has_bias: bool,
    ) -> Result<gemm::Weights> {
        let bias = self.biases(parts, has_bias)?;
        Ok(self.joined(parts, inputs)?.pack(inputs, &bias))
    }

    /// Reads two linear layers, each `[outputs, inputs]`, of which the first is to be activated and
    /// multiplied by the second, with the panels of both in turn.
    pub(crate) fn gated(
        self,
        roles: [Role; 2],
        [outputs, inputs]: [usize; 2],
        has_bias: bool,
    ) -> Result<gemm::Weights> {
        let parts = roles.map(|role| (role, outputs));
        let bias = interleave(&self.biases(&parts, has_bias)?, [2, outputs, 1]);
        let matrix = self.joined(&parts, inputs)?;
        Ok(matrix.interleaved([2, outputs, inputs]).pack(inputs, &bias))
    }

    /// Reads the matrices of an LSTM's gates, each `[4 units, inputs]`, side by side with a given
    /// bias, with the panels of all four in turn.
    pub(crate) fn gates(
        self,
        roles: &[Role],
        [units, inputs]: [usize; 2],
        bias: &[f32],
    ) -> Result<gemm::Weights> {
        let parts: Vec<_> = roles.iter().map(|&role| (role, 4 * units)).collect();
        let matrix = self.joined(&parts, inputs)?.interleaved([4, units, inputs]);
        Ok(matrix.pack(inputs, &interleave(bias, [4, units, 1])))
    }

    /// Reads the numbers that some layers add, one after the other; zeros where they add nothing.
    fn biases(self, parts: &[(Role, usize)], has_bias: bool) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        for &(role, outputs) in parts {
            match has_bias {
                true => all.extend(self.bias(role, outputs)?),
                false => all.resize(all.len() + outputs, 0.0),
            }
        }
        Ok(all)
    }

    /// Reads matrices that have as many inputs, one below the other.
    fn joined(self, parts: &[(Role, usize)], inputs: usize) -> Result<Joined> {
        let mut read = Vec::with_capacity(parts.len());
        for &(role, outputs) in parts {
            let name = self.names.weight(role);
            let conv1d = self.conv1d && !matches!(role, Role::WordEmbeddings | Role::LmHead);
            read.push(self.source.matrix(&name, [outputs, inputs], conv1d)?);
        }
        Ok(Joined::of(read, inputs, self.packs_int4))
    }
}

/// Opens the weights of a Hugging Face folder, which have to be those of the decoder.
pub(crate) fn checkpoint(dir: &Path, decoder: &DecoderConfig) -> Result<Weights> {
    let weights = Weights::open_folder(dir)?;
    let head = decoder.names().weight(Role::LmHead);
    let optional = Vec::from_iter(decoder.tied().then_some(head));
    weights.check_all(&decoder.tensors(), &optional)?;
    Ok(weights)
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
