//! [`Gradients`]: added up, measured, clipped.

use cs_model::ops::{foreach_add_, foreach_norm};
use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// One gradient a parameter; see [`AdamW::gradients`](super::AdamW::gradients).
///
/// ```
/// use cs_train::optim::AdamW;
/// use cs_train::schedule::TrainConfig;
/// use tch::{Kind, Tensor};
///
/// let x = Tensor::from_slice(&[3.0f32, 4.0]).set_requires_grad(true);
/// let optimizer = AdamW::new(vec![("x".into(), x.shallow_clone())], &TrainConfig::default());
/// let half_square = x.square().sum(Kind::Float) * 0.5;
/// let norm = optimizer.gradients(&half_square)?.norm()?;
/// assert_eq!(norm.double_value(&[]), 5.0);
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug)]
pub struct Gradients {
    pub(super) tensors: Vec<Tensor>,
    pub(super) device: Device,
}

impl Gradients {
    /// Adds the gradients of another part of the batch.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`](crate::Error::Torch) if libtorch fails, as for gradients of another optimiser.
    pub fn add(&mut self, other: Self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let (mut sums, mut added) = (Vec::new(), Vec::new());
        for (sum, gradient) in self.tensors.iter_mut().zip(&other.tensors) {
            if !sum.defined() {
                *sum = gradient.shallow_clone();
            } else if gradient.defined() {
                sums.push(&*sum);
                added.push(gradient);
            }
        }
        if !sums.is_empty() {
            foreach_add_(&sums, &added, 1.0)?;
        }
        Ok(())
    }

    /// The 2-norm of all gradients as one vector: a scalar on the device, so that its value can
    /// be fetched together with the loss.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`](crate::Error::Torch) if libtorch fails.
    pub fn norm(&self) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let gradients = self.tensors.iter().filter(|gradient| gradient.defined());
        let gradients: Vec<&Tensor> = gradients.collect();
        if gradients.is_empty() {
            return Ok(Tensor::f_zeros([], (Kind::Float, self.device))?);
        }
        let norms = foreach_norm(&gradients)?;
        Ok(Tensor::f_stack(&norms, 0)?.f_norm()?)
    }

    /// The factor that brings gradients of this `norm` down to `max_norm`, at most 1; as
    /// `torch.nn.utils.clip_grad_norm_`.
    ///
    /// ```
    /// use cs_train::optim::Gradients;
    /// assert_eq!(Gradients::clip_scale(0.5, 1.0), 1.0);
    /// assert!((Gradients::clip_scale(4.0, 1.0) - 0.25).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn clip_scale(norm: f64, max_norm: f64) -> f64 {
        (max_norm / (norm + 1e-6)).min(1.0)
    }
}
