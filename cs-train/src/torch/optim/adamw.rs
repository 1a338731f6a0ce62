//! [`AdamW`] on libtorch tensors.

use cs_model::on_device;
use cs_model::ops::{FusedAdamW, fused_adamw};
use tch::{Kind, Tensor};

use super::gradients::Gradients;
use super::layer_decay::layer_factors;
use crate::error::{Error, Result};
use crate::schedule::TrainConfig;

/// Adam with decoupled weight decay ([Loshchilov and Hutter](https://arxiv.org/abs/1711.05101)).
///
/// The update is `torch.optim.AdamW`'s. Matrices decay; biases and norm weights (tensors of
/// rank 1) don't. Keeps two numbers a parameter, made at a parameter's first gradient.
///
/// Of a word embedding, training usually reaches a small part: the tokens of the training set.
/// Told of these ([`AdamW::restrict_rows`]), the optimiser keeps moments for them alone, and the
/// other rows only decay, which is exactly what AdamW does to rows whose gradient is always zero.
///
/// ```
/// use cs_train::optim::AdamW;
/// use cs_train::schedule::TrainConfig;
/// use tch::{Kind, Tensor};
///
/// let x = Tensor::from_slice(&[1.0f32]).set_requires_grad(true);
/// let mut optimizer = AdamW::new(vec![("x".into(), x.shallow_clone())], &TrainConfig::default());
/// for _ in 0..100 {
///     let loss = x.square().sum(Kind::Float);
///     let gradients = optimizer.gradients(&loss)?;
///     optimizer.step(&gradients, 0.1, 1.0)?;
/// }
/// assert!(x.double_value(&[0]).abs() < 0.1);
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug)]
pub struct AdamW {
    parameters: Vec<Parameter>,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    fused: bool,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    tensor: Tensor,
    /// The rows that training can reach; all if `None`.
    rows: Option<Tensor>,
    decays: bool,
    /// The factor of the rate, by the parameter's depth.
    factor: f64,
    moments: Option<Moments>,
}

/// Parameters of equal settings, which take a call together.
struct Group {
    /// The factor of the rate.
    factor: f64,
    decays: bool,
    members: Vec<usize>,
}

/// What Adam remembers of a parameter.
#[derive(Debug)]
pub(crate) struct Moments {
    pub(crate) mean: Tensor,
    pub(crate) square: Tensor,
    pub(crate) steps: i32,
    /// The steps on the device, for the fused operator, which counts them up.
    counter: Tensor,
}

impl Moments {
    pub(crate) fn new(mean: Tensor, square: Tensor, steps: i32) -> Result<Self> {
        // Filled where it is needed: nothing to copy, nothing to wait for.
        let counter = Tensor::f_full([1], f64::from(steps), (Kind::Float, mean.device()))?;
        Ok(Self {
            mean,
            square,
            steps,
            counter,
        })
    }
}

impl AdamW {
    /// An optimiser of `parameters` (name and tensor, shared with the model) with the decay
    /// rates, epsilon and weight decay of `config`.
    #[must_use]
    pub fn new(parameters: Vec<(String, Tensor)>, config: &TrainConfig) -> Self {
        let names = parameters.iter().map(|(name, _)| name.as_str());
        let factors = layer_factors(names, config.layer_decay);
        let parameters = parameters.into_iter().zip(factors);
        let parameters = parameters.map(|((name, tensor), factor)| Parameter {
            decays: tensor.dim() > 1,
            name,
            tensor,
            factor,
            rows: None,
            moments: None,
        });
        Self {
            parameters: parameters.collect(),
            beta1: config.beta1,
            beta2: config.beta2,
            epsilon: config.epsilon,
            weight_decay: config.weight_decay,
            fused: true,
        }
    }

    /// Whether all parameters of a kind are updated by one operator of libtorch that reads and
    /// writes each number once, as is the default, or each parameter by several: slower, for
    /// devices that have no such operator. The results are equal up to rounding.
    #[must_use]
    pub fn fused(self, fused: bool) -> Self {
        Self { fused, ..self }
    }

