//! Dynamic int8 for customer-service models: the quantiser, and a native CPU runtime without
//! libtorch.
//!
//! [`quantize`] turns a model folder into one with an int8 artefact; [`NativeModel`] loads either
//! (int8 or fp32) and answers packed batches; [`RuntimeConfig`] chooses threads, kernel and
//! precision. [`NativeCausalLm`] continues texts, of a decoder that [`quantize_decoder`] made smaller
//! or as it is; [`NativeSeq2SeqLm`] turns sources into targets, and [`quantize_seq2seq`] makes it
//! smaller.
//!
//! ```
//! use cs_quant::{Kernel, Precision, RuntimeConfig};
//!
//! let config = RuntimeConfig { precision: "int8".parse()?, ..RuntimeConfig::default() };
//! assert_eq!(config.precision, Precision::Int8);
//! assert!(Kernel::detect().is_supported());
//! # Ok::<(), cs_quant::Error>(())
//! ```
//!
//! # Arithmetic
//!
//! A weight matrix `W` `[N, K]` is quantised once, symmetrically, with a step per output channel:
//!
//! ```text
//! W[n, k] ~ t[n] q[n, k],    t[n] = max_k |W[n, k]| / L,    |q[n, k]| <= 127
//! ```
//!
//! with the `L` of 32, 36 .. 120 that leaves the least squared error, see below. An activation row
//! `x` `[K]` is quantised whenever it comes, asymmetrically:
//!
//! ```text
//! x[k] ~ s u[k] + m,    m = min x,    s = (max x - m) / 255,    u[k] = round((x[k] - m) / s)
//! ```
//!
//! so that one row's outlier costs no other row precision, and GELU's outputs, which hardly go
//! below zero, use the whole range. The product is then
//!
//! ```text
//! y[n] = s t[n] sum_k u[k] q[n, k]  +  m t[n] sum_k q[n, k]  +  b[n]
//! ```
//!
//! where the first sum is exact in `i32`, the second is known at load, and activation function and
//! bias are applied before `y` is stored.
//!
//! AVX2 multiplies bytes in pairs and adds them in `i16` (`vpmaddubsw`), and is fastest where two
//! such sums are added before they are widened. So four neighbours, of each eight inputs 0, 1, 4, 5
//! and 2, 3, 6, 7, are bound together:
//!
//! ```text
//! sum_j max(q[n, j], 0) <= 128,    sum_j max(-q[n, j], 0) <= 128,    255 * 128 < 2^15
//! ```
//!
//! Where the sums are larger, the weights that were rounded up the most are lowered by one until
//! they are not. Few neighbours are that large, so this costs hardly anything, whereas activations
//! half as fine, the alternative, would cost much. If the sums of an artefact are larger all the
//! same, its activations get 127 or 63 steps. The same holds for every kernel, so that answers do
//! not depend on the machine. Attention, LayerNorm, softmax and the LSTM's cell stay in `f32`;
//! embeddings are int8 with a step per row.
//!
//! What [`Int4`] selects takes 4 bits, with a step for each group `g` of 32 or 64 weights of a row,
//! in f16:
//!
//! ```text
//! W[n, k] ~ t[n, g] (q[n, k] - 8),    t[n, g] = max_{k in g} |W[n, k]| / 7,    q = 1..15
//! ```
//!
//! An embedding is widened when it is looked up, and a decoder's matrix in registers, where each
//! group has an exact sum of its own; an encoder's matrix when it is read, and then rounded to int8
//! rows as above. With [`Clip::Mse`] a step `t` may be finer than one that
//! represents the largest weights, `q = clamp(round(W / t), ±limit)`, where that lowers
//! `sum (W - t q)^2`.
//!
//! # Smaller models
//!
//! [`sensitivity`] and [`Gate`] tell what quantising costs. [`prune_to_latency`] removes heads and
//! neurons for good, and [`trim_vocabulary`] words.
//!
//! # Work split
//!
//! A batch is cut into groups of whole sequences, about 128 tokens each; one thread carries a group
//! through the entire network, so that activations stay in its cache and threads never wait for
//! each other. Where that would leave threads idle, as with a single sequence, a layer is split
//! instead: by its rows, of which every thread needs only the keys and values of the others, and
//! with few rows by the output columns of its matrices; the LSTM by direction.

mod compress;
mod error;
mod format;
mod kernel;
mod runtime;

pub use compress::decoder_gate::{
    BlockSensitivity, DecoderGate, DecoderGateReport, block_sensitivity, perplexity, surprise,
};
pub use compress::edited::is_own_folder;
pub use compress::gate::{Gate, GateReport, HeadFigures};
pub use compress::prune::latency::latencies;
pub use compress::prune::target::{PruneConfig, PruneReport, prune_to_latency};
pub use compress::prune::{PrunePlan, magnitude, prune};
pub use compress::quantize::{LayerError, QuantReport, quantize};
pub use compress::quantize_decoder::{quantize_decoder, quantize_seq2seq};
pub use compress::questions::{Fidelity, Questions, single_batches};
pub use compress::sensitivity::{Figures, Metric, Probe, Sensitivity, sensitivity};
pub use compress::timing::time_in_turn;
pub use compress::trim::{TrimConfig, TrimReport, trim_vocabulary};
pub use error::{Error, Result};
pub use format::scheme::{Clip, Int4, QuantConfig};
pub use kernel::Kernel;
pub use runtime::causal_lm::NativeCausalLm;
pub use runtime::config::{Precision, RuntimeConfig};
pub use runtime::conversations::NativeConversations;
pub use runtime::model::NativeModel;
pub use runtime::seq2seq::{NativeSeq2SeqDecoder, NativeSeq2SeqLm};
