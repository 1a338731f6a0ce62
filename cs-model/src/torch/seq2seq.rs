//! An encoder-decoder.
//!
//! In the shapes, `N` is the number of packed tokens of the targets, `H` the hidden width, and `V`
//! the number of words.

use std::path::Path;

use cs_data::TokenBatch;
use tch::Tensor;

use super::PackedInput;
use super::attention::{Sources, Target};
use super::heads::LmHead;
use super::model::check_below;
use super::numbers::matrix;
use super::parameters::Parameters;
use super::transformer::Transformer;
use crate::bundle::{Bundle, Weights};
use crate::config::Seq2SeqConfig;
use crate::config::names::Role;
use crate::error::{Error, Result};
use crate::generate::Decoder;
use crate::heads::Matrix;
use crate::ops::{Device, on_device};

/// An encoder-decoder in libtorch, which gives a target for each source.
#[derive(Debug)]
pub struct Seq2SeqLm {
    config: Seq2SeqConfig,
    device: Device,
    encoder: Transformer,
    decoder: Transformer,
    head: LmHead,
}

impl Seq2SeqLm {
    /// Opens a Hugging Face folder.
    ///
    /// # Errors
    /// Those of [`Seq2SeqConfig::open`] and of [`Weights::open`]; [`Error::Tensor`] for a tensor
    /// that is missing or has another shape; [`Error::Field`] for a device that is not there.
    pub fn open(dir: &Path, device: Device) -> Result<Self> {
        let config = Seq2SeqConfig::open(dir)?;
        let weights = Weights::open(&dir.join(Bundle::WEIGHTS))?;
        device.check()?;
        let parameters = Parameters::create(config.tensors(), device, |name, shape| {
            fill(&config, &weights, name, shape)
        })?;
        let decoder = parameters.named(config.decoder_names());
        Ok(Self {
            encoder: Transformer::new(
                parameters.named(config.encoder_names()),
                &config.encoder(),
                device,
            )?,
            decoder: Transformer::new(decoder, &config.decoder(), device)?,
            head: LmHead::new(decoder, config.tied())?,
            config,
            device,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Seq2SeqConfig {
        &self.config
    }

    /// Computes the logits of the word after each token of the targets, each of which belongs to
    /// the source of its place.
    ///
    /// # Shapes
    /// `N` tokens give `[N, V]`.
    ///
    /// # Errors
    /// [`Error::Field`] for a token or a position that the model has no embedding for;
    /// [`Error::Shape`] for an empty sequence, or unless there is a target for each source;
    /// [`Error::Tch`], for instance when memory runs out.
    pub fn logits(&self, sources: &TokenBatch, targets: &TokenBatch) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let mut sources = self.read(sources)?;
        let input = self.input(targets, self.config.vocab_size())?;
        check_count(&sources, input.lengths().len())?;
        let attending = input.lengths().iter().enumerate();
        let attending = attending.map(|(source, &tokens)| Target { tokens, source });
        sources.attend(&attending.collect::<Vec<_>>())?;
        let hidden = self.decoder.forward(&input, Some(&sources), false, None)?;
        self.head.forward(&hidden)
    }

    /// Reads sources, once for all targets that are generated from them.
    ///
    /// # Errors
    /// Those of [`Seq2SeqLm::logits`].
    pub fn encode(&self, sources: &TokenBatch) -> Result<Seq2SeqDecoder<'_>> {
        let _guard = tch::no_grad_guard();
        Ok(Seq2SeqDecoder {
            model: self,
            sources: self.read(sources)?,
            sequences: Vec::new(),
        })
    }

    /// Computes what the decoder keeps of the sources.
    fn read(&self, sources: &TokenBatch) -> Result<Sources> {
        let words = self.config.encoder().embeddings.words;
        let input = self.input(sources, words)?;
        let hidden = self.encoder.forward(&input, None, false, None)?;
        self.decoder.sources(&hidden, &input)
    }

    /// Checks a batch for a table of so many words, and moves it to the device.
    fn input(&self, batch: &TokenBatch, words: usize) -> Result<PackedInput> {
        check_below("ids", &batch.ids, words)?;
        if let Some(limit) = self.config.max_positions() {
            check_below("positions", &batch.positions, limit)?;
        }
        PackedInput::new(batch, self.device)
    }
}

/// Gives the numbers of a tensor. Checkpoints may hold a table of words under the name of any layer
/// that shares it, and leave out biases that are zero.
fn fill(
    config: &Seq2SeqConfig,
    weights: &Weights,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>> {
    if weights.contains(name) {
        return weights.f32(name, shape);
    }
    if name == config.decoder_names().bias(Role::LogitsBias) {
        return Ok(vec![0.0; shape.iter().product()]);
    }
    let others = config.sharing(name).into_iter();
    let other = others.into_iter().find(|other| weights.contains(other));
    weights.f32(other.as_deref().unwrap_or(name), shape)
}

fn check_count(sources: &Sources, found: usize) -> Result<()> {
    if sources.count() == found {
        return Ok(());
    }
    Err(Error::Shape {
        what: "sequences of the decoder",
        expected: format!("{}, one a source", sources.count()),
        found: found.to_string(),
    })
}

/// The decoder of a [`Seq2SeqLm`] with the sources that it has read: sequence `i` of
/// [`prefill`](Decoder::prefill) attends to source `i`.
#[derive(Debug)]
pub struct Seq2SeqDecoder<'a> {
    model: &'a Seq2SeqLm,
    sources: Sources,
    sequences: Vec<Sequence>,
}

#[derive(Debug, Clone)]
struct Sequence {
    tokens: Vec<u32>,
    source: usize,
}

impl Seq2SeqDecoder<'_> {
    fn rows(&mut self) -> Result<Matrix> {
        let _guard = tch::no_grad_guard();
        let batch = TokenBatch::pack(self.sequences.iter().map(|own| &own.tokens[..]));
        let input = self.model.input(&batch, self.model.config.vocab_size())?;
        let targets = self.sequences.iter().map(|own| Target {
            tokens: own.tokens.len(),
            source: own.source,
        });
        self.sources.attend(&targets.collect::<Vec<_>>())?;
        let hidden = self
            .model
            .decoder
            .forward(&input, Some(&self.sources), false, None)?;
        let last: Vec<i64> = batch.offsets[1..]
            .iter()
            .map(|&end| i64::from(end) - 1)
            .collect();
        let hidden = hidden.f_index_select(0, &on_device(&last, self.model.device)?)?;
        matrix(&self.model.head.forward(&hidden)?)
    }
}

impl Decoder for Seq2SeqDecoder<'_> {
    fn vocab_size(&self) -> usize {
        self.model.config.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.model.config.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix> {
        check_count(&self.sources, prompts.len())?;
        let prompts = prompts.iter().enumerate();
        self.sequences = prompts
            .map(|(source, tokens)| Sequence {
                tokens: tokens.to_vec(),
                source,
            })
            .collect();
        self.rows()
    }

    fn step(&mut self, tokens: &[u32]) -> Result<Matrix> {
        self.sequences
            .iter_mut()
            .zip(tokens)
            .for_each(|(own, &token)| own.tokens.push(token));
        self.rows()
    }

    fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        self.sequences = sources
            .iter()
            .map(|&source| self.sequences[source].clone())
            .collect();
        Ok(())
    }
}
