//! A packed batch as tensors.
//!
//! `N` packed tokens, `B` sequences.

use cs_data::TokenBatch;
use tch::Tensor;

use crate::error::{Error, Result};
use crate::ops::{Device, on_device};

/// A checked [`TokenBatch`] on a device: every sequence has a token, and the offsets fit the
/// tokens.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{Device, PackedInput};
///
/// let batch = TokenBatch::pack([&[2, 7, 3][..], &[2, 3]]);
/// let input = PackedInput::new(&batch, Device::Cpu)?;
/// assert_eq!(input.lengths(), [3, 2]);
/// assert_eq!(input.ids().size(), [5]);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct PackedInput {
    ids: Tensor,
    positions: Tensor,
    lengths: Vec<usize>,
    device: Device,
}

impl PackedInput {
    /// Checks a batch and moves it to a device. Costs a copy of 16 bytes a token.
    ///
    /// # Errors
    /// [`Error::Shape`] if a sequence is empty or the batch's parts contradict each other;
    /// [`Error::Tch`] if the device cannot take it.
    pub fn new(batch: &TokenBatch, device: Device) -> Result<Self> {
        let lengths = lengths(batch)?;
        // One transfer for both.
        let numbers = batch.ids.iter().chain(&batch.positions);
        let numbers: Vec<i64> = numbers.map(|&number| i64::from(number)).collect();
        let both = on_device(&numbers, device)?;
        let tokens = batch.ids.len() as i64;
        Ok(Self {
            ids: both.f_narrow(0, 0, tokens)?,
            positions: both.f_narrow(0, tokens, tokens)?,
            lengths,
            device,
        })
    }

    /// The token ids, `[N]` i64.
    pub fn ids(&self) -> &Tensor {
        &self.ids
    }

    /// The position of each token in its sequence, `[N]` i64.
    pub fn positions(&self) -> &Tensor {
        &self.positions
    }

    /// The number of tokens of each sequence, `B` numbers.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The device that the tensors are on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The number of tokens of each sequence, `[B]` i64.
    pub(super) fn lengths_tensor(&self) -> Result<Tensor> {
        self.tensor(self.lengths.iter().copied())
    }

    /// The row of each sequence's first token, `[B]` i64.
    pub(super) fn first_rows(&self) -> Result<Tensor> {
        self.tensor(self.lengths.iter().scan(0, |next, &length| {
            let row = *next;
            *next += length;
            Some(row)
        }))
    }

    /// The row of each sequence's last token, `[B]` i64.
    pub(super) fn last_rows(&self) -> Result<Tensor> {
        self.tensor(self.lengths.iter().scan(0, |next, &length| {
            *next += length;
            Some(*next - 1)
        }))
    }

    fn tensor(&self, numbers: impl Iterator<Item = usize>) -> Result<Tensor> {
        let numbers: Vec<i64> = numbers.map(|number| number as i64).collect();
        on_device(&numbers, self.device)
    }
}

/// Gives the sequences' lengths. The batch's fields are open to anyone, so they are checked first.
fn lengths(batch: &TokenBatch) -> Result<Vec<usize>> {
    if batch.positions.len() != batch.ids.len() {
        let found = batch.positions.len().to_string();
        return Err(wrong(
            "positions of the batch",
            format!("{} numbers", batch.ids.len()),
            found,
        ));
    }
    let ends = (batch.offsets.first(), batch.offsets.last());
    if ends != (Some(&0), u32::try_from(batch.ids.len()).ok().as_ref()) {
        let expected = format!("0 to {}", batch.ids.len());
        return Err(wrong("offsets of the batch", expected, format!("{ends:?}")));
    }
    let pairs = batch.offsets.windows(2).enumerate();
    pairs
        .map(|(i, pair)| match pair[1].checked_sub(pair[0]) {
            Some(length) if length > 0 => Ok(length as usize),
            _ => Err(wrong(
                "a sequence of the batch",
                format!("at least 1 token in sequence {i}"),
                format!("offsets {} to {}", pair[0], pair[1]),
            )),
        })
        .collect()
}

fn wrong(what: &'static str, expected: String, found: String) -> Error {
    Error::Shape {
        what,
        expected,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_named() {
        let good = TokenBatch::pack([&[1, 2][..], &[3]]);
        assert!(PackedInput::new(&good, Device::Cpu).is_ok());
        let text = |change: fn(&mut TokenBatch)| {
            let mut batch = good.clone();
            change(&mut batch);
            PackedInput::new(&batch, Device::Cpu)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            text(|batch| batch.offsets = vec![0, 2, 2, 3]),
            "a sequence of the batch: expected at least 1 token in sequence 1, \
             found offsets 2 to 2"
        );
        assert!(text(|batch| batch.offsets = vec![0, 3, 2, 3]).contains("offsets 3 to 2"));
        assert!(text(|batch| batch.offsets = vec![]).starts_with("offsets of the batch"));
        assert!(text(|batch| batch.offsets = vec![1, 3]).starts_with("offsets of the batch"));
        assert!(text(|batch| batch.offsets = vec![0, 9]).starts_with("offsets of the batch"));
        assert!(text(|batch| batch.positions.clear()).starts_with("positions of the batch"));
    }
}
