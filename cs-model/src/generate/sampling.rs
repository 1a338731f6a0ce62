//! Tokens drawn by chance.

use cs_data::SplitMix;
use serde::{Deserialize, Serialize};

use super::ranking::{largest, softmax};
use crate::error::{Error, Result};

/// How tokens are drawn by chance. What is drawn is a function of the seed, the number of the
/// sequence and the step, on every platform, whatever is generated beside it.
///
/// ```
/// use cs_model::generate::Sampling;
///
/// let sampling = Sampling { top_k: 2, seed: 7, ..Default::default() };
/// let mut scores = [0.5, 2.0, 1.0];
/// sampling.warp(&mut scores);
/// assert_eq!(scores, [f32::NEG_INFINITY, 2.0, 1.0]);
/// assert_eq!(sampling.draw(&scores, 0, 3), sampling.draw(&scores, 0, 3));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// The divisor of the scores (Ackley, Hinton and Sejnowski 1985, "A Learning Algorithm for
    /// Boltzmann Machines", section 2); 1 by default, less makes likely tokens likelier.
    pub temperature: f64,
    /// The number of tokens, the likeliest, that may be drawn (Fan, Lewis and Dauphin 2018,
    /// "Hierarchical Neural Story Generation", section 5.4); 0, all, by default.
    pub top_k: usize,
    /// The probability that the tokens that may be drawn have together: the fewest, and likeliest,
    /// that reach it (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration",
    /// section 3.1); 1, all, by default.
    pub top_p: f64,
    /// The probability that a token that may be drawn has at least, as a share of the likeliest's
    /// (Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling", section 3); 0, all, by default.
    pub min_p: f64,
    /// The seed of what is drawn; 0 by default.
    pub seed: u64,
}

/// The lowest temperature: scores over lower ones may be beyond what f32 counts to.
const COLDEST: f64 = 1e-6;

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: 0,
        }
    }
}

impl Sampling {
    pub(super) fn validate(&self) -> Result<()> {
        if !(self.temperature >= COLDEST && self.temperature.is_finite()) {
            let expected = "at least 0.000001; without sampling the likeliest token is taken";
            return Err(Error::field("temperature", self.temperature, expected));
        }
        for (field, share) in [("top_p", self.top_p), ("min_p", self.min_p)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::field(field, share, "0 to 1"));
            }
        }
        Ok(())
    }

    /// Applies temperature, `top_k`, `top_p` and `min_p` to scores, in this order; a token that may
    /// not be drawn gets negative infinity.
    pub fn warp(&self, scores: &mut [f32]) {
        if self.temperature != 1.0 {
            let temperature = self.temperature as f32;
            scores.iter_mut().for_each(|score| *score /= temperature);
        }
        if (1..scores.len()).contains(&self.top_k) {
            keep_top_k(scores, self.top_k);
        }
        if self.top_p < 1.0 {
            keep_top_p(scores, self.top_p);
        }
        if self.min_p > 0.0 {
            keep_min_p(scores, self.min_p);
        }
    }

    /// Draws a token by the softmax of its score; none if every token is ruled out.
    pub fn draw(&self, scores: &[f32], sequence: u64, step: usize) -> Option<u32> {
        let mut left = chance(self.seed, sequence, step as u64);
        let mut drawn = None;
        for (token, probability) in (0..).zip(softmax(scores)) {
            if probability > 0.0 {
                drawn = Some(token);
                left -= probability;
                if left < 0.0 {
                    break;
                }
            }
        }
        drawn
    }
}

/// Gives a number in `0.0..1.0` that is a function of these three and of nothing else.
fn chance(seed: u64, sequence: u64, step: u64) -> f64 {
    let of_sequence = SplitMix::new(seed).next() ^ sequence;
    SplitMix::new(SplitMix::new(of_sequence).next() ^ step).unit()
}

/// Rules out what is less likely than the `count`th; tokens as likely as it stay.
fn keep_top_k(scores: &mut [f32], count: usize) {
    let Some(&last) = largest(scores, count).last() else {
        return;
    };
    let least = scores[last];
    rule_out(scores, |_, score| score < least);
}

/// Rules out the least likely tokens that together have at most the probability `1 - share`, but
/// never the likeliest one.
fn keep_top_p(scores: &mut [f32], share: f64) {
    let probabilities = softmax(scores);
    let possible = scores
        .iter()
        .enumerate()
        .filter(|(_, score)| score.is_finite());
    let mut places: Vec<usize> = possible.map(|(place, _)| place).collect();
    places.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    places.pop();
    let mut sum = 0.0;
    for place in places {
        sum += probabilities[place];
        if sum > 1.0 - share {
            break;
        }
        scores[place] = f32::NEG_INFINITY;
    }
}

/// Rules out what is less likely than this share of the likeliest one.
fn keep_min_p(scores: &mut [f32], share: f64) {
    let probabilities = softmax(scores);
    let least = share * probabilities.iter().copied().fold(0.0, f64::max);
    rule_out(scores, |place, _| probabilities[place] < least);
}

fn rule_out(scores: &mut [f32], out: impl Fn(usize, f32) -> bool) {
    for (place, score) in scores.iter_mut().enumerate() {
        if out(place, *score) {
            *score = f32::NEG_INFINITY;
        }
    }
}
