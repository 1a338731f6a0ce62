//! How exact functions are.

use super::super::math::{Act, activate, erf, exp, lstm_cell, tanh};
use super::super::{Isa, Task};
use super::{Random, kernels};

/// Largest error of the functions over a grid: exp (relative), erf, GELU, tanh, and an LSTM's cell and
/// hidden state with two gates at the point of the grid and two far from it.
struct Errors;

impl Task for Errors {
    type Output = [f64; 6];

    #[inline(always)]
    fn run<I: Isa>(self) -> [f64; 6] {
        let mut worst = [0.0f64; 6];
        let mut random = Random(1);
        for i in -40_000..=40_000 {
            let x = i as f32 * 5e-4;
            let exact = f64::from(x);
            let mut y = [x; 16];
            activate::<I, 16>(Act::Gelu, &mut y);
            let mut gates = [x; 4];
            for k in 0..2 {
                gates[(i + 40_000) as usize / (1 + k) % 4] = random.float() * 12.0;
            }
            let cell = random.float();
            let [c, h] = lstm_cell::<I>(gates, cell);
            let found = [exp::<I>(x), erf::<I>(x), y[3], tanh::<I>(x), c, h].map(f64::from);
            let [c, h] = reference_cell(gates.map(f64::from), f64::from(cell));
            let expected = [
                exact.exp(),
                reference_erf(exact),
                0.5 * exact * (1.0 + reference_erf(exact / 2f64.sqrt())),
                exact.tanh(),
                c,
                h,
            ];
            for k in 0..6 {
                let unit = match k {
                    0 => expected[0],
                    2 => exact.abs().max(1.0),
                    _ => 1.0,
                };
                worst[k] = worst[k].max((found[k] - expected[k]).abs() / unit);
            }
        }
        worst
    }
}

/// A step of an LSTM by its definition.
pub(super) fn reference_cell([i, f, g, o]: [f64; 4], c: f64) -> [f64; 2] {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
    [c, sigmoid(o) * c.tanh()]
}

/// erf in double precision: its Taylor series near zero, else the continued fraction of 1 - erf.
fn reference_erf(x: f64) -> f64 {
    if x.abs() > 2.5 {
        let tail = (1..100)
            .rev()
            .fold(0.0, |rest, n| f64::from(n) / 2.0 / (x.abs() + rest));
        let complement = (-x * x).exp() / std::f64::consts::PI.sqrt() / (x.abs() + tail);
        return x.signum() * (1.0 - complement);
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..100 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn functions_are_as_exact_as_documented() {
    for simd in kernels() {
        let [exp, erf, gelu, tanh, cell, hidden] = simd.run(Errors);
        println!("{simd:?}: {cell:e} {hidden:e}");
        assert!(exp < 4e-7, "exp {exp}");
        assert!(erf < 4e-7, "erf {erf}");
        assert!(gelu < 4e-7, "gelu {gelu}");
        assert!(tanh < 4e-7, "tanh {tanh}");
        assert!(cell < 1e-6, "cell {cell}");
        assert!(hidden < 1e-6, "hidden {hidden}");
    }
}
