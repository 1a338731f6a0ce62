//! An encoder-decoder, which turns sources into targets.
//!
//! In the shapes, `N` is the number of packed tokens of the targets, `B` that of sequences, `H` the
//! hidden width, and `V` the number of words.

use std::path::Path;

use cs_data::TokenBatch;
use tch::{Kind, Tensor};

use super::PackedInput;
use super::attention::{Cache, Sources, Target};
use super::checkpoint::{self, computed_kind};
use super::heads::LmHead;
use super::model::check_below;
use super::parameters::Parameters;
use super::transformer::Transformer;
use crate::bundle::{Dtype, Weights};
use crate::config::Seq2SeqConfig;
use crate::error::{Error, Result};
use crate::generate::{Decoder, Likeliest};
use crate::heads::Matrix;
use crate::ops::Device;
use crate::translator::EncoderDecoder;

/// An encoder-decoder of any family in libtorch. It computes without gradients, in the type of its
/// weights; in 16 bits on CUDA it attends by flash attention. Logits are always f32.
///
/// ```no_run
/// use cs_data::TokenBatch;
/// use cs_model::generate::{GenerateConfig, Generator, Prompt};
/// use cs_model::{Device, Dtype, Seq2SeqLm};
/// use std::path::Path;
///
/// let dir = Path::new("opus-mt-zh-en");
/// let model = Seq2SeqLm::open(dir, Device::Cpu, Dtype::F32)?;
/// let generator = Generator::new(GenerateConfig::open(dir)?, model.config().vocab_size())?;
/// let (source, start) = ([520, 31, 7, 0], [model.config().decoder_start_token_id()]);
/// let mut decoder = model.encode(&TokenBatch::pack([&source[..]]))?;
/// let prompt = Prompt { source: &source, ..Prompt::new(&start) };
/// let found = generator.run(&mut decoder, &[prompt], &mut |_| ())?;
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Seq2SeqLm {
    config: Seq2SeqConfig,
    device: Device,
    parameters: Parameters,
    encoder: Transformer,
    decoder: Transformer,
    head: LmHead,
}

impl Seq2SeqLm {
    /// Opens a Hugging Face folder: `config.json` and the weights, in one file or several, which
    /// become of type `dtype`.
    ///
    /// # Errors
    /// A file is missing or damaged; [`Error::Field`] for a configuration, a device or a type that
    /// cannot be used; [`Error::Tensors`] lists every tensor that is missing, unknown or of another
    /// shape; [`Error::Tch`] if memory runs out, with the number of bytes that were asked for.
    pub fn open(dir: &Path, device: Device, dtype: Dtype) -> Result<Self> {
        let config = Seq2SeqConfig::open(dir)?;
        let kind = computed_kind(dtype, device)?;
        let weights = Weights::open_seq2seq(dir, &config)?;
        let mut tensors = config.tensors();
        tensors.retain(|(name, _)| weights.contains(name));
        let _guard = tch::no_grad_guard();
        let parameters = checkpoint::load(&weights, tensors, device, kind)?;
        Self::build(config, parameters, device)
    }

    fn build(config: Seq2SeqConfig, parameters: Parameters, device: Device) -> Result<Self> {
        let encoder = parameters.named(config.encoder_names());
        let decoder = parameters.named(config.decoder_names());
        Ok(Self {
            encoder: Transformer::new(encoder, &config.encoder(), device)?,
            decoder: Transformer::new(decoder, &config.decoder(), device)?,
            head: LmHead::new(decoder, config.tied())?,
            config,
            device,
            parameters,
        })
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
        let mut sources = self.sources(sources)?;
        let input = self.input(targets, self.config.vocab_size())?;
        check_count(&sources, input.lengths().len())?;
        if input.lengths().is_empty() {
            let shape = [0, self.config.vocab_size() as i64];
            return Ok(Tensor::f_zeros(shape, (Kind::Float, self.device.into()))?);
        }
        let targets = input.lengths().iter().enumerate();
        let targets = targets.map(|(source, &tokens)| Target { tokens, source });
        sources.attend(&targets.collect::<Vec<_>>())?;
        let hidden = self.decoder.forward(&input, Some(&sources), false, None)?;
        self.head.forward(&hidden)
    }

