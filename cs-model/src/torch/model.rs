//! An encoder with its heads.
//!
//! `N` packed tokens, `B` sequences, `H` hidden, `C` intents, `T` slot tags.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cs_data::TokenBatch;
use tch::{Kind, Tensor};

use super::encoder::Encoder;
use super::heads::{MaskedLmHead, TaskHeads};
use super::numbers::{matrix, numbers};
use super::output::ModelOutput;
use super::parameters::Parameters;
use super::{InnerStates, PackedInput};
use crate::bundle::{Bundle, RawTensor, Weights, write_safetensors};
use crate::config::EncoderConfig;
use crate::config::names::{HEADS, Role, TensorRole};
use crate::error::{Error, Result};
use crate::heads::{HeadOutput, Tasks};
use crate::init::fresh_tensor;
use crate::ops::Device;

/// Whether a forward pass is part of training, which decides on dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Dropout at the configuration's rates, from libtorch's global generator: seed it with
    /// `tch::manual_seed` before a step to make the step repeatable.
    Train,
    /// No dropout, as for evaluation and serving.
    Eval,
}

/// An encoder and its heads in libtorch. Weights are fp32; under [`Autocast`](crate::ops::Autocast)
/// a transformer computes its matrix products in 16 bits, and on CUDA attention as well, by flash
/// attention on the packed sequences. Results are always fp32.
///
/// A model can move to another thread but not be shared between threads: training updates its
/// tensors in place.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{BertConfig, Device, Model, Tasks};
///
/// let config = BertConfig {
///     vocab_size: 30,
///     hidden_size: 8,
///     num_hidden_layers: 2,
///     num_attention_heads: 2,
///     intermediate_size: 16,
///     ..Default::default()
/// };
/// let tasks = Tasks { intent: Some(vec!["refund".into(), "hello".into()]), ..Default::default() };
/// let model = Model::new(&config.into(), &tasks, Device::Cpu, 42)?;
///
/// let batch = TokenBatch::pack([&[2, 17, 3][..], &[2, 5, 5, 3]]);
/// assert_eq!(model.hidden(&batch)?.size(), [7, 8]);
/// let intent = model.predict(&batch)?.intent.unwrap();
/// assert_eq!((intent.rows, intent.cols), (2, 2));
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Model {
    config: EncoderConfig,
    tasks: Tasks,
    device: Device,
    parameters: Parameters,
    encoder: Encoder,
    heads: TaskHeads,
    masked_lm: Option<MaskedLmHead>,
}

/// What a model is to be built from.
pub(super) struct Blueprint<'a> {
    pub(super) config: &'a EncoderConfig,
    pub(super) tasks: &'a Tasks,
    /// Whether it predicts masked words.
    pub(super) masked_lm: bool,
    pub(super) device: Device,
}

impl<'a> Blueprint<'a> {
    fn with_heads(config: &'a EncoderConfig, tasks: &'a Tasks, device: Device) -> Self {
        Self {
            config,
            tasks,
            masked_lm: false,
            device,
        }
    }
}

impl Model {
    /// Makes a model with fresh weights, which depend on `seed` and the tensors' names alone: a
    /// transformer's are normal with the configuration's deviation, an LSTM's uniform in
    /// ±1/sqrt(units), the light model's word vectors and heads normal with 0.3 and 0.1, biases
    /// zero.
    ///
    /// # Errors
    /// [`Error::Field`] for a configuration, labels or a device that cannot be used.
    pub fn new(config: &EncoderConfig, tasks: &Tasks, device: Device, seed: u64) -> Result<Self> {
        Self::build(
            &Blueprint::with_heads(config, tasks, device),
            |name, shape| Ok(fresh_tensor(name, shape, config, seed)),
        )
    }

