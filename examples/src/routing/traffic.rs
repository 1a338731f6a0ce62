//! Requests, and how long they take.

use std::time::Instant;

use cs_data::SplitMix;
use cs_serve::Understanding;
use cs_serve::route::{Cache, CacheConfig, Cascade, FittedThreshold, Question, Route, Turn};
use serde::Serialize;

use super::outcomes::{Pair, Rows, is_right};
use super::pairs::DistanceFigures;
use crate::error::Result;

/// The rows that are asked about, one after the other.
#[derive(Debug)]
pub struct Requests {
    rows: Vec<usize>,
}

impl Requests {
    /// Draws requests from `rows` rows: the n-th most frequent row, which chance chooses, comes
    /// `1 / n^zipf` times as often as the first.
    pub fn draw(rows: usize, requests: usize, zipf: f64, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..rows).collect();
        let mut random = SplitMix::named(seed, "rows by frequency");
        for i in (1..rows).rev() {
            order.swap(i, random.below(i + 1));
        }
        let mut sum = 0.0;
        let up_to: Vec<f64> = (1..=rows)
            .map(|rank| {
                sum += (rank as f64).powf(-zipf);
                sum
            })
            .collect();
        let mut random = SplitMix::named(seed, "requests");
        let draw = |_| {
            let at = random.unit() * sum;
            order[up_to.partition_point(|&to| to <= at).min(rows - 1)]
        };
        Self {
            rows: (0..requests).map(draw).collect(),
        }
    }
}

/// How a model answers each row: whether it is right, and the milliseconds that it takes.
#[derive(Debug, Default)]
pub struct Measured {
    right: Vec<bool>,
    ms: Vec<f64>,
}

impl Measured {
    /// Has both models answer each row, in turn, so that what else the machine does meets both.
    ///
    /// # Errors
    ///
    /// A text that cannot be answered.
    pub fn both(pair: &Pair, rows: &Rows) -> Result<[Self; 2]> {
        let mut measured = [Self::default(), Self::default()];
        for model in [&pair.light, &pair.full] {
            model.understand(&rows.texts[0])?; // so that the first row is like the others
        }
        for (text, intent) in rows.texts.iter().zip(&rows.intents) {
            for (model, it) in [&pair.light, &pair.full].into_iter().zip(&mut measured) {
                let started = Instant::now();
                let answer = model.understand(text)?;
                it.ms.push(started.elapsed().as_secs_f64() * 1e3);
                it.right.push(is_right(&answer, intent));
            }
        }
        Ok(measured)
    }

    fn accuracy(&self, requests: &Requests) -> f64 {
        let right = requests.rows.iter().filter(|&&row| self.right[row]);
        right.count() as f64 / requests.rows.len() as f64
    }

    fn mean_ms(&self, requests: &Requests) -> f64 {
        mean(requests.rows.iter().map(|&row| self.ms[row]))
    }
}

fn likeliest(answer: &Understanding) -> Option<&str> {
    answer.intents.first().map(|intent| intent.label.as_str())
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}

/// A cascade, and the same one without its cache.
#[derive(Debug, Clone, Copy)]
pub struct Cascades<'a> {
    /// The one that is measured.
    pub own: &'a Cascade,
    /// What its cache is held against.
    pub uncached: &'a Cascade,
}

/// What `route` reports. Accuracies and times are means over the requests.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Figures {
    pub threshold: f32,
    pub loss_upper: f64,
    pub share_light: f64,
    pub share_full: f64,
    pub share_cache: f64,
    pub accuracy_light: f64,
    pub accuracy_full: f64,
    pub accuracy_routed: f64,
    pub mean_ms_light: f64,
    pub mean_ms_full: f64,
    pub mean_ms_routed: f64,
    pub p50_ms_routed: f64,
    pub p99_ms_routed: f64,
    pub saving: f64,
    /// Answers from the cache whose intent is not the one that the models give to that request.
    pub false_hits: usize,
}

