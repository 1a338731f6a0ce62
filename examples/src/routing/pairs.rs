//! Pairs of texts, and the distance at which two texts ask the same.

use std::path::Path;

use cs_serve::route::{
    Budget, FittedDistance, Semantic, TextPair, fit_distance, upper_bound, words_that_may_differ,
};
use serde::Serialize;

use super::outcomes::Pair as Models;
use crate::demo::Pair;
use crate::error::{Error, Result};

/// What a distance was fitted to, and how good it is.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DistanceFigures {
    pub max_distance: f32,
    pub false_hit_upper: f64,
    pub false_hit_rate: f64,
    pub paraphrases_hit: f64,
    pub negatives: usize,
    pub paraphrases: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<UnseenFigures>,
}

/// How good a distance is on pairs that it was not fitted to.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UnseenFigures {
    pub false_hit_upper: f64,
    pub false_hit_rate: f64,
    pub paraphrases_hit: f64,
    pub negatives: usize,
    pub paraphrases: usize,
}

impl UnseenFigures {
    /// Counts the pairs of a file that are taken to ask the same.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or has something else in it, or not both kinds of pairs.
    pub fn of(models: &Models, path: &Path, semantic: &Semantic) -> Result<Self> {
        let pairs = read(path, models)?;
        let count = |is_same| {
            let kind = pairs.iter().filter(|pair| pair.is_same == is_same);
            let taken = |pair: &&TextPair| semantic.takes_for_same(&pair.one, &pair.other);
            (kind.clone().filter(taken).count(), kind.count())
        };
        let ((hits, paraphrases), (false_hits, negatives)) = (count(true), count(false));
        if paraphrases == 0 || negatives == 0 {
            return Err(Error::Unfit {
                path: path.to_owned(),
                found: format!("{paraphrases} pairs that ask the same and {negatives} that do not"),
                expected: "some of both",
            });
        }
        Ok(Self {
            false_hit_upper: upper_bound(false_hits, negatives, Budget::default().risk),
            false_hit_rate: false_hits as f64 / negatives as f64,
            paraphrases_hit: hits as f64 / paraphrases as f64,
            negatives,
            paraphrases,
        })
    }
}

impl DistanceFigures {
    /// The figures of a fit, and of what was judged by it.
    pub fn new(fitted: &FittedDistance, unseen: Option<UnseenFigures>) -> Self {
        Self {
            max_distance: fitted.semantic.max_distance,
            false_hit_upper: fitted.false_hit_upper,
            false_hit_rate: fitted.false_hits as f64 / fitted.negatives as f64,
            paraphrases_hit: fitted.hits as f64 / fitted.positives as f64,
            negatives: fitted.negatives,
            paraphrases: fitted.positives,
            unseen,
        }
    }
}

/// Learns from the pairs of one file which words may differ, and fits the distance to those of
/// another.
///
/// # Errors
///
/// A file that cannot be read or has something else in it; pairs that do not allow a distance.
pub fn fit_pairs(models: &Models, fit: &Path, held_out: &Path) -> Result<FittedDistance> {
    let may_differ = words_that_may_differ(&read(fit, models)?);
    let pairs = read(held_out, models)?;
    fit_distance(&pairs, may_differ, Budget::default()).map_err(|source| Error::Fit {
        path: held_out.to_owned(),
        source,
    })
}

/// Reads pairs, a JSON object a line, and has the light model read their texts.
fn read(path: &Path, models: &Models) -> Result<Vec<TextPair>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let mut pairs = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let pair: Pair = serde_json::from_str(line).map_err(|error| Error::Line {
            path: path.to_owned(),
            line: number,
            column: error.column(),
            found: error.to_string(),
            expected: r#"{"one": text, "other": text, "same": true or false}"#,
        })?;
        pairs.push(pair);
    }
    let texts: Vec<&str> = pairs
        .iter()
        .flat_map(|pair| [pair.one.as_str(), pair.other.as_str()])
        .collect();
    let mut turns = models.light.understand_batch(&texts)?.into_iter();
    let mut read = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        if let (Some(one), Some(other)) = (turns.next(), turns.next()) {
            let is_same = pair.same;
            read.push(TextPair {
                one,
                other,
                is_same,
            });
        }
    }
    Ok(read)
}
