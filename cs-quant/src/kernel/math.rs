//! Elementary functions without branches, so that loops over them vectorise.

use super::Isa;

/// The activation of a linear layer, applied before its result is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    None,
    Relu,
    /// `x / 2 * (1 + erf(x / sqrt 2))`.
    Gelu,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.
    GeluTanh,
    /// `x / (1 + e^-x)`.
    Silu,
}

/// Evaluates a polynomial, given its coefficients from the highest.
#[inline(always)]
fn poly<I: Isa, const D: usize>(x: f32, coefficients: [f32; D]) -> f32 {
    let mut sum = coefficients[0];
    for &c in &coefficients[1..] {
        sum = I::fma(sum, x, c);
    }
    sum
}

/// Limits `x` to `-bound..=bound`; written so that it becomes two instructions.
#[inline(always)]
fn clamp(x: f32, bound: f32) -> f32 {
    let x = if x < bound { x } else { bound };
    if x > -bound { x } else { -bound }
}

/// Computes e^x for x <= 0 (larger ones are right up to 88), with a relative error below 4e-7.
///
/// It takes x = n ln 2 + r with n an integer, then 2^n times Cephes' polynomial of e^r (Moshier,
/// <https://www.netlib.org/cephes/>, `expf`).
#[inline(always)]
pub(crate) fn exp<I: Isa>(x: f32) -> f32 {
    // 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = I::fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = I::fma(n, -0.693_359_4, x);
    let r = I::fma(n, 2.121_944_4e-4, r);
    let p = poly::<I, 6>(
        r,
        [
            1.987_569_1e-4,
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ],
    );
    let p = I::fma(p, r * r, r) + 1.0;
    let power = (shifted.to_bits() << 23).wrapping_add(127 << 23);
    p * f32::from_bits(power)
}

/// Computes erf with an absolute error below 4e-7: the rational approximation of Eigen and XLA
/// (`xla/hlo/builder/lib/math.cc`, `ErfImpl32`).
#[inline(always)]
pub(crate) fn erf<I: Isa>(x: f32) -> f32 {
    let x = clamp(x, 4.0);
    let x2 = x * x;
    let p = poly::<I, 7>(
        x2,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let q = poly::<I, 5>(
        x2,
        [
            -1.456_607_2e-5,
            -2.133_740_6e-4,
            -1.682_827e-3,
            -7.373_329e-3,
            -1.426_473_9e-2,
        ],
    );
    x * p / q
}

/// Computes tanh with an absolute error below 4e-7: the rational approximation of Eigen
/// (`Eigen/src/Core/MathFunctionsImpl.h`, `ptanh_float`).
#[inline(always)]
pub(crate) fn tanh<I: Isa>(x: f32) -> f32 {
    let [p, q] = tanh_fraction::<I>(x);
    p / q
}

/// Computes numerator and denominator of [`tanh`], the latter between 0.004 and 1.
#[inline(always)]
fn tanh_fraction<I: Isa>(x: f32) -> [f32; 2] {
    let x = clamp(x, 7.905_311);
    let x2 = x * x;
    let p = poly::<I, 7>(
        x2,
        [
            -2.760_768_5e-16,
            2.000_188e-13,
            -8.604_672e-11,
            5.122_297e-8,
            1.485_722_4e-5,
            6.372_619_3e-4,
            4.893_524_6e-3,
        ],
    );
    let q = poly::<I, 4>(
        x2,
        [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3],
    );
    [x * p, q]
}

/// Computes numerator and half the denominator of 1 / (1 + e^-x) = (1 + tanh(x / 2)) / 2.
#[inline(always)]
fn sigmoid_fraction<I: Isa>(x: f32) -> [f32; 2] {
    let [p, q] = tanh_fraction::<I>(0.5 * x);
    [p + q, q]
}

/// Computes one step of an LSTM's unit from its gates i, f, g and o and its cell c: the next cell
/// and hidden state, with an absolute error below 1e-6 for each 1 that c is large.
///
/// ```text
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)   h' = sigmoid(o) tanh(c')
/// ```
///
/// On common denominators these are two divisions instead of five, which would take longer than all
/// the rest.
#[inline(always)]
pub(crate) fn lstm_cell<I: Isa>([i, f, g, o]: [f32; 4], c: f32) -> [f32; 2] {
    let [forget, forget_under] = sigmoid_fraction::<I>(f);
    let [input, input_under] = sigmoid_fraction::<I>(i);
    let [candidate, candidate_under] = tanh_fraction::<I>(g);
    let [output, output_under] = sigmoid_fraction::<I>(o);
    let under = input_under * candidate_under;
    let sum = I::fma(forget * c, under, input * candidate * forget_under);
    let c = sum / (2.0 * forget_under * under);
    let [state, state_under] = tanh_fraction::<I>(c);
    [c, output * state / (2.0 * output_under * state_under)]
}

/// Applies an activation in place.
#[inline(always)]
pub(crate) fn activate<I: Isa, const N: usize>(act: Act, y: &mut [f32; N]) {
    match act {
        Act::None => {}
        Act::Relu => {
            for v in y {
                *v = if *v > 0.0 { *v } else { 0.0 };
            }
        }
        Act::Gelu => {
            for v in y {
                let half = 0.5 * *v;
                *v = I::fma(half, erf::<I>(*v * std::f32::consts::FRAC_1_SQRT_2), half);
            }
        }
        Act::GeluTanh => {
            for v in y {
                let half = 0.5 * *v;
                let inner = I::fma(0.044_715 * *v * *v, *v, *v);
                *v = I::fma(half, tanh::<I>(0.797_884_6 * inner), half);
            }
        }
        Act::Silu => {
            for v in y {
                let small = exp::<I>(-v.abs());
                *v *= if *v < 0.0 { small } else { 1.0 } / (1.0 + small);
            }
        }
    }
}
