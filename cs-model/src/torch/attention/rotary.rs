//! Rotary positions (Su et al. 2021) of packed tokens.
//!
//! In the shapes, `N` is the number of packed tokens, `D` the head size, and `C` any number of
//! heads.

use tch::{Kind, Tensor};

use crate::config::Rotary;
use crate::error::Result;
use crate::ops::{Device, on_device};

/// The frequencies of a model's rotary positions.
#[derive(Debug)]
pub(in crate::torch) struct Frequencies {
    /// The turn of each pair of numbers in radians a position, `[1, D/2]` f32.
    numbers: Tensor,
    /// The factor of what is turned.
    factor: f64,
}

impl Frequencies {
    pub(in crate::torch) fn new(rotary: &Rotary, head_size: usize, device: Device) -> Result<Self> {
        let numbers = on_device(&rotary.frequencies(head_size), device)?;
        Ok(Self {
            numbers: numbers.f_unsqueeze(0)?,
            factor: rotary.attention_factor(),
        })
    }

    /// Computes the turns of tokens at these positions, `[N]`, for vectors of type `kind`.
    pub(super) fn turns(&self, positions: &Tensor, kind: Kind) -> Result<Turns> {
        let positions = positions.f_to_kind(Kind::Float)?.f_unsqueeze(1)?;
        let angles = positions.f_mul(&self.numbers)?; // [N, D/2]
        let (mut cos, mut sin) = (angles.f_cos()?, angles.f_sin()?);
        if self.factor != 1.0 {
            cos = cos.f_mul_scalar(self.factor)?;
            sin = sin.f_mul_scalar(self.factor)?;
        }
        let cos = Tensor::f_cat(&[&cos, &cos], 1)?.f_unsqueeze(1)?; // [N, 1, D]
        let sin = Tensor::f_cat(&[&sin.f_neg()?, &sin], 1)?.f_unsqueeze(1)?; // [N, 1, D]
        Ok(Turns {
            cos: cos.f_to_kind(kind)?,
            sin: sin.f_to_kind(kind)?,
        })
    }
}

/// How far the vectors of each token are turned, the same in every block.
#[derive(Debug)]
pub(super) struct Turns {
    cos: Tensor,
    /// The sines, those of the first half negative.
    sin: Tensor,
}

impl Turns {
    /// Turns the vectors of each head in place: `[N, C, D]`.
    pub(super) fn apply(&self, mut x: Tensor) -> Result<()> {
        let half = x.size()[2] / 2;
        let swapped = x.f_roll([half], [2])?;
        let mut turned = x.f_mul_(&self.cos)?;
        turned.f_addcmul_(&swapped, &self.sin).map(drop)?;
        Ok(())
    }
}
