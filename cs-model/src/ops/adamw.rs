//! AdamW over all parameters in one call.

use tch::{Kind, Tensor};

use super::bridge::{Argument, call_in_place};
use crate::error::{Error, Result};

const OPERATOR: &str = "aten::_fused_adamw_";

/// The arguments of one step of [`fused_adamw`]. All lists have the same length; the tensors at the
/// same position of each have the same shape, type and device, and are contiguous.
///
/// ```
/// use cs_model::ops::{FusedAdamW, fused_adamw};
/// use tch::Tensor;
///
/// let [weight, gradient] = [1.0f32, 0.5].map(|x| Tensor::from_slice(&[x]));
/// let [mean, square] = [(); 2].map(|()| Tensor::from_slice(&[0.0f32]));
/// let steps = Tensor::from(0.0f32);
/// fused_adamw(&FusedAdamW {
///     parameters: &[&weight],
///     gradients: &[&gradient],
///     means: &[&mean],
///     squares: &[&square],
///     steps: &[&steps],
///     lr: 0.1,
///     beta1: 0.9,
///     beta2: 0.999,
///     weight_decay: 0.0,
///     epsilon: 1e-8,
///     grad_scale: None,
///     found_inf: None,
/// })?;
/// assert!((weight.double_value(&[0]) - 0.9).abs() < 1e-6); // a first step moves by the rate
/// assert_eq!(steps.double_value(&[]), 1.0);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FusedAdamW<'a> {
    /// The parameters that are trained; changed by the step.
    pub parameters: &'a [&'a Tensor],
    /// The gradients of the parameters, the only tensors that need not be contiguous: those that
    /// are not are copied. They are divided by `grad_scale`, if there is one, and left with
    /// undefined numbers.
    pub gradients: &'a [&'a Tensor],
    /// The moving averages of the gradients; changed by the step.
    pub means: &'a [&'a Tensor],
    /// The moving averages of the gradients' squares; changed by the step.
    pub squares: &'a [&'a Tensor],
    /// The number of steps taken so far, for each parameter a one-element f32 tensor on its device;
    /// counted up by one unless `found_inf` is 1.
    pub steps: &'a [&'a Tensor],
    /// The learning rate of the step.
    pub lr: f64,
    /// The decay of the means.
    pub beta1: f64,
    /// The decay of the squares.
    pub beta2: f64,
    /// The share of a parameter, times `lr`, that is taken off before the step.
    pub weight_decay: f64,
    /// The number that is added to the root of the square.
    pub epsilon: f64,
    /// The factor that the loss was multiplied by, as a one-element f32 tensor, if the gradients
    /// still carry it.
    pub grad_scale: Option<&'a Tensor>,
    /// A one-element f32 tensor, set by [`amp_unscale_`](super::amp_unscale_): the step changes
    /// nothing if it is 1.
    pub found_inf: Option<&'a Tensor>,
}

/// Takes one step of AdamW (Loshchilov and Hutter 2019, algorithm 2), equal to `torch.optim.AdamW`
/// with `fused=True`: each parameter is read and written once. On the CPU it splits the work over
/// libtorch's threads; on CUDA it launches one kernel for some 100 tensors.
///
/// Parameters with different settings (weight decay, rate) take a call each. Gradients must be off
/// (`tch::no_grad_guard`).
///
/// # Errors
/// [`Error::Operator`] if lists or tensors do not fit each other, or libtorch fails.
pub fn fused_adamw(step: &FusedAdamW<'_>) -> Result<()> {
    step.check()?;
    if step.parameters.is_empty() {
        return Ok(());
    }
    let gradients = step
        .gradients
        .iter()
        .map(|gradient| gradient.f_contiguous());
    let gradients = gradients.collect::<Result<Vec<_>, _>>()?;
    let gradients: Vec<&Tensor> = gradients.iter().collect();
    // The operator itself only reads the steps.
    let one = [step.steps.into(), Argument::Int(1)];
    call_in_place("aten::_foreach_add_.Scalar", &one)?;
    let arguments = [
        step.parameters.into(),
        gradients[..].into(),
        step.means.into(),
        step.squares.into(),
        Argument::Tensors(&[]), // the largest squares, of AMSGrad
        step.steps.into(),
        Argument::Float(step.lr),
        Argument::Float(step.beta1),
        Argument::Float(step.beta2),
        Argument::Float(step.weight_decay),
        Argument::Float(step.epsilon),
        Argument::Bool(false), // AMSGrad
        Argument::Bool(false), // maximise
        step.grad_scale.into(),
        step.found_inf.into(),
    ];
    call_in_place(OPERATOR, &arguments)?;
    let Some(found_inf) = step.found_inf else {
        return Ok(());
    };
    // The step that was not taken is not counted, and the host need not know.
    let scalar = found_inf.f_reshape([0_i64; 0])?;
    let undo = [step.steps.into(), (&scalar).into(), Argument::Float(-1.0)];
    call_in_place("aten::_foreach_add_.Tensor", &undo)
}

