//! A loaded model, and its forward.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use cs_data::TokenBatch;
use cs_model::{Bundle, EncoderConfig, HeadOutput, Matrix, Tasks};

use crate::Kernel;
use crate::config::{Precision, QuantConfig, RuntimeConfig};
use crate::encoder::{Encoder, Packed, Scratch};
use crate::error::{QuantError, Result};
use crate::heads::{Heads, pool};
use crate::kernel::Simd;
use crate::kernel::attention::HeadScratch;
use crate::kernel::pool::Pool;
use crate::kernel::team::Team;
use crate::load::Source;
use crate::plan::{Plan, check, plan};
use crate::quantize::has_weights;

/// An encoder and its heads, ready to run on this machine's CPU.
///
/// It owns its threads; dropping it ends them. Calls from several threads are safe and take turns,
/// because each uses all of the model's threads.
///
/// Results depend neither on the number of threads nor on what else is in the batch: every number
/// is computed by the same operations in the same order.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::Bundle;
/// use cs_quant::{NativeModel, Precision, RuntimeConfig};
///
/// # use cs_model::{EncoderConfig, RawTensor, TransformerConfig, write_safetensors};
/// # let dir = tempfile::tempdir()?;
/// # let folder = dir.path();
/// # let config = EncoderConfig::from(TransformerConfig {
/// #     vocab_size: 9, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2,
/// #     intermediate_size: 16, max_position_embeddings: 4, ..TransformerConfig::default()
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
#[derive(Debug)]
pub struct NativeModel {
    config: EncoderConfig,
    tasks: Tasks,
    encoder: Encoder,
    heads: Heads,
    simd: Simd,
    precision: Precision,
    pool: Pool,
    space: Mutex<Space>,
}

/// Everything a call writes to besides its result, kept for the next call.
#[derive(Debug)]
struct Space {
    /// One per thread.
    encoder: Vec<Mutex<Scratch>>,
    /// One per thread.
    heads: Vec<Mutex<HeadScratch>>,
}

impl NativeModel {
    /// Loads a bundle or a plain Hugging Face folder.
    ///
    /// With [`Precision::Int8`] and no artefact in the folder, the weights are quantised while
    /// they are read, as [`crate::quantize`] would by default.
    ///
    /// Takes the file's size in memory while loading, and [`NativeModel::weight_bytes`] after.
    ///
    /// # Errors
    ///
    /// [`QuantError::NoWeights`] if the folder lacks the weights asked for; those of the kernel and
    /// the threads; every defect of the weights file, naming the file and the tensor.
    pub fn open(bundle: &Bundle, config: &RuntimeConfig) -> Result<Self> {
        let simd = Simd::new(config.kernel.unwrap_or_else(Kernel::detect))?;
        let (source, precision) = open_source(bundle, config.precision)?;
        let encoder = bundle.config();
        let tasks = bundle.tasks().clone();
        let threads = config.threads.unwrap_or_else(available_threads);
        let places = |_| Mutex::new(Scratch::default());
        Ok(Self {
            config: encoder.clone(),
            encoder: Encoder::load(encoder, &source)?,
            heads: Heads::load(&tasks, encoder.hidden_size(), &source)?,
            tasks,
            simd,
            precision,
            pool: Pool::new(threads)?,
            space: Mutex::new(Space {
                encoder: (0..threads.get()).map(places).collect(),
                heads: (0..threads.get()).map(|_| Mutex::default()).collect(),
            }),
        })
    }

    /// Answers of all heads.
    ///
    /// # Shapes
    ///
    /// Intent logits `[B, C]`, slot logits `[N, T]`, sentiment `[B]` in 0..=1.
    ///
    /// # Errors
    ///
    /// [`QuantError::Batch`] or [`QuantError::Input`] if the batch contradicts itself, has an empty
    /// sequence, or an id or a position beyond the model's.
    pub fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput> {
        let hidden = self.hidden(batch)?;
        let space = lock(&self.space);
        let mut scratch = lock(&space.encoder[0]);
        let team = Team::all(self.simd, &self.pool);
        let input = (&hidden, &batch.offsets[..]);
        Ok(self.heads.forward(team, input, &mut scratch.quant))
    }