    /// Reads sources, once for all steps of generating their targets.
    ///
    /// # Errors
    /// Those of [`Seq2SeqLm::logits`].
    pub fn encode(&self, sources: &TokenBatch) -> Result<Seq2SeqDecoder<'_>> {
        let _guard = tch::no_grad_guard();
        let words = self.parameters.list().first();
        let kind = words.map_or(Kind::Float, |(_, words)| words.kind());
        Ok(Seq2SeqDecoder {
            model: self,
            sources: self.sources(sources)?,
            of: Vec::new(),
            cache: Cache::new(&self.config.decoder(), kind, self.device)?,
        })
    }

    /// Computes what the decoder attends to of sources.
    fn sources(&self, sources: &TokenBatch) -> Result<Sources> {
        let words = self.config.encoder().embeddings.words;
        let input = self.input(sources, words)?;
        if input.lengths().is_empty() {
            return Sources::none(self.device);
        }
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

    /// Writes `config.json` and `model.safetensors` in the type of the weights, under the names of
    /// Hugging Face's model with a head; each file whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] names the file.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let names = self.config.decoder_names();
        checkpoint::save(dir, &self.config.to_json()?, self.parameters.named(names))
    }

    /// Lists every tensor by name, in the order of the configuration's list. The handles share
    /// memory with the model.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let list = self.parameters.list().iter();
        list.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect()
    }

    /// The configuration.
    pub fn config(&self) -> &Seq2SeqConfig {
        &self.config
    }

    /// The device that the tensors are on.
    pub fn device(&self) -> Device {
        self.device
    }
}

impl EncoderDecoder for Seq2SeqLm {
    fn config(&self) -> &Seq2SeqConfig {
        &self.config
    }

    fn read<'a>(&'a self, sources: &TokenBatch) -> Result<Box<dyn Decoder + 'a>> {
        Ok(Box::new(self.encode(sources)?))
    }
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

/// The decoder of a [`Seq2SeqLm`] with the sources that were read: sequence `i` of
/// [`prefill`](Decoder::prefill) attends to source `i`.
#[derive(Debug)]
pub struct Seq2SeqDecoder<'a> {
    model: &'a Seq2SeqLm,
    sources: Sources,
    /// The source of each sequence.
    of: Vec<usize>,
    cache: Cache,
}

impl Seq2SeqDecoder<'_> {
    /// Forgets all sequences, and begins one for each source, or none.
    fn begin(&mut self, prompts: &[&[u32]]) -> Result<Tensor> {
        if !prompts.is_empty() {
            check_count(&self.sources, prompts.len())?;
        }
        self.of = (0..prompts.len()).collect();
        self.cache.restart(prompts.len());
        self.extend(prompts.iter().copied())
    }

    /// Appends tokens to each sequence, and gives the last hidden states of each: `[B, H]`.
    fn extend<'a>(&mut self, tokens: impl Iterator<Item = &'a [u32]>) -> Result<Tensor> {
        let mut batch = TokenBatch::pack(tokens);
        self.cache.place(&mut batch)?;
        let _guard = tch::no_grad_guard();
        let input = self.model.input(&batch, self.vocab_size())?;
        let targets = input.lengths().iter().zip(&self.of);
        let targets = targets.map(|(&tokens, &source)| Target { tokens, source });
        self.sources.attend(&targets.collect::<Vec<_>>())?;
        self.cache.reserve(input.lengths())?;
        let (decoder, sources) = (&self.model.decoder, Some(&self.sources));
        let hidden = decoder.extend(&input, sources, &self.cache)?;
        self.cache.grow(&batch);
        Ok(hidden)
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
        let hidden = self.begin(prompts)?;
        self.model.head.rows(&hidden)
    }

    fn step(&mut self, tokens: &[u32]) -> Result<Matrix> {
        let hidden = self.extend(tokens.iter().map(std::slice::from_ref))?;
        self.model.head.rows(&hidden)
    }

    fn prefill_likeliest(&mut self, prompts: &[&[u32]]) -> Result<Vec<Likeliest>> {
        let hidden = self.begin(prompts)?;
        self.model.head.likeliest(&hidden)
    }

    fn step_likeliest(&mut self, tokens: &[u32]) -> Result<Vec<Likeliest>> {
        let hidden = self.extend(tokens.iter().map(std::slice::from_ref))?;
        self.model.head.likeliest(&hidden)
    }

    fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.cache.reorder(sources)?;
        self.of = sources.iter().map(|&source| self.of[source]).collect();
        Ok(())
    }
}
