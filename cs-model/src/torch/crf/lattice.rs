//! All sequences of tags of many texts at once: sums over them by the forward and backward
//! algorithms (Rabiner 1989, section III), in odds that are scaled at each word.
//!
//! In the shapes, `W` is the number of words, `T` that of tags, and `R` that of the sequences that
//! still run at a step.

use tch::{Kind, Tensor};

use crate::error::Result;

/// The least probability that is given a logarithm and a gradient.
const LEAST: f64 = 1e-300;

/// The order in which the words of texts are read: all first ones, then all second ones …, longer
/// texts before shorter ones.
#[derive(Debug)]
pub(super) struct Order {
    /// The row of each word, `W` numbers.
    pub(super) rows: Vec<i64>,
    /// The number of texts that have a word at each step.
    pub(super) running: Vec<i64>,
    /// The position in `rows` of each word, with the words one text after the other.
    pub(super) places: Vec<i64>,
}

impl Order {
    /// Orders the words of `sequences`, the rows of each text's words. Texts of one length keep
    /// their order.
    pub(super) fn new(sequences: &[Vec<usize>]) -> Self {
        let mut longest: Vec<usize> = (0..sequences.len()).collect();
        longest.sort_by_key(|&text| std::cmp::Reverse(sequences[text].len()));
        let starts: Vec<usize> = sequences
            .iter()
            .scan(0, |next, words| {
                let start = *next;
                *next += words.len();
                Some(start)
            })
            .collect();
        let words = sequences.iter().map(Vec::len).sum();
        let (mut rows, mut running) = (Vec::with_capacity(words), Vec::new());
        let mut places = vec![0; words];
        for step in 0..longest.first().map_or(0, |&text| sequences[text].len()) {
            let before = rows.len();
            for &text in longest
                .iter()
                .take_while(|&&text| sequences[text].len() > step)
            {
                places[starts[text] + step] = rows.len() as i64;
                rows.push(sequences[text][step] as i64);
            }
            running.push((rows.len() - before) as i64);
        }
        Self {
            rows,
            running,
            places,
        }
    }
}

/// The exponentials of all scores, step by step.
pub(super) struct Lattice {
    /// The largest logit of each word, `[W, 1]`, which `odds` are relative to. As a constant it
    /// cancels out, so it has no gradient.
    top: Tensor,
    /// The odds of the tags at each step, `[R, T]`.
    odds: Vec<Tensor>,
    /// The odds of transitions, `[T, T]`: from each tag (row) to each tag (column); 0 where that is
    /// forbidden.
    onward: Tensor,
    /// The odds of the tags at a text's start, `[T]`.
    start: Tensor,
    /// The odds of the tags at a text's end, `[T]`.
    end: Tensor,
    running: Vec<i64>,
}

/// What is known of each step's tags by the words up to it.
struct Forward {
    /// The probability of each tag at each step, `[R, T]`.
    shares: Vec<Tensor>,
    /// The factors whose product is the sum over all sequences of tags of all texts.
    factors: Vec<Tensor>,
}

impl Lattice {
    /// Takes the scores.
    ///
    /// # Shapes
    /// In f64, minus infinity where IOB2 forbids it: `logits` `[W, T]` in the order of the steps,
    /// `transitions` `[T, T]`, `start` and `end` `[T]`.
    pub(super) fn new(
        logits: &Tensor,
        transitions: &Tensor,
        start: &Tensor,
        end: &Tensor,
        running: &[i64],
    ) -> Result<Self> {
        let top = logits.f_detach()?.f_amax([-1_i64], true)?; // [W, 1]
        let odds = logits.f_sub(&top)?.f_exp()?; // [W, T]
        Ok(Self {
            odds: odds.f_split_with_sizes(running, 0)?,
            top,
            onward: transitions.f_exp()?,
            start: start.f_exp()?,
            end: end.f_exp()?,
            running: running.to_vec(),
        })
    }

    /// Gives the number of texts that have a word after `step`.
    fn next(&self, step: usize) -> i64 {
        self.running.get(step + 1).copied().unwrap_or(0)
    }

    fn forward(&self) -> Result<Forward> {
        let (mut shares, mut factors) = (Vec::new(), Vec::new());
        let mut share: Option<Tensor> = None;
        for (step, odds) in self.odds.iter().enumerate() {
            let before = match &share {
                None => self.start.f_unsqueeze(0)?,           // [1, T]
                Some(share) => share.f_matmul(&self.onward)?, // [R, T]
            };
            let sum = before.f_mul(odds)?; // [R, T]
            let total = row_sums(&sum)?; // [R, 1]
            let relative = sum.f_div(&total)?;
            factors.push(total.f_flatten(0, 1)?);
            let (running, next) = (self.running[step], self.next(step));
            if next < running {
                let ended = relative.f_narrow(0, next, running - next)?;
                factors.push(ended.f_mv(&self.end)?);
            }
            share = Some(relative.f_narrow(0, 0, next)?);
            shares.push(relative);
        }
        Ok(Forward { shares, factors })
    }

    /// Computes the logarithm of the sum over all sequences of tags, of all texts together.
    pub(super) fn log_partition(&self) -> Result<Tensor> {
        let factors = self.forward()?.factors;
        let logarithms = Tensor::f_cat(&factors, 0)?.f_log()?.f_sum(Kind::Double)?;
        Ok(logarithms.f_add(&self.top.f_sum(Kind::Double)?)?)
    }

    /// Computes the logarithms of the tags' probabilities at each word, given all words of its
    /// text: `[W, T]` in f32, in the order of the steps.
    pub(super) fn log_marginals(&self) -> Result<Tensor> {
        let shares = self.forward()?.shares;
        let onward = self.onward.f_tr()?;
        let mut marginals = Vec::with_capacity(shares.len());
        // What the words after a step tell about its tags, together with the step itself, `[R, T]`.
        let mut behind: Option<Tensor> = None;
        for (step, (share, odds)) in shares.iter().zip(&self.odds).enumerate().rev() {
            let ends = self.running[step] - self.next(step);
            let ended = self.end.f_unsqueeze(0)?.f_expand([ends, -1], false)?;
            let backward = match &behind {
                None => ended,
                Some(behind) => Tensor::f_cat(&[behind.f_matmul(&onward)?, ended], 0)?,
            }; // [R, T]
            marginals.push(relative(&share.f_mul(&backward)?)?);
            behind = Some(relative(&backward.f_mul(odds)?)?);
        }
        marginals.reverse();
        let all = Tensor::f_cat(&marginals, 0)?; // [W, T]
        Ok(all.f_clamp_min(LEAST)?.f_log()?.f_to_kind(Kind::Float)?)
    }
}

/// Sums each row: `[R, T]` gives `[R, 1]`.
fn row_sums(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_sum_dim_intlist([-1_i64].as_slice(), true, None::<Kind>)?)
}

/// Divides each row by its sum.
fn relative(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_div(&row_sums(x)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_longest_text_first_and_found_again() {
        let order = Order::new(&[vec![1, 2], vec![], vec![4, 5, 7], vec![9]]);
        assert_eq!(order.running, [3, 2, 1]);
        assert_eq!(order.rows, [4, 1, 9, 5, 2, 7]);
        let found = order.places.iter().map(|&place| order.rows[place as usize]);
        assert_eq!(found.collect::<Vec<_>>(), [1, 2, 4, 5, 7, 9]);
        assert!(Order::new(&[]).rows.is_empty());
    }
}