impl Figures {
    /// Answers the requests one after the other, and compares that with either model alone. What is
    /// answered from the cache is asked of the uncached cascade as well, outside the measured time.
    ///
    /// # Errors
    ///
    /// A text that cannot be answered.
    pub fn measure(
        cascades: Cascades<'_>,
        fitted: FittedThreshold,
        pair: &Pair,
        rows: &Rows,
        requests: &Requests,
    ) -> Result<Self> {
        let [light, full] = Measured::both(pair, rows)?;
        let mut ms = Vec::with_capacity(requests.rows.len());
        let (mut right, mut false_hits) = (0, 0);
        for &row in &requests.rows {
            let turn = Turn::alone(&rows.texts[row]);
            let started = Instant::now();
            let answer = cascades.own.understand_blocking(pair.layers(), &turn)?;
            ms.push(started.elapsed().as_secs_f64() * 1e3);
            right += usize::from(is_right(&answer.understanding, &rows.intents[row]));
            if answer.route == Route::Cache {
                let found = likeliest(&answer.understanding);
                let own = cascades
                    .uncached
                    .understand_blocking(pair.layers(), &turn)?;
                false_hits += usize::from(found != likeliest(&own.understanding));
            }
        }
        let count = requests.rows.len() as f64;
        let counts = cascades.own.counts();
        let share = |route| counts.of(route) as f64 / count;
        let mean_ms_routed = mean(ms.iter().copied());
        let mean_ms_full = full.mean_ms(requests);
        ms.sort_by(f64::total_cmp);
        let quantile = |q: f64| ms[((q * count) as usize).min(ms.len() - 1)];
        Ok(Self {
            threshold: fitted.threshold,
            loss_upper: fitted.loss_upper,
            share_light: share(Route::Light),
            share_full: share(Route::Full),
            share_cache: share(Route::Cache),
            accuracy_light: light.accuracy(requests),
            accuracy_full: full.accuracy(requests),
            accuracy_routed: right as f64 / count,
            mean_ms_light: light.mean_ms(requests),
            mean_ms_full,
            mean_ms_routed,
            p50_ms_routed: quantile(0.5),
            p99_ms_routed: quantile(0.99),
            saving: 1.0 - mean_ms_routed / mean_ms_full,
            false_hits,
        })
    }
}

/// The full model alone behind a cache of the same text, to be compared with.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FullCached {
    pub share_cache_full: f64,
    pub mean_ms_full_cached: f64,
}

impl FullCached {
    /// Answers the requests one after the other.
    ///
    /// # Errors
    ///
    /// A text that cannot be answered.
    pub fn measure(pair: &Pair, rows: &Rows, requests: &Requests) -> Result<Self> {
        let cache = Cache::new(CacheConfig::default());
        let version = cache.version(&["full"]);
        let mut hits = 0;
        let mut ms = Vec::with_capacity(requests.rows.len());
        for &row in &requests.rows {
            let started = Instant::now();
            let question = Question::new(&version, &rows.texts[row]);
            if cache.get(&question).is_some() {
                hits += 1;
            } else {
                cache.insert(&question, &pair.full.understand(question.text())?);
            }
            ms.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Self {
            share_cache_full: f64::from(hits) / requests.rows.len() as f64,
            mean_ms_full_cached: mean(ms.into_iter()),
        })
    }
}

/// What `route` reports, with the figures of what else was measured or fitted.
#[derive(Debug, Serialize)]
pub struct Reported<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    #[serde(flatten)]
    full_cached: Option<FullCached>,
    #[serde(skip_serializing_if = "Option::is_none")]
    semantic: Option<DistanceFigures>,
}

impl Figures {
    /// Adds the figures of the full model behind a cache, and of the distance.
    pub fn with(
        &self,
        full_cached: Option<FullCached>,
        semantic: Option<DistanceFigures>,
    ) -> Reported<'_> {
        Reported {
            figures: self,
            full_cached,
            semantic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_as_unequal_as_is_said_and_a_seed_repeats_them() {
        let count = |zipf| {
            let drawn = Requests::draw(100, 20_000, zipf, 7);
            assert_eq!(drawn.rows, Requests::draw(100, 20_000, zipf, 7).rows);
            let mut counts = vec![0; 100];
            drawn.rows.iter().for_each(|&row| counts[row] += 1);
            counts.sort_by(|a, b| b.cmp(a));
            counts
        };
        let equal = count(0.0);
        assert!(equal[0] < 260 && equal[99] > 140, "{equal:?}");
        let zipf = count(1.0);
        let ratio = f64::from(zipf[0]) / f64::from(zipf[1]);
        assert!((1.8..2.2).contains(&ratio), "{ratio}");
    }
}
