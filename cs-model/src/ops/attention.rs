//! Flash attention on packed sequences.
//!
//! In the shapes, `N` is the number of packed tokens, `B` that of sequences, `A` that of heads, and
//! `D` the head size.

use tch::{Kind, Tensor};

use super::bridge::{Argument, Value, call, unexpected};
use super::{Device, on_device};
use crate::error::{Error, Result};

const OPERATOR: &str = "aten::_flash_attention_forward";

/// The arguments of [`flash_attention`]: fp16 or bf16 tensors on a CUDA device, whose last
/// dimension is contiguous.
///
/// ```
/// use cs_model::ops::{FlashAttention, flash_attention};
/// use tch::{Device, Kind, Tensor};
///
/// let x = Tensor::zeros([3, 1, 8], (Kind::Half, Device::Cpu));
/// let offsets = Tensor::from_slice(&[0i32, 2, 3]);
/// let (query, key, value) = (&x, &x, &x);
/// let (offsets, longest) = (&offsets, 2);
/// let input = FlashAttention { query, key, value, offsets, longest, slots: None, causal: false, dropout: 0.0 };
/// assert!(flash_attention(&input).is_err()); // there is no such kernel for the CPU
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FlashAttention<'a> {
    /// The queries of each token, `[N, A, D]`.
    pub query: &'a Tensor,
    /// The keys of each token, `[N, K, D]`: `A / K` heads of queries share one. With `slots`, those
    /// of every row, `[R, K, D]`.
    pub key: &'a Tensor,
    /// The values of each token, of the keys' shape.
    pub value: &'a Tensor,
    /// The row where each sequence begins, and the end: from 0 to `N`, ascending; `[B+1]` i32.
    pub offsets: &'a Tensor,
    /// The number of tokens of the longest sequence.
    pub longest: usize,
    /// Where the keys and values of each sequence are, if not where its queries are.
    pub slots: Option<KeySlots<'a>>,
    /// Whether a token attends only to itself and to those before it; the last query of a sequence
    /// is that of its last key.
    pub causal: bool,
    /// The rate at which attention probabilities are dropped, by libtorch's CUDA generator.
    pub dropout: f64,
}

/// The rows of keys and values that each sequence attends to.
#[derive(Debug, Clone, Copy)]
pub struct KeySlots<'a> {
    /// The row where the keys of each sequence begin, and any number: `[B+1]` i32.
    pub starts: &'a Tensor,
    /// The number of keys of each sequence, `[B]` i32.
    pub lengths: &'a Tensor,
    /// The largest number of keys of a sequence.
    pub longest: usize,
}

/// Computes the attention of each token to all tokens of its sequence, scaled by `1/√D`, without
/// the matrix of scores in memory (Dao 2023, "FlashAttention-2"). Gradients flow through it.
///
/// # Shapes
/// `[N, A, D]` gives `[N, A, D]`.
///
/// # Errors
/// [`Error::Operator`] on a device or for a head size or type that has no kernel, and if the parts
/// do not fit each other. The offsets themselves lie on the device and are not read here.
pub fn flash_attention(input: &FlashAttention<'_>) -> Result<Tensor> {
    input.check()?;
    let (starts, keys, lengths) = match input.slots {
        Some(slots) => (slots.starts, slots.longest, Some(slots.lengths)),
        None => (input.offsets, input.longest, None),
    };
    let mut results = call(
        OPERATOR,
        &[
            input.query.into(),
            input.key.into(),
            input.value.into(),
            input.offsets.into(),
            starts.into(),
            Argument::Int(input.longest as i64),
            Argument::Int(keys as i64),
            Argument::Float(input.dropout),
            Argument::Bool(input.causal),
            Argument::Bool(false), // return the mask of dropout
            Argument::None,        // scale: 1/√D
            Argument::None,        // no window
            Argument::None,
            lengths.into(),
            Argument::None, // no slopes
        ],
    )?;
    // The rest is for the backward pass.
    results.truncate(1);
    match results.pop() {
        Some(Value::Tensor(output)) => Ok(output),
        other => Err(unexpected(OPERATOR, "a tensor first", other.as_slice())),
    }
}

/// Whether `device` computes [`flash_attention`] for heads of this size, in 16 bits: this takes a
/// CUDA device of compute capability 8.0 or newer, and a size that is a multiple of 8 up to 256.
/// Tries it with one token.
///
/// ```
/// use cs_model::{Device, ops::flash_attention_supports};
/// assert!(!flash_attention_supports(Device::Cpu, 64));
/// ```
#[must_use]
pub fn flash_attention_supports(device: Device, head_size: usize) -> bool {
    let fits = head_size.is_multiple_of(8) && (8..=256).contains(&head_size);
    matches!(device, Device::Cuda(_)) && fits && probe(device, head_size as i64).is_ok()
}