    /// The encoder's last hidden states `[N, H]`.
    ///
    /// # Errors
    ///
    /// As [`NativeModel::forward`].
    pub fn hidden(&self, batch: &TokenBatch) -> Result<Matrix> {
        check(batch, self.config.vocab_size(), self.config.max_positions())?;
        let mut hidden = Matrix::zeros(batch.tokens(), self.config.hidden_size());
        self.encode(batch, &mut hidden.data);
        Ok(hidden)
    }

    /// One vector per sequence `[B, H]`: the hidden states pooled as the model's tasks say.
    ///
    /// # Errors
    ///
    /// As [`NativeModel::forward`].
    pub fn embed(&self, batch: &TokenBatch) -> Result<Matrix> {
        let hidden = self.hidden(batch)?;
        Ok(pool(self.tasks.pooling, &hidden, &batch.offsets))
    }

    /// Bytes of all weights as they lie in memory.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.encoder.bytes() + self.heads.bytes()
    }

    /// The kernel in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.simd.kernel()
    }

    /// The precision in use; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The threads a forward uses, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The encoder's configuration.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The tasks there are heads for.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    fn encode(&self, batch: &TokenBatch, out: &mut [f32]) {
        let space = lock(&self.space);
        match plan(&batch.offsets, self.pool.threads()) {
            Plan::Groups(groups) => {
                let mut parts = Vec::with_capacity(groups.len());
                let mut rest = out;
                for group in groups {
                    let part = packed(batch, group);
                    let (rows, after) =
                        rest.split_at_mut(part.ids.len() * self.config.hidden_size());
                    rest = after;
                    parts.push(Mutex::new((part, rows)));
                }
                self.pool.run(parts.len(), &|rank, i| {
                    let (part, rows) = &mut *lock(&parts[i]);
                    let mut scratch = lock(&space.encoder[rank]);
                    let space = (&mut *scratch, &space.heads[rank..=rank]);
                    self.encoder
                        .forward(Team::solo(self.simd), *part, space, rows);
                });
            }
            Plan::Together(groups) => {
                let mut scratch = lock(&space.encoder[0]);
                let team = Team::all(self.simd, &self.pool);
                let mut rest = out;
                for group in groups {
                    let part = packed(batch, group);
                    let (rows, after) =
                        rest.split_at_mut(part.ids.len() * self.config.hidden_size());
                    rest = after;
                    let space = (&mut *scratch, &space.heads[..]);
                    self.encoder.forward(team, part, space, rows);
                }
            }
        }
    }
}

/// Some consecutive sequences of a checked batch.
fn packed(batch: &TokenBatch, sequences: std::ops::Range<usize>) -> Packed<'_> {
    let offsets = &batch.offsets[sequences.start..=sequences.end];
    let tokens = offsets[0] as usize..offsets[offsets.len() - 1] as usize;
    Packed {
        ids: &batch.ids[tokens.clone()],
        positions: &batch.positions[tokens],
        offsets,
    }
}

/// The weights to load, and the precision they will have.
fn open_source(bundle: &Bundle, precision: Precision) -> Result<(Source, Precision)> {
    if precision != Precision::Fp32
        && let Some(weights) = bundle.int8_weights()?
    {
        return Ok((Source::artefact(weights)?, Precision::Int8));
    }
    if !has_weights(bundle) {
        return Err(QuantError::NoWeights {
            path: bundle.dir().to_owned(),
            wanted: if precision == Precision::Fp32 {
                "fp32"
            } else {
                "int8 or fp32"
            },
        });
    }
    let int8 = precision == Precision::Int8;
    let source = Source::checkpoint(bundle.weights()?, int8.then(QuantConfig::default));
    Ok((
        source,
        if int8 {
            Precision::Int8
        } else {
            Precision::Fp32
        },
    ))
}

fn available_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