    /// Opens the model of a bundle, heads included.
    ///
    /// # Errors
    /// Those of [`Model::new`] and [`Model::load_weights`].
    pub fn open(bundle: &Bundle, device: Device) -> Result<Self> {
        let weights = bundle.weights()?;
        let (config, tasks) = (bundle.config(), bundle.tasks());
        Self::build(
            &Blueprint::with_heads(config, tasks, device),
            |name, shape| weights.f32(name, shape),
        )
    }

    /// Opens the encoder of a bundle or of a plain Hugging Face folder, with fresh heads for
    /// `tasks`.
    ///
    /// # Errors
    /// Those of [`Model::new`] and [`Model::load_weights`].
    pub fn from_pretrained(
        bundle: &Bundle,
        tasks: &Tasks,
        device: Device,
        seed: u64,
    ) -> Result<Self> {
        let weights = bundle.weights()?;
        let config = bundle.config();
        Self::build(
            &Blueprint::with_heads(config, tasks, device),
            |name, shape| {
                let role = TensorRole::parse(name).map(|tensor| tensor.role);
                if role.is_some_and(Role::is_head) {
                    return Ok(fresh_tensor(name, shape, config, seed));
                }
                weights.f32(name, shape)
            },
        )
    }

    /// Builds a model, in which `fill` gives the numbers of each tensor.
    pub(super) fn build(
        blueprint: &Blueprint<'_>,
        fill: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let &Blueprint {
            config,
            tasks,
            masked_lm,
            device,
        } = blueprint;
        config.validate()?;
        tasks.validate()?;
        device.check()?;
        let mut names = config.tensors();
        names.extend(tasks.tensors(config.hidden_size()));
        if masked_lm {
            names.extend(config.masked_lm_tensors()?);
        }
        let masked_lm = config.stack().filter(|_| masked_lm);
        let parameters = Parameters::create(names, device, fill)?;
        let scope = parameters.named(config.names());
        Ok(Self {
            config: config.clone(),
            tasks: tasks.clone(),
            device,
            encoder: Encoder::new(scope, config, device)?,
            heads: TaskHeads::new(parameters.named(HEADS), tasks, config.head_dropout())?,
            masked_lm: masked_lm
                .map(|stack| MaskedLmHead::new(scope, stack.norms, config.masked_lm_activation()))
                .transpose()?,
            parameters,
        })
    }

    /// Computes the heads' results for a packed batch. A batch without sequences has results
    /// without rows.
    ///
    /// # Shapes
    /// `N` tokens of `B` sequences give `[B, C]`, `[N, T]` and `[B]`.
    ///
    /// # Errors
    /// [`Error::Field`] for a token id or a position the model has no embedding for;
    /// [`Error::Shape`] for an empty sequence; [`Error::Tch`], for instance when memory runs out.
    pub fn forward(&self, batch: &TokenBatch, mode: Mode) -> Result<ModelOutput> {
        let input = self.input(batch)?;
        let train = mode == Mode::Train;
        let hidden = self.encode(&input, train, None)?;
        self.heads.forward(&hidden, &input, train)
    }

    /// Computes what [`Model::forward`] does, and gives the encoder's inner states as well.
    /// Attention takes a slower way, because the fused ones do not give their scores; `forward`
    /// itself is not slowed down.
    ///
    /// # Errors
    /// Those of [`Model::forward`].
    pub fn forward_with_inner_states(
        &self,
        batch: &TokenBatch,
        mode: Mode,
    ) -> Result<(ModelOutput, InnerStates)> {
        let input = self.input(batch)?;
        let train = mode == Mode::Train;
        let mut states = InnerStates::default();
        let hidden = self.encode(&input, train, Some(&mut states))?;
        Ok((self.heads.forward(&hidden, &input, train)?, states))
    }

    /// Computes the encoder's last hidden states, without dropout. They carry gradients unless the
    /// caller has switched them off (`tch::no_grad`).
    ///
    /// # Shapes
    /// `N` tokens give `[N, H]`.
    ///
    /// # Errors
    /// Those of [`Model::forward`].
    pub fn hidden(&self, batch: &TokenBatch) -> Result<Tensor> {
        self.encode(&self.input(batch)?, false, None)
    }

