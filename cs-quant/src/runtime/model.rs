//! A loaded model, and its forward.

use std::sync::Arc;

use cs_data::TokenBatch;
use cs_model::{Bundle, EncoderConfig, HeadOutput, Matrix, Tasks};

use super::batch_encoder::BatchEncoder;
use super::config::{Precision, RuntimeConfig};
use super::encoder::Encoder;
use super::heads::{TaskHeads, pool};
use super::machine::Machine;
use super::split::check;
use crate::Kernel;
use crate::error::Result;
use crate::format::scheme::QuantConfig;
use crate::format::source::{WeightSource, require_fp32};
use crate::kernel::memory::grow;
use crate::kernel::team::Team;

/// An encoder and its heads, ready to run on this machine's CPU.
///
/// A clone is another handle on the same weights. Handles may be used from any number of threads at
/// once: a call takes its own thread and as many of the pool's as it is worth, as the model may use
/// and as are free, and waits while none is. The models of a process share one pool, which has as
/// many threads as the machine, or as the model that asked for more than that: loading more models
/// does not mean more computing at once. The pool ends with the last of them.
///
/// Loading takes threads of its own and none of the pool's, so that models that answer meanwhile go
/// on; it is done by one thread alone as soon as another model answers.
///
/// A call allocates its result and nothing else once a batch of that size has been seen;
/// [`NativeModel::hidden_into`] not even that. The memory in which a call works is bounded by the
/// groups that a batch is cut into (some hundred tokens, or the longest sequence), not by the
/// batch.
///
/// Results depend neither on the number of threads nor on what else is in the batch: every number
/// is computed by the same operations in the same order.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::Bundle;
/// use cs_quant::{NativeModel, Precision, RuntimeConfig};
///
/// # use cs_model::{BertConfig, EncoderConfig, RawTensor, write_safetensors};
/// # let dir = tempfile::tempdir()?;
/// # let folder = dir.path();
/// # let config = EncoderConfig::from(BertConfig {
/// #     vocab_size: 9, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2,
/// #     intermediate_size: 16, max_position_embeddings: 4, ..BertConfig::default()
/// # });
/// # std::fs::write(folder.join("config.json"), config.to_json()?)?;
/// # let tensors = config.tensors();
/// # let weights = tensors.iter().map(|(name, shape)| {
/// #     (name, RawTensor::from_f32(shape, &vec![0.5; shape.iter().product()]))
/// # });
/// # write_safetensors(&folder.join("model.safetensors"), weights, &Default::default())?;
/// let bundle = Bundle::open(folder)?;
/// let config = RuntimeConfig { precision: Precision::Int8, ..RuntimeConfig::default() };
/// let model = NativeModel::open(&bundle, &config)?;
/// let batch = TokenBatch::pack([&[1, 5, 2][..], &[1, 2]]);
/// let vectors = model.embed(&batch)?;
/// assert_eq!(vectors.rows, 2);
/// assert!(model.embed(&TokenBatch::pack([&[u32::MAX][..]])).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct NativeModel {
    model: Arc<Model>,
}

#[derive(Debug)]
struct Model {
    config: EncoderConfig,
    tasks: Tasks,
    encoder: BatchEncoder,
    heads: TaskHeads,
    precision: Precision,
}

impl NativeModel {
    /// Loads a bundle or a plain Hugging Face folder.
    ///
    /// With [`Precision::Int8`] and no artefact in the folder, the weights are quantised while they
    /// are read, as [`crate::quantize`] would by default.
    ///
    /// Takes [`NativeModel::weight_bytes`] of memory, and while it loads that of a layer more per
    /// thread.
    ///
    /// # Errors
    ///
    /// [`Error::NoWeights`](crate::Error::NoWeights) if the folder lacks the weights asked for; an
    /// error if the kernel or the threads are not to be had; and one for every defect of the
    /// weights file, which names the file and the tensor.
    pub fn open(bundle: &Bundle, config: &RuntimeConfig) -> Result<Self> {
        let (source, precision) = open_source(bundle, config.precision)?;
        Self::load(bundle, &source, precision, config)
    }

    /// Loads the fp32 weights and quantises them while they are read, as [`crate::quantize`] with
    /// this configuration would; `config.precision` is not looked at.
    ///
    /// # Errors
    ///
    /// Those of [`NativeModel::open`]; [`Error::Config`](crate::Error::Config) for a value out of
    /// range.
    pub fn open_quantised(
        bundle: &Bundle,
        quantise: &QuantConfig,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        quantise.validate()?;
        require_fp32(bundle, "fp32")?;
        let source = WeightSource::checkpoint(bundle.unverified_weights()?, Some(quantise.clone()));
        Self::load(bundle, &source, Precision::Int8, config)
    }

