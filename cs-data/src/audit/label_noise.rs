//! Labels that the rest of the data contradicts.
//!
//! A multinomial naive Bayes over character n-grams (2 to 4, each counted once a text) judges every
//! row by all the others: leaving one row out only takes its counts away, so there are no folds and
//! no chance. What it then thinks of the row's own label against the best other is taken for the
//! self-confidence of confident learning (Northcutt, Jiang and Chuang, "Confident learning:
//! estimating uncertainty in dataset labels", JAIR 70, 2021): a row is a suspect when another label
//! beats its own by at least as much as that label's undisputed rows beat the rest on average,
//! which is their threshold t_j. The scores are mean log-likelihoods an n-gram, so that long texts
//! do not look surer than short ones.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::balance::side;
use super::row::{Row, RowRef};

/// Additive smoothing of counts; 0.1 separates BANKING77 best among 0.01, 0.1 and 1.
const ALPHA: f64 = 0.1;

/// A row whose label is probably wrong.
///
/// ```
/// use cs_data::audit::{Audit, Rules};
/// use cs_data::{Dataset, Utterance};
/// let row = |text: &str, intent: &str| Utterance::new("", text).with_intent(intent);
/// let rows = [
///     row("我要退款", "refund"), row("申请退款", "refund"), row("请给我退款", "refund"),
///     row("怎么退款", "refund"), row("查询快递", "shipping"), row("快递到哪了", "shipping"),
///     row("我的快递呢", "shipping"), row("查一下快递", "shipping"), row("请给我退款吧", "shipping"),
/// ];
/// let report = Audit::new(&Dataset::from_utterances(rows)?).run(&Rules::default())?;
/// let suspect = &report.examples.noise_suspects[0];
/// assert_eq!((suspect.row.row, suspect.suggested.as_str()), (8, "refund"));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseSuspect {
    /// Which label is doubted: `intent` or `sentiment`.
    pub field: &'static str,
    /// The label that the row has.
    pub label: String,
    /// The label that the row looks like.
    pub suggested: String,
    /// How much likelier the suggested label is, in nats an n-gram.
    pub margin: f64,
    /// The row in doubt.
    pub row: RowRef,
}

/// Suspects, the surest first.
pub(super) fn suspects(rows: &[Row]) -> Vec<NoiseSuspect> {
    let intents: Vec<Option<&str>> = rows
        .iter()
        .map(|row| row.utterance.intent.as_deref())
        .collect();
    let sides: Vec<Option<&str>> = rows
        .iter()
        .map(|row| row.utterance.sentiment.and_then(side))
        .collect();
    let mut out = Vec::new();
    for (field, labels) in [("intent", intents), ("sentiment", sides)] {
        let judge = Judge::train(rows, &labels);
        for Suspect { row, class, margin } in judge.suspects(rows) {
            out.push(NoiseSuspect {
                field,
                label: labels[row].unwrap_or_default().to_owned(),
                suggested: judge.names[class].to_owned(),
                margin,
                row: RowRef::new(row, &rows[row]),
            });
        }
    }
    out.sort_by(|a, b| b.margin.total_cmp(&a.margin));
    out
}

/// A row, the class that it looks like, and by how much.
struct Suspect {
    row: usize,
    class: usize,
    margin: f64,
}

/// Counts of n-grams by class.
struct Judge<'a> {
    names: Vec<&'a str>,
    /// The class of each row; `None` without a label.
    labels: Vec<Option<usize>>,
    /// Rows of each class.
    sizes: Vec<usize>,
    /// N-grams of each class together.
    totals: Vec<f64>,
    /// The classes of each n-gram, and in how many of their rows it stands.
    counts: HashMap<u128, Vec<(u32, u32)>>,
    /// What each count adds to a log-likelihood over a count of nothing.
    gains: Vec<f64>,
}