fn probe(device: Device, head_size: i64) -> Result<()> {
    let _guard = tch::no_grad_guard();
    let x = Tensor::f_zeros([1, 1, head_size], (Kind::BFloat16, device.into()))?;
    let offsets = on_device(&[0_i32, 1], device)?;
    flash_attention(&FlashAttention {
        query: &x,
        key: &x,
        value: &x,
        offsets: &offsets,
        longest: 1,
        slots: None,
        causal: false,
        dropout: 0.0,
    })
    .map(drop)
}

impl FlashAttention<'_> {
    fn check(&self) -> Result<()> {
        let wrong = |reason: &str| Err(Error::operator(OPERATOR, reason));
        let [q, k, v] = [self.query, self.key, self.value];
        if ![q, k, v, self.offsets]
            .iter()
            .all(|tensor| tensor.defined())
        {
            return wrong("an undefined tensor");
        }
        let (shape, keys) = (q.size(), k.size());
        let (&[n, a, d], &[rows, shared, size]) = (&shape[..], &keys[..]) else {
            return wrong("query or key are not of a shape [N, A, D]");
        };
        if v.size() != keys || size != d || shared == 0 || a % shared != 0 {
            return wrong("query, key and value do not fit each other");
        }
        if let Some(slots) = self.slots {
            self.check_slots(slots)?;
        } else if rows != n {
            return wrong("query and key have not as many tokens");
        }
        if self.offsets.dim() != 1 || self.offsets.kind() != Kind::Int {
            return wrong("the offsets are not a vector of i32");
        }
        if self.longest as u64 > shape[0].unsigned_abs() {
            return wrong("the longest sequence has more tokens than there are");
        }
        Ok(())
    }

    fn check_slots(&self, slots: KeySlots<'_>) -> Result<()> {
        let wrong = |reason: &str| Err(Error::operator(OPERATOR, reason));
        let vectors = [slots.starts, slots.lengths];
        if !vectors
            .iter()
            .all(|tensor| tensor.defined() && tensor.kind() == Kind::Int)
        {
            return wrong("the slots' starts or lengths are not vectors of i32");
        }
        let count = self.offsets.size();
        let lengths = slots.lengths.size();
        if slots.starts.size() != count || lengths.iter().sum::<i64>() + 1 != count[0] {
            return wrong("there are not as many slots as sequences");
        }
        if slots.longest as u64 > self.key.size()[0].unsigned_abs() {
            return wrong("the longest slot has more keys than there are");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::bridge::schema;
    use super::*;

    #[test]
    fn the_schema_is_the_one_the_call_is_written_for() {
        let found = schema(OPERATOR).unwrap();
        let start = "aten::_flash_attention_forward(Tensor query, Tensor key, Tensor value, \
             Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p, \
             bool is_causal, bool return_debug_mask, *, float? scale=None, \
             SymInt? window_size_left=None, SymInt? window_size_right=None, \
             Tensor? seqused_k=None, Tensor? alibi_slopes=None";
        assert!(found.starts_with(start), "{found}");
        assert!(found.contains("-> (Tensor output, "), "{found}");
    }

    #[test]
    fn what_does_not_fit_never_reaches_a_kernel() {
        let x = Tensor::zeros([4, 2, 8], (Kind::Half, tch::Device::Cpu));
        let offsets = Tensor::from_slice(&[0_i32, 4]);
        let input = FlashAttention {
            query: &x,
            key: &x,
            value: &x,
            offsets: &offsets,
            longest: 4,
            slots: None,
            causal: false,
            dropout: 0.0,
        };
        let text = |input: FlashAttention<'_>| flash_attention(&input).unwrap_err().to_string();
        assert!(text(input).contains("CPU"), "{}", text(input));
        let flat = x.flatten(1, 2);
        assert!(
            text(FlashAttention {
                key: &flat,
                ..input
            })
            .contains("a shape")
        );
        let wide = offsets.to_kind(Kind::Int64);
        assert!(
            text(FlashAttention {
                offsets: &wide,
                ..input
            })
            .contains("vector of i32")
        );
        assert!(
            text(FlashAttention {
                longest: 5,
                ..input
            })
            .contains("longest")
        );
    }
}
