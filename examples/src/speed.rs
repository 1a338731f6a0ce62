//! Measured time: what the examples say about speed comes from here.

use std::time::Instant;

#[cfg(feature = "torch")]
use cs_data::Utterance;
#[cfg(feature = "torch")]
use cs_model::{Bundle, Device, Model};
#[cfg(feature = "torch")]
use cs_quant::{NativeModel, Precision, RuntimeConfig};
#[cfg(feature = "torch")]
use serde::Serialize;

use crate::error::Result;

/// Passes over the texts in a comparison.
#[cfg(feature = "torch")]
const ROUNDS: usize = 9;

/// Seconds of each runner, medians over `rounds`. The runners take turns, so that a machine that
/// slows down slows them all; one round before the first warms up.
///
/// # Errors
///
/// The first error of a runner.
///
/// ```
/// let mut nothing = || Ok(());
/// let mut nap = || Ok(std::thread::sleep(std::time::Duration::from_millis(2)));
/// let seconds = cs_examples::race(3, [&mut nothing, &mut nap])?;
/// assert!(seconds[0] < seconds[1]);
/// # Ok::<(), cs_examples::Error>(())
/// ```
pub fn race<const N: usize>(
    rounds: usize,
    mut runners: [&mut dyn FnMut() -> Result<()>; N],
) -> Result<[f64; N]> {
    let mut seconds = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (runner, seconds) in runners.iter_mut().zip(&mut seconds) {
            let began = Instant::now();
            runner()?;
            if round > 0 {
                seconds.push(began.elapsed().as_secs_f64());
            }
        }
    }
    Ok(seconds.map(median))
}

/// Median milliseconds for one text, on this machine's CPU.
#[cfg(feature = "torch")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// fp32 on libtorch.
    pub libtorch_fp32_ms: f64,
    /// fp32 on the native runtime.
    pub native_fp32_ms: f64,
    /// int8 on the native runtime.
    pub native_int8_ms: f64,
}

#[cfg(feature = "torch")]
impl Latency {
    /// Measures one text at a time, each runtime with as many threads as it takes by default.
    ///
    /// # Errors
    ///
    /// A bundle whose weights cannot be read.
    pub fn measure(fp32: &Bundle, int8: &Bundle, rows: &[Utterance]) -> Result<Self> {
        let batches = crate::gate::single_batches(fp32, rows)?;
        let torch = Model::open(fp32, Device::Cpu)?;
        let native = |bundle, precision| {
            NativeModel::open(
                bundle,
                &RuntimeConfig {
                    precision,
                    ..RuntimeConfig::default()
                },
            )
        };
        let (slow, fast) = (
            native(fp32, Precision::Fp32)?,
            native(int8, Precision::Int8)?,
        );
        let seconds = race(
            ROUNDS,
            [
                &mut || {
                    Ok(batches
                        .iter()
                        .try_for_each(|batch| torch.predict(batch).map(drop))?)
                },
                &mut || {
                    Ok(batches
                        .iter()
                        .try_for_each(|batch| slow.forward(batch).map(drop))?)
                },
                &mut || {
                    Ok(batches
                        .iter()
                        .try_for_each(|batch| fast.forward(batch).map(drop))?)
                },
            ],
        )?;
        let [libtorch_fp32_ms, native_fp32_ms, native_int8_ms] =
            seconds.map(|of_all| 1000.0 * of_all / batches.len().max(1) as f64);
        Ok(Self {
            libtorch_fp32_ms,
            native_fp32_ms,
            native_int8_ms,
        })
    }

    /// How many times faster int8 is than the faster of the two in fp32.
    pub fn speedup(&self) -> f64 {
        self.libtorch_fp32_ms.min(self.native_fp32_ms) / self.native_int8_ms
    }
}

/// The middle one, the upper of two; 0 of none.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![]), 0.0);
    }
}
