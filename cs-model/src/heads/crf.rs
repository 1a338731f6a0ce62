//! Choosing a sequence of tags: a linear-chain conditional random field (Lafferty et al. 2001), in
//! plain Rust so that every runtime's logits are decoded alike.
//!
//! In the shapes, `W` is the number of words of a text and `T` the number of tags.

use cs_data::TagSet;

use super::matrix::Matrix;
use super::sums::{dot, finite, largest_sum, normalise, relative};
use super::tasks::validate_tags;
use crate::config::names::{HEADS, Role};
use crate::error::{Error, Result};

/// The largest magnitude of a score. No training gives a larger one, and its exponential would
/// leave the range of `f64`.
const MOST: f32 = 300.0;

/// The scores of tags that follow each other, which decode the slot logits of a conditional random
/// field. Beside what was learned, the rules of IOB2 hold: a text does not begin with `I-x`, which
/// only follows `B-x` or `I-x`.
///
/// ```
/// use cs_data::{Scheme, TagSet};
/// use cs_model::{Matrix, Transitions};
///
/// let tags = TagSet::of_labels(["city"], Scheme::Iob2)?; // O, B-city, I-city
/// let crf = Transitions::new(&tags, &Matrix::zeros(3, 3), &[0.0; 3], &[0.0; 3])?;
/// // By itself the first word would be inside a city.
/// let logits = [[1.0, 2.0, 3.0], [1.0, 0.0, 3.0]];
/// let tagged = crf.decode(logits.iter().map(|row| &row[..]));
/// assert_eq!((tagged[0].0, tagged[1].0), (1, 2));
/// assert!(tagged[0].1 > 0.6 && tagged[0].1 < 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Transitions {
    /// `[T, T]`: the score of a transition to each tag (row) from each tag (column).
    scores: Vec<f64>,
    /// `[T, T]`: the exponentials of `scores`.
    odds: Vec<f64>,
    /// `[T]`: the score of each tag at the first word.
    start: Vec<f64>,
    /// `[T]`: the score of each tag at the last word.
    end: Vec<f64>,
    openers: Vec<Option<usize>>,
}

impl Transitions {
    /// Takes the scores that a model has learned. Those of transitions that IOB2 forbids do not
    /// matter.
    ///
    /// # Shapes
    /// `scores[from, to]` is `[T, T]`; `start` and `end` are `[T]`.
    ///
    /// # Errors
    /// [`Error::Field`] for tags that are no IOB2 set, or for a score that is not between -300 and
    /// 300; [`Error::Shape`] if the number of scores does not fit the tags.
    pub fn new(tags: &TagSet, scores: &Matrix, start: &[f32], end: &[f32]) -> Result<Self> {
        validate_tags(tags)?;
        let count = tags.tags().len();
        let sizes = [scores.rows, scores.cols, start.len(), end.len()];
        if sizes != [count; 4] || scores.data.len() != count * count {
            return Err(Error::Shape {
                what: "scores of a conditional random field",
                expected: format!("[{count}, {count}], [{count}] and [{count}]"),
                found: format!(
                    "[{}, {}], [{}] and [{}]",
                    sizes[0], sizes[1], sizes[2], sizes[3]
                ),
            });
        }
        check(Role::SlotTransitions, &scores.data)?;
        check(Role::SlotStart, start)?;
        check(Role::SlotEnd, end)?;
        let turned = (0..count * count).map(|i| scores.data[i % count * count + i / count]);
        let scores: Vec<f64> = turned.map(f64::from).collect();
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
        Ok(Self {
            odds: scores.iter().map(|score| score.exp()).collect(),
            scores,
            start: wide(start),
            end: wide(end),
            openers: openers(tags),
        })
    }

    /// The number `T` of tags.
    pub fn tags(&self) -> usize {
        self.start.len()
    }

