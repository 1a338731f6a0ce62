//! Questions by their meaning.

use std::fmt;
use std::sync::Arc;

use super::embedder::Embedder;
use crate::error::BackendError;
use crate::reply::ReplyError;

/// The number of questions that are embedded at a time.
const BATCH: usize = 32;

/// The vectors of questions, one after the other, each of length 1. All of them are looked at for
/// each search: some 10 ms for 100,000 vectors of 384 numbers.
pub(super) struct Semantic {
    embedder: Arc<dyn Embedder>,
    vectors: Vec<f32>,
    size: usize,
    questions: usize,
}

impl Semantic {
    pub(super) fn new(questions: &[&str], embedder: Arc<dyn Embedder>) -> Result<Self, ReplyError> {
        let mut semantic = Self {
            embedder,
            vectors: Vec::new(),
            size: 0,
            questions: questions.len(),
        };
        for texts in questions.chunks(BATCH) {
            for vector in semantic.embed(texts)? {
                if semantic.vectors.is_empty() {
                    semantic.size = vector.len();
                }
                semantic.check(&vector)?;
                semantic.vectors.extend(vector);
            }
        }
        Ok(semantic)
    }

    /// Gives the cosine between a text and each question.
    pub(super) fn cosines(&self, text: &str) -> Result<Vec<f32>, ReplyError> {
        if self.questions == 0 {
            return Ok(Vec::new());
        }
        let vectors = self.embed(&[text])?;
        let [vector] = &vectors[..] else {
            return Err(self.failed(format!("{} vectors for a text", vectors.len()).into()));
        };
        self.check(vector)?;
        let rows = self.vectors.chunks_exact(self.size);
        Ok(rows.map(|row| dot(row, vector)).collect())
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ReplyError> {
        let mut vectors = self.embedder.embed(texts).map_err(|it| self.failed(it))?;
        if vectors.len() != texts.len() {
            let problem = format!("{} vectors for {} texts", vectors.len(), texts.len());
            return Err(self.failed(problem.into()));
        }
        vectors.iter_mut().for_each(|it| normalise(it));
        Ok(vectors)
    }

    fn check(&self, vector: &[f32]) -> Result<(), ReplyError> {
        if vector.len() == self.size && self.size > 0 && vector.iter().all(|it| it.is_finite()) {
            return Ok(());
        }
        let (found, expected) = (vector.len(), self.size.max(1));
        let problem = format!("a vector of {found} numbers, expected {expected} finite ones");
        Err(self.failed(problem.into()))
    }

    fn failed(&self, source: BackendError) -> ReplyError {
        ReplyError::Embedder {
            version: self.embedder.version().to_owned(),
            source,
        }
    }
}

/// Gives at most so many places of the highest cosines, the highest first.
pub(super) fn nearest(cosines: &[f32], most: usize) -> Vec<usize> {
    let order = |&one: &usize, &other: &usize| {
        let likeness = cosines[other].total_cmp(&cosines[one]);
        likeness.then(one.cmp(&other))
    };
    let mut places: Vec<usize> = (0..cosines.len()).collect();
    if most < places.len() {
        places.select_nth_unstable_by(most, order);
        places.truncate(most);
    }
    places.sort_by(order);
    places
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums beside each other, which the compiler keeps in one register.
    let mut sums = [0.0; 8];
    let (ones, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f32 = std::iter::zip(ones.remainder(), others.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (one, other) in ones.zip(others) {
        for (sum, (a, b)) in sums.iter_mut().zip(std::iter::zip(one, other)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|&x| f64::from(x).powi(2)).sum();
    if square > 0.0 {
        let inverse = square.sqrt().recip() as f32;
        vector.iter_mut().for_each(|x| *x *= inverse);
    }
}

impl fmt::Debug for Semantic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semantic")
            .field("embedder", &self.embedder.version())
            .field("questions", &self.questions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        assert_eq!(nearest(&[0.1, 0.9, 0.5, 0.9], 3), [1, 3, 2]);
        assert_eq!(nearest(&[0.1, 0.9], 5), [1, 0]);
        assert_eq!(nearest(&[], 5), [0; 0]);
    }

    #[test]
    fn products_are_whole() {
        let ones: Vec<f32> = (0..19u8).map(f32::from).collect();
        assert_eq!(dot(&ones, &ones), 2109.0); // 18 * 19 * 37 / 6
    }
}
