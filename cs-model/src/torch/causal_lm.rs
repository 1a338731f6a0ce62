//! A decoder that continues texts.
//!
//! `N` packed tokens, `B` sequences, `H` hidden, `V` words.

use std::path::Path;

use cs_data::TokenBatch;
use tch::Tensor;

use super::PackedInput;
use super::attention::Cache;
use super::checkpoint::{self, computed_kind};
use super::heads::LmHead;
use super::model::check_below;
use super::parameters::Parameters;
use super::transformer::Transformer;
use crate::bundle::{Dtype, Weights};
use crate::config::DecoderConfig;
use crate::config::names::Role;
use crate::error::Result;
use crate::generate::{Decoder, Likeliest};
use crate::heads::Matrix;
use crate::init::fresh;
use crate::ops::{Device, on_device};

/// A decoder of any family in libtorch, which is a [`Decoder`] for the
/// [`Generator`](crate::generate::Generator). It computes without gradients, in the type of its
/// weights; in 16 bits on CUDA it attends by flash attention. Logits are always f32.
///
/// ```no_run
/// use cs_model::generate::{GenerateConfig, Generator, Prompt};
/// use cs_model::{CausalLm, Device, Dtype};
/// use std::path::Path;
///
/// let mut model = CausalLm::open(Path::new("smollm2"), Device::Cpu, Dtype::F32)?;
/// let config = GenerateConfig { max_new_tokens: 20, ..Default::default() };
/// let generator = Generator::new(config, model.config().vocab_size())?;
/// let prompts = [Prompt::new(&[504, 3575]), Prompt::new(&[19556])];
/// let found = generator.run(&mut model, &prompts, &mut |_| ())?;
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct CausalLm {
    config: DecoderConfig,
    device: Device,
    parameters: Parameters,
    transformer: Transformer,
    head: LmHead,
    cache: Cache,
}

impl CausalLm {
    /// Opens a Hugging Face folder: `config.json` and the weights, in one file or several, which
    /// become of type `dtype`. Reading takes little longer than copying the files where they are of
    /// that type.
    ///
    /// # Errors
    /// A file is missing or damaged; [`Error::Field`](crate::Error::Field) for a configuration, a device or a type that
    /// cannot be used; [`Error::Tensors`](crate::Error::Tensors) lists every tensor that is missing, unknown or of another
    /// shape; [`Error::Tch`](crate::Error::Tch) if memory runs out, with the number of bytes that were asked for.
    pub fn open(dir: &Path, device: Device, dtype: Dtype) -> Result<Self> {
        let config = DecoderConfig::open(dir)?;
        let kind = computed_kind(dtype, device)?;
        let weights = Weights::open_folder(dir)?;
        // A checkpoint may hold a tied head as well.
        let head = config.names().weight(Role::LmHead);
        let optional = Vec::from_iter(config.tied().then_some(head));
        weights.check_all(&config.tensors(), &optional)?;
        let _guard = tch::no_grad_guard();
        let parameters = checkpoint::load(&weights, config.tensors(), device, kind)?;
        Self::build(config, parameters, device)
    }

    /// Makes a model with fresh weights, which depend on `seed` and the tensors' names alone.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) for a configuration, a device or a type that cannot be
    /// used; [`Error::Tch`](crate::Error::Tch) if memory runs out.
    pub fn new(config: &DecoderConfig, device: Device, dtype: Dtype, seed: u64) -> Result<Self> {
        config.validate()?;
        let kind = computed_kind(dtype, device)?;
        let _guard = tch::no_grad_guard();
        let fresh = config.tensors().into_iter().map(|(name, shape)| {
            let numbers = fresh(&name, &shape, config.initial_deviation(), seed);
            let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
            let tensor = on_device(&numbers, device)?.f_to_kind(kind)?;
            Ok((name, tensor.f_reshape(&shape)?))
        });
        let parameters = Parameters::of(fresh.collect::<Result<_>>()?);
        Self::build(config.clone(), parameters, device)
    }