impl FusedAdamW<'_> {
    /// Checks the tensors' sizes: the kernels read as many numbers from each tensor as the
    /// parameter has, unchecked.
    fn check(&self) -> Result<()> {
        let count = self.parameters.len();
        let lists = [
            ("gradients", self.gradients),
            ("means", self.means),
            ("squares", self.squares),
            ("steps", self.steps),
        ];
        for (what, list) in lists {
            if list.len() != count {
                let reason = format!("{count} parameters, but {} {what}", list.len());
                return Err(Error::operator(OPERATOR, reason));
            }
        }
        for (i, parameter) in self.parameters.iter().enumerate() {
            for (what, list) in &lists[..3] {
                same(what, i, parameter, list[i], *what != "gradients")?;
            }
            scalar("a number of steps", self.steps[i])?;
        }
        let factors = [
            ("grad_scale", self.grad_scale),
            ("found_inf", self.found_inf),
        ];
        let mut given = factors.iter().filter_map(|(what, x)| Some((what, (*x)?)));
        given.try_for_each(|(what, tensor)| scalar(what, tensor))
    }
}

fn same(what: &str, i: usize, parameter: &Tensor, tensor: &Tensor, contiguous: bool) -> Result<()> {
    let fits = tensor.defined()
        && parameter.defined()
        && tensor.size() == parameter.size()
        && tensor.kind() == parameter.kind()
        && tensor.device() == parameter.device()
        && (tensor.is_contiguous() || !contiguous)
        && parameter.is_contiguous();
    if fits {
        return Ok(());
    }
    let reason = format!("{what}[{i}] is {tensor:?}, but the parameter {parameter:?} (contiguous)");
    Err(Error::operator(OPERATOR, reason))
}

