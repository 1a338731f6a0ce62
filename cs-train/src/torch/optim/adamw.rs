//! [`AdamW`] on libtorch tensors.

use cs_model::on_device;
use cs_model::ops::{FusedAdamW, foreach_add_, foreach_norm, fused_adamw};
use tch::{Device, Kind, Tensor};

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

/// One gradient a parameter; see [`AdamW::gradients`].
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
    tensors: Vec<Tensor>,
    device: Device,
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
        let parameter = |((name, tensor), factor): ((String, Tensor), f64)| Parameter {
            decays: tensor.dim() > 1,
            name,
            tensor,
            factor,
            rows: None,
            moments: None,
        };
        Self {
            parameters: parameters.into_iter().zip(factors).map(parameter).collect(),
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
        // Parameters of equal settings take a call together.
        let mut groups: Vec<((f64, bool), Vec<usize>)> = Vec::new();
        for (index, parameter) in self.parameters.iter_mut().enumerate() {
            if !gradients.tensors[index].defined() {
                continue;
            }
            if let Some(moments) = &mut parameter.moments {
                moments.steps += 1;
            }
            let settings = (
                parameter.factor,
                parameter.decays && parameter.rows.is_none(),
            );
            match groups.iter_mut().find(|(of, _)| *of == settings) {
                Some((_, members)) => members.push(index),
                None => groups.push((settings, vec![index])),
            }
        }
        for ((factor, decays), members) in groups {
            let weight_decay = if decays { self.weight_decay } else { 0.0 };
            self.step_group(&members, gradients, (lr * factor, weight_decay), divisor)?;
        }
        Ok(())
    }

    fn step_group(
        &mut self,
        members: &[usize],
        gradients: &Gradients,
        (lr, weight_decay): (f64, f64),
        grad_scale: Option<&Tensor>,
    ) -> Result<()> {
        let all = &self.parameters;
        let members: Vec<(&Parameter, &Moments, &Tensor)> = members
            .iter()
            .filter_map(|&i| Some((&all[i], all[i].moments.as_ref()?, &gradients.tensors[i])))
            .collect();
        let weights = members.iter().map(|(p, ..)| self.reached_weights(p, lr));
        let weights = weights.collect::<Result<Vec<Tensor>>>()?;
        fused_adamw(&FusedAdamW {
            parameters: &weights.iter().collect::<Vec<_>>(),
            gradients: &members
                .iter()
                .map(|(.., gradient)| *gradient)
                .collect::<Vec<_>>(),
            means: &members.iter().map(|(_, m, _)| &m.mean).collect::<Vec<_>>(),
            squares: &members
                .iter()
                .map(|(_, m, _)| &m.square)
                .collect::<Vec<_>>(),
            steps: &members
                .iter()
                .map(|(_, m, _)| &m.counter)
                .collect::<Vec<_>>(),
            lr,
            beta1: self.beta1,
            beta2: self.beta2,
            weight_decay,
            epsilon: self.epsilon,
            grad_scale,
            found_inf: None,
        })?;
        for ((parameter, ..), weights) in members.iter().zip(&weights) {
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

impl Gradients {
    /// The gradient of a parameter of `optimizer`, in its restricted rows alone if it has such.
    pub(crate) fn of(&self, optimizer: &AdamW, name: &str) -> Option<&Tensor> {
        let index = optimizer.parameters.iter().position(|p| p.name == name)?;
        self.tensors
            .get(index)
            .filter(|gradient| gradient.defined())
    }

    /// Adds the gradients of another part of the batch.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`] if libtorch fails, as for gradients of another optimiser.
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
    /// [`Error::Torch`] if libtorch fails.
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