    fn load(
        bundle: &Bundle,
        source: &WeightSource,
        precision: Precision,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        let machine = Machine::new(config)?;
        let encoder = bundle.config();
        let tasks = bundle.tasks().clone();
        let loader = machine.loader();
        let load = || -> Result<_> {
            let heads = TaskHeads::load(&tasks, encoder.hidden_size(), source)?;
            Ok((Encoder::load(encoder, source, &loader)?, heads))
        };
        let (verified, loaded) = loader.join(|| source.verify(), load);
        // For a damaged file, this error explains more than one about a tensor.
        verified?;
        let (layers, heads) = loaded?;
        let width = encoder.hidden_size();
        let model = Model {
            config: encoder.clone(),
            encoder: BatchEncoder::new(layers, width, machine),
            heads,
            tasks,
            precision,
        };
        Ok(Self {
            model: Arc::new(model),
        })
    }

    /// Computes the answers of all heads.
    ///
    /// # Shapes
    ///
    /// Intent logits are `[B, C]`, slot logits `[N, T]`, and sentiment is `[B]` in 0..=1, for `B`
    /// sequences, `N` tokens, `C` intents and `T` slot tags.
    ///
    /// # Errors
    ///
    /// [`Error::Batch`](crate::Error::Batch) or [`Error::Input`](crate::Error::Input) if the batch
    /// contradicts itself, has an empty sequence, or an id or a position beyond the model's;
    /// [`Error::Memory`](crate::Error::Memory) if there is not enough memory.
    pub fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput> {
        let model = &*self.model;
        let mut hidden = Matrix::zeros(0, 0);
        model.prepare(batch, &mut hidden)?;
        let crew = model.encoder.lease(batch);
        model.encoder.encode(&crew, batch, &mut hidden.data)?;
        let team = Team::all(model.encoder.simd(), &crew);
        let scratch = &mut *model.encoder.scratch(&crew);
        model
            .heads
            .forward(team, &hidden, &batch.offsets, &mut scratch.quant)
    }

    /// Computes the encoder's last hidden states `[N, H]`.
    ///
    /// # Errors
    ///
    /// Those of [`NativeModel::forward`].
    pub fn hidden(&self, batch: &TokenBatch) -> Result<Matrix> {
        let mut hidden = Matrix::zeros(0, 0);
        self.hidden_into(batch, &mut hidden)?;
        Ok(hidden)
    }

    /// Writes the encoder's last hidden states `[N, H]` to `out`, whatever its shape was. Allocates
    /// nothing if `out` and an earlier call's batch were as large.
    ///
    /// # Errors
    ///
    /// Those of [`NativeModel::forward`]; then `out` is left as it was, or holds anything.
    pub fn hidden_into(&self, batch: &TokenBatch, out: &mut Matrix) -> Result<()> {
        let model = &*self.model;
        model.prepare(batch, out)?;
        let encoder = &model.encoder;
        encoder.encode(&encoder.lease(batch), batch, &mut out.data)
    }

    /// Computes one vector per sequence, `[B, H]`: the hidden states, pooled as the model's tasks
    /// state.
    ///
    /// # Errors
    ///
    /// Those of [`NativeModel::forward`].
    pub fn embed(&self, batch: &TokenBatch) -> Result<Matrix> {
        let hidden = self.hidden(batch)?;
        Ok(pool(self.model.tasks.pooling, &hidden, &batch.offsets))
    }

    /// The size in bytes of all weights as they lie in memory.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.model.encoder.bytes() + self.model.heads.bytes()
    }

    /// The kernel that is in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.model.encoder.simd().kernel()
    }

    /// The precision that is in use; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.model.precision
    }

    /// The number of threads that a forward may use, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.model.encoder.threads()
    }

    /// The configuration of the encoder.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        &self.model.config
    }

    /// The tasks that the model has heads for.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.model.tasks
    }
}

impl Model {
    /// Checks a batch and makes `out` as large as its hidden states, `[N, H]`.
    fn prepare(&self, batch: &TokenBatch, out: &mut Matrix) -> Result<()> {
        check(batch, self.config.vocab_size(), self.config.max_positions())?;
        let (rows, cols) = (batch.tokens(), self.config.hidden_size());
        let len = rows.saturating_mul(cols);
        grow(&mut out.data, len)?;
        out.data.truncate(len);
        (out.rows, out.cols) = (rows, cols);
        Ok(())
    }
}

/// Finds the weights to load, and the precision they will have.
fn open_source(bundle: &Bundle, precision: Precision) -> Result<(WeightSource, Precision)> {
    if precision != Precision::Fp32
        && let Some(weights) = bundle.unverified_int8_weights()?
    {
        return Ok((WeightSource::artefact(weights)?, Precision::Int8));
    }
    let fp32 = precision == Precision::Fp32;
    require_fp32(bundle, if fp32 { "fp32" } else { "int8 or fp32" })?;
    let int8 = precision == Precision::Int8;
    let source = WeightSource::checkpoint(
        bundle.unverified_weights()?,
        int8.then(QuantConfig::default),
    );
    Ok((
        source,
        if int8 {
            Precision::Int8
        } else {
            Precision::Fp32
        },
    ))
}