impl<'a> Judge<'a> {
    fn train(rows: &[Row], labels: &[Option<&'a str>]) -> Self {
        let classes: BTreeMap<&str, usize> = labels.iter().flatten().map(|&l| (l, 0)).collect();
        let names: Vec<&str> = classes.into_keys().collect();
        let numbers: HashMap<&str, usize> = names.iter().copied().zip(0..).collect();
        let labels: Vec<Option<usize>> = labels
            .iter()
            .map(|label| Some(numbers[(*label)?]))
            .collect();
        let mut judge = Judge {
            labels,
            sizes: vec![0; names.len()],
            totals: vec![0.0; names.len()],
            counts: HashMap::new(),
            gains: Vec::new(),
            names,
        };
        // With a single class there is nothing to choose.
        if judge.names.len() > 1 {
            for (row, label) in rows.iter().zip(&judge.labels) {
                let Some(class) = *label else { continue };
                let grams = ngrams(&row.normal);
                judge.sizes[class] += 1;
                judge.totals[class] += grams.len() as f64;
                for gram in grams {
                    let counts = judge.counts.entry(gram).or_default();
                    match counts.iter_mut().find(|(of, _)| *of == class as u32) {
                        Some((_, count)) => *count += 1,
                        None => counts.push((class as u32, 1)),
                    }
                }
            }
        }
        let largest = judge.sizes.iter().copied().max().unwrap_or(0);
        judge.gains = (0..=largest)
            .map(|count| (count as f64 / ALPHA).ln_1p())
            .collect();
        judge
    }

    fn suspects(&self, rows: &[Row]) -> Vec<Suspect> {
        let mut scores = vec![0.0; self.names.len()];
        let mut disputed = Vec::new();
        let mut confidence = vec![(0.0, 0_usize); self.names.len()];
        for (index, row) in rows.iter().enumerate() {
            // A class of one row knows nothing once the row is taken away.
            let Some(own) = self.labels[index].filter(|&class| self.sizes[class] > 1) else {
                continue;
            };
            let Some((best, margin)) = self.margin(&row.normal, own, &mut scores) else {
                continue;
            };
            if margin > 0.0 {
                disputed.push(Suspect {
                    row: index,
                    class: best,
                    margin,
                });
            } else {
                confidence[own].0 -= margin;
                confidence[own].1 += 1;
            }
        }
        disputed.retain(|suspect| {
            let (sum, rows) = confidence[suspect.class];
            rows > 0 && suspect.margin >= sum / rows as f64
        });
        disputed
    }

    /// The best class but `own`, and how far it lies above `own` in mean log-likelihood, the text
    /// itself left out. `None` if the text has no n-gram or there is no other class.
    fn margin(&self, text: &str, own: usize, scores: &mut [f64]) -> Option<(usize, f64)> {
        let grams = ngrams(text);
        let n = grams.len() as f64;
        let smooth = ALPHA * self.counts.len() as f64;
        for (class, score) in scores.iter_mut().enumerate() {
            let left_out = if class == own { n } else { 0.0 };
            *score = -n * (self.totals[class] - left_out + smooth).ln();
        }
        // Relative to a class that has none of the n-grams, whose share is the same for all.
        for gram in &grams {
            for &(class, count) in self.counts.get(gram)? {
                let class = class as usize;
                // In its own class the n-gram stands at least in this row.
                scores[class] += self.gains[count as usize - usize::from(class == own)];
            }
        }
        let others = scores.iter().enumerate().filter(|(class, _)| *class != own);
        let (best, score) = others.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
        (n > 0.0).then(|| (best, (score - scores[own]) / n))
    }
}

/// The text's distinct n-grams of 2 to 4 characters, a space added at each end; 21 bits a
/// character.
fn ngrams(text: &str) -> Vec<u128> {
    let chars: Vec<u128> = std::iter::once(' ')
        .chain(text.chars())
        .chain([' '])
        .map(|char| u128::from(u32::from(char)))
        .collect();
    let mut grams: Vec<u128> = (2..=4)
        .flat_map(|n| chars.windows(n))
        .map(|gram| gram.iter().fold(0, |packed, char| packed << 21 | char))
        .collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}