    /// Gives the likeliest sequence of tags for a text's words (Viterbi 1967), each tag with its
    /// probability given all words (forward-backward; Rabiner 1989, section III). A logit that is
    /// not a number counts as very small. Takes about 2·T² steps a word, which is 20 µs for 113
    /// tags.
    ///
    /// # Panics
    /// If the number of a word's logits is not `T`.
    pub fn decode<'a>(&self, logits: impl Iterator<Item = &'a [f32]>) -> Vec<(usize, f32)> {
        let lattice = Lattice::new(self, logits);
        let path = lattice.best_path();
        let probabilities = lattice.probabilities(&path);
        path.into_iter().zip(probabilities).collect()
    }

    /// The scores of all transitions to `tag`.
    fn to(&self, tag: usize) -> &[f64] {
        &self.scores[tag * self.tags()..(tag + 1) * self.tags()]
    }

    fn odds_to(&self, tag: usize) -> &[f64] {
        &self.odds[tag * self.tags()..(tag + 1) * self.tags()]
    }
}

/// For each tag `I-x`, the position of `B-x`: these two are the only tags that may stand before it.
/// `None` for tags that may follow any tag.
pub(crate) fn openers(tags: &TagSet) -> Vec<Option<usize>> {
    let tags = tags.tags();
    let opener = |tag: &String| {
        let label = tag.strip_prefix("I-")?;
        tags.iter()
            .position(|tag| tag.strip_prefix("B-") == Some(label))
    };
    tags.iter().map(opener).collect()
}

fn check(part: Role, scores: &[f32]) -> Result<()> {
    let range = -MOST..=MOST;
    match scores.iter().position(|score| !range.contains(score)) {
        None => Ok(()),
        Some(i) => Err(Error::field(
            format!("{}[{i}]", HEADS.weight(part)),
            scores[i],
            format!("-{MOST} to {MOST}"),
        )),
    }
}

/// All sequences of tags of one text. Each table is `[W, T]`.
struct Lattice<'c> {
    crf: &'c Transitions,
    logits: Vec<f64>,
    /// The exponentials of the logits, relative to the word's largest.
    emissions: Vec<f64>,
    /// The score of the best sequence that ends in a word's tag.
    best: Vec<f64>,
    /// The probability that a word has a tag given the words up to it, relative to the word's
    /// likeliest tag.
    forward: Vec<f64>,
}