    /// Promises that only `rows` of the matrix `name` ever get a gradient other than zero.
    /// Does nothing if there is no such parameter or the rows are most of it.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if a row does not exist; [`Error::Torch`] if libtorch fails.
    pub fn restrict_rows(&mut self, name: &str, rows: &[i64]) -> Result<()> {
        let Some(parameter) = self.parameters.iter_mut().find(|p| p.name == name) else {
            return Ok(());
        };
        let height = parameter.tensor.size().first().copied().unwrap_or(0);
        if let Some(row) = rows.iter().find(|row| !(0..height).contains(*row)) {
            return Err(Error::Shape {
                what: format!("row of {name}"),
                expected: format!("below {height}"),
                found: row.to_string(),
            });
        }
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows.dedup();
        if (rows.len() as i64) < height / 2 {
            let device = parameter.tensor.device();
            parameter.rows = Some(on_device(&rows, device)?);
        }
        Ok(())
    }

    /// The gradients of `loss`, a scalar. The parameters' own `grad` fields stay untouched, so
    /// there is nothing to set to zero between steps.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`] if `loss` does not depend on a parameter that requires a gradient.
    pub fn gradients(&self, loss: &Tensor) -> Result<Gradients> {
        let parameters: Vec<&Tensor> = self.parameters.iter().map(|p| &p.tensor).collect();
        let mut tensors = Tensor::f_run_backward(&[loss], &parameters, false, false)?;
        for (gradient, parameter) in tensors.iter_mut().zip(&self.parameters) {
            if let Some(rows) = parameter.rows.as_ref().filter(|_| gradient.defined()) {
                *gradient = gradient.f_index_select(0, rows)?;
            }
        }
        let device = loss.device();
        Ok(Gradients { tensors, device })
    }

