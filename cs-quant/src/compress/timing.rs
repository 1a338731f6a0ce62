//! Measured time.

use std::time::Instant;

/// Measures the seconds of each runner, and gives the medians over `rounds`. The runners take
/// turns, so that a machine that slows down slows them all; one round before the first warms up.
///
/// # Errors
///
/// The first error of a runner.
///
/// ```
/// use std::{thread::sleep, time::Duration};
///
/// let mut nothing = || Ok::<(), std::io::Error>(());
/// let mut nap = || Ok(sleep(Duration::from_millis(2)));
/// let seconds = cs_quant::time_in_turn(3, [&mut nothing, &mut nap])?;
/// assert!(seconds[0] < seconds[1]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn time_in_turn<E, const N: usize>(
    rounds: usize,
    mut runners: [&mut dyn FnMut() -> Result<(), E>; N],
) -> Result<[f64; N], E> {
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

/// Gives the middle number, of two the upper one; 0 if there are none.
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