impl<'c> Lattice<'c> {
    fn new<'a>(crf: &'c Transitions, rows: impl Iterator<Item = &'a [f32]>) -> Self {
        let tags = crf.tags();
        let mut logits = Vec::new();
        for row in rows {
            assert_eq!(row.len(), tags, "a logit for each tag");
            logits.extend(row.iter().map(|&logit| finite(logit)));
        }
        let mut emissions = vec![0.0; logits.len()];
        for (row, out) in logits.chunks(tags).zip(emissions.chunks_mut(tags)) {
            relative(row, out);
        }
        let mut lattice = Self {
            crf,
            emissions,
            best: vec![f64::NEG_INFINITY; logits.len()],
            forward: vec![0.0; logits.len()],
            logits,
        };
        for word in 0..lattice.logits.len() / tags {
            if word == 0 {
                lattice.begin();
            } else {
                lattice.advance(word);
            }
        }
        lattice
    }

    fn begin(&mut self) {
        let crf = self.crf;
        for (tag, opener) in crf.openers.iter().enumerate() {
            if opener.is_none() {
                self.best[tag] = crf.start[tag] + self.logits[tag];
            }
        }
        relative(&self.best[..crf.tags()], &mut self.forward[..crf.tags()]);
    }

    fn advance(&mut self, word: usize) {
        let (crf, tags) = (self.crf, self.crf.tags());
        let (best, next_best) = self.best.split_at_mut(word * tags);
        let (forward, next_forward) = self.forward.split_at_mut(word * tags);
        let (best, forward) = (&best[(word - 1) * tags..], &forward[(word - 1) * tags..]);
        for tag in 0..tags {
            let at = word * tags + tag;
            let (scores, odds) = (crf.to(tag), crf.odds_to(tag));
            let (top, sum) = match crf.openers[tag] {
                None => (largest_sum(best, scores), dot(forward, odds)),
                Some(opener) => (
                    (best[opener] + scores[opener]).max(best[tag] + scores[tag]),
                    forward[opener] * odds[opener] + forward[tag] * odds[tag],
                ),
            };
            next_best[tag] = top + self.logits[at];
            next_forward[tag] = sum * self.emissions[at];
        }
        normalise(&mut next_forward[..tags]);
    }

    fn best_path(&self) -> Vec<usize> {
        let (crf, tags) = (self.crf, self.crf.tags());
        let words = self.logits.len() / tags;
        let mut path = vec![0; words];
        let mut after: Option<usize> = None;
        for word in (0..words).rev() {
            let best = &self.best[word * tags..(word + 1) * tags];
            // The scores of going on as is decided already: a column of the table is as long as a
            // row.
            let onward = after.map_or(&crf.end[..], |tag| crf.to(tag));
            let fits = |tag: usize| match after.and_then(|after| Some((after, crf.openers[after]?)))
            {
                None => true,
                Some((after, opener)) => tag == after || tag == opener,
            };
            let mut chosen = (0, f64::NEG_INFINITY);
            for tag in (0..tags).filter(|&tag| fits(tag)) {
                let score = best[tag] + onward[tag];
                if score > chosen.1 {
                    chosen = (tag, score);
                }
            }
            path[word] = chosen.0;
            after = Some(chosen.0);
        }
        path
    }

    /// The probability of each tag of `path` given the whole text.
    fn probabilities(&self, path: &[usize]) -> Vec<f32> {
        let (crf, tags) = (self.crf, self.crf.tags());
        let mut probabilities = vec![0.0; path.len()];
        let mut backward = vec![0.0; tags];
        relative(&crf.end, &mut backward);
        let mut weights = vec![0.0; tags];
        for word in (0..path.len()).rev() {
            let forward = &self.forward[word * tags..(word + 1) * tags];
            let tag = path[word];
            let share = forward[tag] * backward[tag] / dot(forward, &backward);
            // Only where logits are hundreds apart is there nothing to divide by.
            probabilities[word] = if share.is_finite() { share as f32 } else { 0.0 };
            let emissions = &self.emissions[word * tags..(word + 1) * tags];
            for ((weight, b), emission) in weights.iter_mut().zip(&backward).zip(emissions) {
                *weight = b * emission;
            }
            normalise(&mut weights);
            self.retreat(&weights, &mut backward);
        }
        probabilities
    }

    /// Goes from the weights of a word's tags to those of the word before it.
    fn retreat(&self, weights: &[f64], backward: &mut [f64]) {
        backward.fill(0.0);
        for (tag, &weight) in weights.iter().enumerate() {
            let odds = self.crf.odds_to(tag);
            match self.crf.openers[tag] {
                None => {
                    for (sum, odds) in backward.iter_mut().zip(odds) {
                        *sum += odds * weight;
                    }
                }
                Some(opener) => {
                    backward[opener] += odds[opener] * weight;
                    backward[tag] += odds[tag] * weight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_data::Scheme;
    use proptest::prelude::*;

    fn crf(tags: &TagSet, numbers: &[f32]) -> Transitions {
        let count = tags.tags().len();
        let (scores, ends) = numbers.split_at(count * count);
        let scores = Matrix::new(count, count, scores.to_vec()).unwrap();
        Transitions::new(tags, &scores, &ends[..count], &ends[count..2 * count]).unwrap()
    }

    fn is_legal(tags: &[String], path: &[usize]) -> bool {
        let names: Vec<&str> = path.iter().map(|&tag| tags[tag].as_str()).collect();
        names.iter().enumerate().all(|(i, name)| {
            name.strip_prefix("I-")
                .is_none_or(|label| i > 0 && names[i - 1].len() > 2 && &names[i - 1][2..] == label)
        })
    }

    /// Every legal path and the exponential of its score.
    fn paths(tags: &[String], numbers: &[f32], logits: &[Vec<f32>]) -> Vec<(Vec<usize>, f64)> {
        let count = tags.len();
        let (scores, ends) = numbers.split_at(count * count);
        let all = (0..count.pow(logits.len() as u32)).map(|code| {
            let place = |word: usize| code / count.pow(word as u32) % count;
            (0..logits.len()).map(place).collect::<Vec<_>>()
        });
        let score = |path: &[usize]| {
            let mut sum = ends[path[0]] + ends[count + path[path.len() - 1]];
            sum += path
                .iter()
                .zip(logits)
                .map(|(&tag, row)| row[tag])
                .sum::<f32>();
            sum += path
                .windows(2)
                .map(|pair| scores[pair[0] * count + pair[1]])
                .sum::<f32>();
            f64::from(sum).exp()
        };
        all.filter(|path| is_legal(tags, path))
            .map(|path| (path.clone(), score(&path)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_best_of_all_paths_is_found(
            labels in 0_usize..3,
            words in 1_usize..5,
            seed in prop::collection::vec(-3.0_f32..3.0, 5 * 5 + 2 * 5 + 4 * 5),
        ) {
            let names: Vec<String> = (0..labels).map(|i| format!("x{i}")).collect();
            let tags = TagSet::of_labels(names, Scheme::Iob2).unwrap();
            let count = tags.tags().len();
            let (numbers, logits) = seed.split_at(count * (count + 2));
            let rows = logits.chunks(count).take(words);
            let logits: Vec<Vec<f32>> = rows.map(<[f32]>::to_vec).collect();
            let tagged = crf(&tags, numbers).decode(logits.iter().map(Vec::as_slice));
            let all = paths(tags.tags(), numbers, &logits);
            let total: f64 = all.iter().map(|(_, score)| score).sum();
            let best = all.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            let found: Vec<usize> = tagged.iter().map(|&(tag, _)| tag).collect();
            let own = all.iter().find(|(path, _)| *path == found).unwrap();
            prop_assert!(own.1 > best.1 * (1.0 - 1e-5), "{:?} {:?}", own, best);
            for (word, &(tag, probability)) in tagged.iter().enumerate() {
                let with = all.iter().filter(|(path, _)| path[word] == tag);
                let expected = with.map(|(_, score)| score).sum::<f64>() / total;
                prop_assert!((f64::from(probability) - expected).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn numbers_that_are_not_finite_never_panic_nor_break_the_scheme() {
        let tags = TagSet::of_labels(["a", "b"], Scheme::Iob2).unwrap();
        let crf = crf(&tags, &[0.5; 35]);
        let rows = [
            [f32::NAN; 5],
            [f32::NEG_INFINITY; 5],
            [0.0, 0.0, f32::INFINITY, 0.0, f32::NAN],
            [1e38, -1e38, 0.0, 1e38, 5.0],
            [0.0, 0.0, 900.0, 0.0, 1800.0],
        ];
        for (i, first) in rows.iter().enumerate() {
            for second in &rows {
                let tagged = crf.decode([first, second, &rows[i]].map(|row| &row[..]).into_iter());
                let path: Vec<usize> = tagged.iter().map(|&(tag, _)| tag).collect();
                assert!(is_legal(tags.tags(), &path), "{path:?}");
                assert!(
                    tagged.iter().all(|(_, p)| (0.0..=1.0001).contains(p)),
                    "{tagged:?}"
                );
            }
        }
        assert!(crf.decode(std::iter::empty()).is_empty());
    }

    #[test]
    fn scores_that_no_training_gives_are_refused() {
        let tags = TagSet::of_labels(["a"], Scheme::Iob2).unwrap();
        let text = |scores: &[f32], start: &[f32]| {
            let scores = Matrix::new(3, scores.len() / 3, scores.to_vec()).unwrap();
            Transitions::new(&tags, &scores, start, &[0.0; 3])
                .unwrap_err()
                .to_string()
        };
        let mut scores = [0.0; 9];
        assert!(text(&scores[..6], &[0.0; 3]).contains("expected [3, 3], [3] and [3]"));
        assert!(text(&scores, &[0.0; 2]).contains("found [3, 3], [2] and [3]"));
        assert!(text(&scores, &[0.0, f32::NAN, 0.0]).starts_with("heads.slots.start[1] is NaN"));
        scores[5] = -301.0;
        let reason = "heads.slots.transitions[5] is -301, expected -300 to 300";
        assert_eq!(text(&scores, &[0.0; 3]), reason);
    }
}