    fn build(config: DecoderConfig, parameters: Parameters, device: Device) -> Result<Self> {
        let stack = config.stack();
        let scope = parameters.named(config.names());
        let kind = scope.weight(Role::WordEmbeddings)?.kind();
        Ok(Self {
            transformer: Transformer::new(scope, &stack, device)?,
            head: LmHead::new(scope, config.tied())?,
            cache: Cache::new(&stack, kind, device)?,
            config,
            device,
            parameters,
        })
    }

    /// Computes the logits of the word after each token of a packed batch, without the cache.
    ///
    /// # Shapes
    /// `N` tokens give `[N, V]`.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) for a token id or a position the model has no embedding for;
    /// [`Error::Shape`](crate::Error::Shape) for an empty sequence; [`Error::Tch`](crate::Error::Tch), for instance when memory runs out.
    pub fn logits(&self, batch: &TokenBatch) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let input = self.input(batch)?;
        self.head
            .forward(&self.transformer.forward(&input, None, false, None)?)
    }

    /// Writes `config.json` and `model.safetensors` in the type of the weights, under the names of
    /// Hugging Face's model with a head; each file whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) names the file.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let names = self.config.names();
        checkpoint::save(dir, &self.config.to_json()?, self.parameters.named(names))
    }

    /// Lists every tensor by name, in the order of the configuration's list. The handles share
    /// memory with the model.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let list = self.parameters.list().iter();
        list.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect()
    }

    /// The configuration of the decoder.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The device that the tensors are on.
    pub fn device(&self) -> Device {
        self.device
    }

    fn check(&self, batch: &TokenBatch) -> Result<()> {
        check_below("ids", &batch.ids, self.config.vocab_size())?;
        match self.config.max_positions() {
            Some(limit) => check_below("positions", &batch.positions, limit),
            None => Ok(()),
        }
    }

    fn input(&self, batch: &TokenBatch) -> Result<PackedInput> {
        self.check(batch)?;
        PackedInput::new(batch, self.device)
    }

    /// Reads prompts, without what they have in common with the sequences, and gives the last hidden
    /// states of each: `[B, H]`.
    fn read(&mut self, prompts: &[&[u32]]) -> Result<Tensor> {
        self.check(&TokenBatch::pack(prompts.iter().copied()))?;
        let _guard = tch::no_grad_guard();
        self.cache.resume(prompts)?;
        let pairs = prompts.iter().zip(self.cache.lengths());
        let rests: Vec<&[u32]> = pairs.map(|(prompt, read)| &prompt[read..]).collect();
        self.extend(rests.into_iter())
    }

    /// Appends tokens to each sequence, and gives the last hidden states of each: `[B, H]`.
    fn extend<'a>(&mut self, tokens: impl Iterator<Item = &'a [u32]>) -> Result<Tensor> {
        let mut batch = TokenBatch::pack(tokens);
        self.cache.place(&mut batch)?;
        let _guard = tch::no_grad_guard();
        let input = self.input(&batch)?;
        self.cache.reserve(input.lengths())?;
        let hidden = self.transformer.extend(&input, None, &self.cache)?;
        self.cache.grow(&batch);
        Ok(hidden)
    }
}

impl Decoder for CausalLm {
    fn vocab_size(&self) -> usize {
        self.config.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.config.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix> {
        let hidden = self.read(prompts)?;
        self.head.rows(&hidden)
    }

    fn step(&mut self, tokens: &[u32]) -> Result<Matrix> {
        let hidden = self.extend(tokens.iter().map(std::slice::from_ref))?;
        self.head.rows(&hidden)
    }

    fn prefill_likeliest(&mut self, prompts: &[&[u32]]) -> Result<Vec<Likeliest>> {
        let hidden = self.read(prompts)?;
        self.head.likeliest(&hidden)
    }

    fn step_likeliest(&mut self, tokens: &[u32]) -> Result<Vec<Likeliest>> {
        let hidden = self.extend(tokens.iter().map(std::slice::from_ref))?;
        self.head.likeliest(&hidden)
    }

    fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.cache.reorder(sources)
    }
}
