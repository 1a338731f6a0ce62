//! A running mean of the weights.

use cs_model::ops::foreach_lerp_;
use tch::Tensor;

use crate::error::Result;

/// An exponential moving average (Polyak and Juditsky 1992) as
/// `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn` keeps it: the first step's
/// weights, then `decay` times the mean plus the rest times the weights.
#[derive(Debug)]
pub(crate) struct Ema {
    decay: f64,
    weights: Vec<(String, Tensor)>,
    /// The means by name; empty before the first step.
    mean: Vec<Tensor>,
}

impl Ema {
    /// A mean of `weights`, which are shared with the model.
    pub(crate) fn new(weights: Vec<(String, Tensor)>, decay: f64) -> Self {
        Self {
            decay,
            weights,
            mean: Vec::new(),
        }
    }

    /// Takes the weights after a step.
    pub(crate) fn update(&mut self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        if self.mean.is_empty() {
            let copies = self
                .weights
                .iter()
                .map(|(_, weight)| weight.f_detach_copy());
            self.mean = copies.collect::<Result<_, _>>()?;
            return Ok(());
        }
        let means: Vec<&Tensor> = self.mean.iter().collect();
        let weights: Vec<&Tensor> = self.weights.iter().map(|(_, weight)| weight).collect();
        Ok(foreach_lerp_(&means, &weights, 1.0 - self.decay)?)
    }

    /// Exchanges mean and weights, so that the model has the mean; a second call undoes it to the
    /// bit. Does nothing before the first step.
    pub(crate) fn swap(&mut self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (mean, (_, weight)) in self.mean.iter_mut().zip(&mut self.weights) {
            let kept = weight.f_detach_copy()?;
            weight.f_copy_(mean)?;
            mean.f_copy_(&kept)?;
        }
        Ok(())
    }

    /// The mean by name, for a checkpoint.
    pub(crate) fn mean(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.weights
            .iter()
            .map(|(name, _)| name.as_str())
            .zip(&self.mean)
    }

    /// Sets the mean.
    pub(crate) fn restore(
        &mut self,
        mut read: impl FnMut(&str, &Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        let read = self.weights.iter().map(|(name, weight)| read(name, weight));
        self.mean = read.collect::<Result<_>>()?;
        Ok(())
    }
}
