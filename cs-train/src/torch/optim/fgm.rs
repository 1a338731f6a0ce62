//! Adversarial training on the word embeddings.

use cs_model::on_device;
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::torch::objective::Objective;

/// FGM (Miyato et al. 2017, <https://arxiv.org/abs/1605.07725>, equation 8): moves the word
/// embeddings by `epsilon × g / ‖g‖`, towards a larger loss, for a second pass over the batch.
#[derive(Debug)]
pub(crate) struct Fgm {
    epsilon: f64,
    parameter: String,
    weights: Tensor,
    /// The rows that can have a gradient.
    rows: Tensor,
    /// Those rows as they were.
    kept: Option<Tensor>,
}

impl Fgm {
    /// # Errors
    ///
    /// [`Error::Config`] if the objective has no embedding to perturb.
    pub(crate) fn new(objective: &dyn Objective, epsilon: f64) -> Result<Self> {
        let expected = "0 for an objective without word embeddings";
        let missing = || Error::config("fgm", epsilon, expected);
        let reached = objective.reached().ok_or_else(missing)?;
        let parameters = objective.parameters().into_iter();
        let mut named = parameters.filter(|(name, _)| *name == reached.parameter);
        let (parameter, weights) = named.next().ok_or_else(missing)?;
        Ok(Self {
            epsilon,
            parameter,
            rows: on_device(&reached.rows, weights.device())?,
            weights,
            kept: None,
        })
    }

    pub(crate) fn parameter(&self) -> &str {
        &self.parameter
    }

    /// Moves the embeddings along their gradient: `[V, H]`, or `[R, H]` of the reached rows alone.
    /// A gradient of zero, or one that overflowed, moves nothing.
    pub(crate) fn perturb(&mut self, gradient: Option<&Tensor>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let Some(gradient) = gradient else {
            return Ok(());
        };
        let gradient = if gradient.size() == self.weights.size() {
            gradient.f_index_select(0, &self.rows)?
        } else {
            gradient.shallow_clone()
        };
        let unit = gradient.f_div(&gradient.f_norm()?)?;
        let unit = unit.f_nan_to_num(0.0, 0.0, 0.0)?;
        self.kept = Some(self.weights.f_index_select(0, &self.rows)?);
        let step = unit.f_mul_scalar(self.epsilon)?.f_to_kind(Kind::Float)?;
        let _ = self.weights.f_index_add_(0, &self.rows, &step)?;
        Ok(())
    }

    /// Puts the embeddings back, to the bit.
    pub(crate) fn restore(&mut self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        if let Some(kept) = self.kept.take() {
            let _ = self.weights.f_index_copy_(0, &self.rows, &kept)?;
        }
        Ok(())
    }
}