    /// The gradient of a parameter, in its restricted rows alone if it has such.
    pub(crate) fn gradient_of<'g>(
        &self,
        gradients: &'g Gradients,
        name: &str,
    ) -> Option<&'g Tensor> {
        let index = self.parameters.iter().position(|p| p.name == name)?;
        let gradient = gradients.tensors.get(index);
        gradient.filter(|gradient| gradient.defined())
    }

    /// Moves the parameters by a step of `lr` along `gradients`, multiplied by `scale` first
    /// (see [`Gradients::clip_scale`]). A parameter that the loss did not depend on stays.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`] if libtorch fails.
    pub fn step(&mut self, gradients: &Gradients, lr: f64, scale: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (parameter, gradient) in self.parameters.iter_mut().zip(&gradients.tensors) {
            if gradient.defined() && parameter.moments.is_none() {
                let zeros = || gradient.f_zeros_like();
                parameter.moments = Some(Moments::new(zeros()?, zeros()?, 0)?);
            }
        }
        if self.fused {
            return self.step_fused(gradients, lr, scale);
        }
        for index in 0..self.parameters.len() {
            if gradients.tensors[index].defined() {
                self.update(index, gradients.tensors[index].f_mul_scalar(scale)?, lr)?;
            }
        }
        Ok(())
    }

    fn step_fused(&mut self, gradients: &Gradients, lr: f64, scale: f64) -> Result<()> {
        let divisor = Tensor::f_full([1], scale.recip(), (Kind::Float, gradients.device))?;
        let divisor = (scale != 1.0).then_some(&divisor);
        let mut groups: Vec<Group> = Vec::new();
        for (index, parameter) in self.parameters.iter_mut().enumerate() {
            if !gradients.tensors[index].defined() {
                continue;
            }
            if let Some(moments) = &mut parameter.moments {
                moments.steps += 1;
            }
            let decays = parameter.decays && parameter.rows.is_none();
            let factor = parameter.factor;
            let mut known = groups.iter_mut();
            match known.find(|group| group.factor == factor && group.decays == decays) {
                Some(group) => group.members.push(index),
                None => groups.push(Group {
                    factor,
                    decays,
                    members: vec![index],
                }),
            }
        }
        groups
            .iter()
            .try_for_each(|group| self.step_group(group, gradients, lr * group.factor, divisor))
    }

    fn step_group(
        &self,
        group: &Group,
        gradients: &Gradients,
        lr: f64,
        grad_scale: Option<&Tensor>,
    ) -> Result<()> {
        let (mut weights, mut given) = (Vec::new(), Vec::new());
        let (mut means, mut squares, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for &index in &group.members {
            let parameter = &self.parameters[index];
            let Some(moments) = &parameter.moments else {
                continue;
            };
            weights.push((parameter, self.reached_weights(parameter, lr)?));
            given.push(&gradients.tensors[index]);
            means.push(&moments.mean);
            squares.push(&moments.square);
            steps.push(&moments.counter);
        }
        fused_adamw(&FusedAdamW {
            parameters: &weights.iter().map(|(_, tensor)| tensor).collect::<Vec<_>>(),
            gradients: &given,
            means: &means,
            squares: &squares,
            steps: &steps,
            lr,
            beta1: self.beta1,
            beta2: self.beta2,
            weight_decay: if group.decays { self.weight_decay } else { 0.0 },
            epsilon: self.epsilon,
            grad_scale,
            found_inf: None,
        })?;
        for (parameter, weights) in &weights {
            if let Some(rows) = &parameter.rows {
                let mut tensor = parameter.tensor.shallow_clone();
                let _ = tensor.f_index_copy_(0, rows, weights)?;
            }
        }
        Ok(())
    }

    /// What the fused operator works on: the parameter itself, or, once all of it has decayed, a
    /// copy of the rows that training can reach.
    fn reached_weights(&self, parameter: &Parameter, lr: f64) -> Result<Tensor> {
        let mut tensor = parameter.tensor.shallow_clone();
        let Some(rows) = &parameter.rows else {
            return Ok(tensor);
        };
        if parameter.decays && self.weight_decay > 0.0 && lr > 0.0 {
            let _ = tensor.f_mul_scalar_(1.0 - lr * self.weight_decay)?;
        }
        Ok(tensor.f_index_select(0, rows)?)
    }

    /// What is remembered of each parameter that has been moved yet, for a checkpoint.
    pub(crate) fn moments(&self) -> impl Iterator<Item = (&str, &Moments)> {
        let parameters = self.parameters.iter();
        parameters.filter_map(|p| Some((p.name.as_str(), p.moments.as_ref()?)))
    }

    /// Sets what is remembered, by name; `read` gives none for a parameter that was never moved.
    /// Moments of a matrix with [restricted rows](Self::restrict_rows) have those rows alone.
    pub(crate) fn restore(
        &mut self,
        mut read: impl FnMut(&str, &[i64]) -> Result<Option<Moments>>,
    ) -> Result<()> {
        for parameter in &mut self.parameters {
            let mut shape = parameter.tensor.size();
            if let Some(rows) = &parameter.rows {
                shape[0] = rows.size()[0];
            }
            parameter.moments = read(&parameter.name, &shape)?;
        }
        Ok(())
    }

    /// `work` holds the gradient and is used up as scratch space, which spares allocations of
    /// the size of the parameter.
    fn update(&mut self, index: usize, mut work: Tensor, lr: f64) -> Result<()> {
        let parameter = &mut self.parameters[index];
        let lr = lr * parameter.factor;
        if parameter.decays && self.weight_decay > 0.0 {
            let factor = 1.0 - lr * self.weight_decay;
            let _ = parameter.tensor.f_mul_scalar_(factor)?;
        }
        let Some(moments) = &mut parameter.moments else {
            return Ok(());
        };
        moments.steps += 1;
        let _ = moments.counter.f_add_scalar_(1)?;
        let _ = moments.mean.f_lerp_(&work, 1.0 - self.beta1)?;
        let _ = work.f_square_()?;
        let _ = moments.square.f_lerp_(&work, 1.0 - self.beta2)?;
        if lr == 0.0 {
            return Ok(());
        }
        // mean / work is -lr × corrected mean / (√corrected square + ε).
        let correction1 = 1.0 - self.beta1.powi(moments.steps);
        let correction2 = 1.0 - self.beta2.powi(moments.steps);
        let _ = moments.square.f_sqrt_out(&work)?;
        let _ = work.f_mul_scalar_(-correction1 / (lr * correction2.sqrt()))?;
        let _ = work.f_add_scalar_(-self.epsilon * correction1 / lr)?;
        match &parameter.rows {
            None => {
                let _ = parameter.tensor.f_addcdiv_(&moments.mean, &work)?;
            }
            Some(rows) => {
                let update = moments.mean.f_div(&work)?;
                let _ = parameter.tensor.f_index_add_(0, rows, &update)?;
            }
        }
        Ok(())
    }
}
