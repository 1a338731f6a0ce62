//! How far figures would move on another sample of rows: the bootstrap.

use cs_data::SplitMix;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How intervals are made: rows are drawn with replacement, as many as there are, and every figure
/// is computed again; an interval holds the middle of what comes out (the percentile method, Efron
/// and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3).
///
/// A resample depends on `seed` and its number alone: equal settings give equal intervals, whatever
/// the number of threads.
///
/// ```
/// use cs_train::metrics::Bootstrap;
///
/// // 75 of 100 answers are right.
/// let right = |row: usize| u32::from(row % 4 != 0);
/// let accuracy = |weights: &[u32]| {
///     let hits: u32 = weights.iter().enumerate().map(|(row, weight)| weight * right(row)).sum();
///     [Some(f64::from(hits) / 100.0)]
/// };
/// let [interval] = Bootstrap::default().intervals(100, accuracy)?;
/// let interval = interval.unwrap();
/// assert!(0.6 < interval.low && interval.low < 0.7 && 0.8 < interval.high && interval.high < 0.9);
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// The number of resamples. Default 1,000.
    pub resamples: usize,
    /// Share of the resamples that an interval holds. Default 0.95.
    pub confidence: f64,
    /// The seed of the drawing. Default 42.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            resamples: 1000,
            confidence: 0.95,
            seed: 42,
        }
    }
}

/// Where a figure probably lies.
///
/// ```
/// let interval = cs_train::metrics::Interval { low: 0.8, high: 0.9 };
/// assert_eq!(serde_json::to_string(&interval).unwrap(), "[0.8,0.9]");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}

impl Bootstrap {
    /// Checks that there is at least one resample and that the confidence lies between 0 and 1.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the setting.
    pub fn validate(&self) -> Result<()> {
        if self.resamples == 0 {
            return Err(Error::config("resamples", 0, "at least 1"));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let expected = "a number between 0 and 1, exclusive";
            return Err(Error::config("confidence", self.confidence, expected));
        }
        Ok(())
    }

    /// Intervals of `K` figures of `rows` rows. `figures` is given how often each row was drawn.
    ///
    /// Resamples for which a figure is not defined (`None`) are left out of its interval; `None` if
    /// that is all of them. The ends are linearly interpolated between resamples, as in numpy's
    /// `percentile`. O(resamples · figures), spread over rayon's threads.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub fn intervals<const K: usize>(
        &self,
        rows: usize,
        figures: impl Fn(&[u32]) -> [Option<f64>; K] + Sync,
    ) -> Result<[Option<Interval>; K]> {
        self.validate()?;
        if rows == 0 {
            return Ok([None; K]);
        }
        let resamples: Vec<[Option<f64>; K]> = (0..self.resamples)
            .into_par_iter()
            .map_init(
                || vec![0; rows],
                |weights, resample| {
                    let seed = SplitMix::hash(self.seed, &format!("resample {resample}"));
                    draw(weights, seed);
                    figures(weights)
                },
            )
            .collect();
        Ok(std::array::from_fn(|figure| {
            let values = resamples.iter().filter_map(|figures| figures[figure]);
            self.interval(values.collect())
        }))
    }

    fn interval(&self, mut values: Vec<f64>) -> Option<Interval> {
        if values.is_empty() || values.iter().any(|value| value.is_nan()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Some(Interval {
            low: quantile(&values, tail),
            high: quantile(&values, 1.0 - tail),
        })
    }
}

/// Draws as many rows as there are, with replacement: how often each was drawn.
fn draw(weights: &mut [u32], seed: u64) {
    weights.fill(0);
    let mut random = SplitMix::new(seed);
    for _ in 0..weights.len() {
        let row = random.below(weights.len());
        weights[row] += 1;
    }
}

/// The quantile of sorted values, interpolated linearly (Hyndman and Fan 1996, definition 7).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let below = (at.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.percentile([1, 2, 4, 8], [0, 10, 50, 97.5, 100])
        let values = [1.0, 2.0, 4.0, 8.0];
        for (q, expected) in [(0.0, 1.0), (0.1, 1.3), (0.5, 3.0), (0.975, 7.7), (1.0, 8.0)] {
            assert!((quantile(&values, q) - expected).abs() < 1e-12, "{q}");
        }
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
    }

    #[test]
    fn a_draw_takes_as_many_rows_as_there_are_evenly() {
        let mut sum = vec![0u64; 50];
        let mut weights = vec![0u32; 50];
        for seed in 0..2000 {
            draw(&mut weights, seed);
            assert_eq!(weights.iter().sum::<u32>(), 50);
            for (sum, &weight) in sum.iter_mut().zip(&weights) {
                *sum += u64::from(weight);
            }
        }
        // 2000 draws a row on average, with a standard deviation of 44.
        assert!(
            sum.iter().all(|&sum| (1800..2200).contains(&sum)),
            "{sum:?}"
        );
    }
}