fn scalar(what: &str, tensor: &Tensor) -> Result<()> {
    if tensor.defined() && tensor.numel() == 1 && tensor.kind() == Kind::Float {
        return Ok(());
    }
    let reason = format!("{what} is {tensor:?}, expected one f32 number");
    Err(Error::operator(OPERATOR, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    const SHAPE: [i64; 2] = [5, 7];

    fn random(seed: i64) -> Tensor {
        // The numbers are a pure function of the seed, not of libtorch's generator, from which
        // other tests draw.
        let numbers: Vec<f32> = (0..35)
            .map(|i| ((i * 37 + seed * 11) % 23) as f32 / 9.0 - 1.2)
            .collect();
        Tensor::from_slice(&numbers).reshape(SHAPE)
    }

    fn step<'a>(lists: &'a [[&'a Tensor; 1]; 5]) -> FusedAdamW<'a> {
        let [parameters, gradients, means, squares, steps] = lists;
        FusedAdamW {
            parameters,
            gradients,
            means,
            squares,
            steps,
            lr: 0.01,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.1,
            epsilon: 1e-6,
            grad_scale: None,
            found_inf: None,
        }
    }

    fn zeros() -> Tensor {
        Tensor::zeros(SHAPE, (Kind::Float, Device::Cpu))
    }

    #[test]
    fn steps_are_those_of_the_formula() {
        let (weight, mean, square) = (random(1), zeros(), zeros());
        let steps = Tensor::from(0.0f32);
        let mut expected: Vec<f64> =
            Vec::try_from(weight.to_kind(Kind::Double).flatten(0, 1)).unwrap();
        let (mut m, mut v) = (vec![0.0; 35], vec![0.0; 35]);
        for t in 1..=4 {
            // Every other gradient is transposed in memory, as those of a linear layer may be.
            let mut gradient = random(t + 1);
            if t % 2 == 0 {
                gradient = gradient.transpose(0, 1).contiguous().transpose(0, 1);
                assert!(!gradient.is_contiguous());
            }
            let g: Vec<f64> = Vec::try_from(gradient.to_kind(Kind::Double).flatten(0, 1)).unwrap();
            fused_adamw(&step(&[
                [&weight],
                [&gradient],
                [&mean],
                [&square],
                [&steps],
            ]))
            .unwrap();
            for i in 0..35 {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.99 * v[i] + 0.01 * g[i] * g[i];
                let mean = m[i] / (1.0 - 0.9f64.powi(t as i32));
                let square: f64 = v[i] / (1.0 - 0.99f64.powi(t as i32));
                expected[i] -= 0.01 * 0.1 * expected[i] + 0.01 * mean / (square.sqrt() + 1e-6);
            }
            let found: Vec<f32> = Vec::try_from(weight.flatten(0, 1)).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-6,
                    "{found} {expected}"
                );
            }
        }
        assert_eq!(steps.double_value(&[]), 4.0);
    }

    #[test]
    fn a_step_that_overflowed_is_not_taken() {
        let (weight, mean, square) = (random(1), zeros(), zeros());
        let (gradient, steps) = (random(2), Tensor::from_slice(&[3.0f32]));
        let inf = Tensor::from_slice(&[1.0f32]);
        let lists = [[&weight], [&gradient], [&mean], [&square], [&steps]];
        let overflowed = FusedAdamW {
            found_inf: Some(&inf),
            ..step(&lists)
        };
        fused_adamw(&overflowed).unwrap();
        assert_eq!(weight, random(1));
        assert_eq!((mean, steps.double_value(&[0])), (zeros(), 3.0));
    }

    #[test]
    fn a_scaled_gradient_is_divided_by_its_scale() {
        let run = |factor: f64, scale: Option<&Tensor>| {
            let (weight, mean, square) = (random(1), zeros(), zeros());
            let (gradient, steps) = (random(2) * factor, Tensor::from(0.0f32));
            let lists = [[&weight], [&gradient], [&mean], [&square], [&steps]];
            fused_adamw(&FusedAdamW {
                grad_scale: scale,
                ..step(&lists)
            })
            .unwrap();
            weight
        };
        let scaled = run(256.0, Some(&Tensor::from_slice(&[256.0f32])));
        assert_eq!(scaled, run(1.0, None));
    }

    #[test]
    fn what_the_kernel_would_misread_is_refused() {
        let (weight, steps) = (random(1), Tensor::from(0.0f32));
        let refused = |lists: &[[&Tensor; 1]; 5], what: &str| {
            let text = fused_adamw(&step(lists)).unwrap_err().to_string();
            assert!(text.starts_with(&format!("{OPERATOR}: {what}")), "{text}");
        };
        let (short, half, turned) = (
            Tensor::zeros([5, 6], (Kind::Float, Device::Cpu)),
            zeros().to_kind(Kind::BFloat16),
            Tensor::zeros([7, 5], (Kind::Float, Device::Cpu)).transpose(0, 1),
        );
        let good = zeros();
        refused(
            &[[&weight], [&short], [&good], [&good], [&steps]],
            "gradients[0]",
        );
        refused(
            &[[&weight], [&half], [&good], [&good], [&steps]],
            "gradients[0]",
        );
        refused(
            &[[&weight], [&good], [&turned], [&good], [&steps]],
            "means[0]",
        );
        refused(
            &[[&weight], [&good], [&good], [&short], [&steps]],
            "squares[0]",
        );
        refused(
            &[[&weight], [&good], [&good], [&good], [&good]],
            "a number of steps",
        );
        let lists = [[&weight], [&good], [&good], [&good], [&steps]];
        let few = FusedAdamW {
            means: &[],
            ..step(&lists)
        };
        let text = fused_adamw(&few).unwrap_err().to_string();
        assert!(text.ends_with("1 parameters, but 0 means"), "{text}");
        let nothing = FusedAdamW {
            parameters: &[],
            gradients: &[],
            means: &[],
            squares: &[],
            steps: &[],
            ..few
        };
        assert!(fused_adamw(&nothing).is_ok());
    }
}