    /// Computes the heads' results as plain numbers, without dropout or gradients.
    ///
    /// # Errors
    /// Those of [`Model::forward`].
    pub fn predict(&self, batch: &TokenBatch) -> Result<HeadOutput> {
        let _guard = tch::no_grad_guard();
        let output = self.forward(batch, Mode::Eval)?;
        Ok(HeadOutput {
            intent: output.intent.as_ref().map(matrix).transpose()?,
            slots: output.slots.as_ref().map(matrix).transpose()?,
            sentiment: output.sentiment.as_ref().map(numbers).transpose()?,
            transitions: match &output.crf {
                Some(crf) => Some(Arc::new(crf.to_transitions()?)),
                None => None,
            },
            pooled: None,
        })
    }

    /// Computes the last hidden states, `[N, H]`, in f32 under autocast as well.
    pub(super) fn encode(
        &self,
        input: &PackedInput,
        train: bool,
        states: Option<&mut InnerStates>,
    ) -> Result<Tensor> {
        if input.lengths().is_empty() {
            let shape = [0, self.config.hidden_size() as i64];
            return Ok(Tensor::f_zeros(shape, (Kind::Float, self.device.into()))?);
        }
        self.encoder.forward(input, train, states)
    }

    /// Checks a batch and moves it to the model's device. libtorch would read past its tables for
    /// an id that is too large, so such ids are refused here.
    pub(super) fn input(&self, batch: &TokenBatch) -> Result<PackedInput> {
        check_below("ids", &batch.ids, self.config.vocab_size())?;
        if let Some(limit) = self.config.max_positions() {
            check_below("positions", &batch.positions, limit)?;
        }
        PackedInput::new(batch, self.device)
    }

    /// Lists every tensor by its checkpoint name, in the order of the configuration's list; all of
    /// them are trainable. The handles share memory with the model.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        let list = self.parameters.list().iter();
        list.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect()
    }

    /// Writes all tensors as fp32 safetensors under their Hugging Face names, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] names the file.
    pub fn save_weights(&self, path: &Path) -> Result<()> {
        let mut raw = Vec::new();
        for (name, tensor) in self.parameters.list() {
            let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
            raw.push((name.as_str(), shape, numbers(tensor)?));
        }
        let tensors = raw
            .iter()
            .map(|(name, shape, data)| (name, RawTensor::from_f32(shape, data)));
        // Hugging Face's reader asks for this entry.
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        write_safetensors(path, tensors, &metadata)
    }

    /// Reads all tensors from a safetensors file of fp32, fp16 or bf16 numbers; tensors the model
    /// does not have are left alone. On an error the model stays as it was.
    ///
    /// # Errors
    /// [`Error::Safetensors`] for a torn file or one in another format; [`Error::Tensor`] for a
    /// tensor that is missing or has another shape.
    pub fn load_weights(&mut self, path: &Path) -> Result<()> {
        let weights = Weights::open(path)?;
        self.parameters
            .assign(|name, shape| weights.f32(name, shape))
    }

    /// The configuration of the encoder.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The heads and their labels.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(super) fn masked_lm_head(&self) -> Option<&MaskedLmHead> {
        self.masked_lm.as_ref()
    }

    /// The device that the tensors are on.
    pub fn device(&self) -> Device {
        self.device
    }
}

/// Checks that all numbers are below `limit`.
pub(super) fn check_below(what: &str, numbers: &[u32], limit: usize) -> Result<()> {
    match numbers.iter().position(|&number| number as usize >= limit) {
        None => Ok(()),
        Some(i) => {
            let expected = format!("less than {limit}");
            Err(Error::field(format!("{what}[{i}]"), numbers[i], expected))
        }
    }
}
