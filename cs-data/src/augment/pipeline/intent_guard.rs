//! Synonyms that are none where intents differ.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, StringArray};

use crate::augment::Synonyms;
use crate::augment::operators::{each_match, matcher};
use crate::dataset::{Dataset, View};
use crate::error::Result;

/// A pair of a dictionary that tells two intents of a data set apart.
///
/// ```
/// use cs_data::{Dataset, Utterance};
/// use cs_data::augment::Synonyms;
/// let row = |id: usize| match id % 2 {
///     0 => Utterance::new(id.to_string(), "我要退款").with_intent("refund"),
///     _ => Utterance::new(id.to_string(), "我要退货").with_intent("return"),
/// };
/// let data = Dataset::from_utterances((0..8).map(row))?;
/// let synonyms = Synonyms::new([("退款", vec![("退货", 1.0), ("退钱", 1.0)])])?;
/// let (synonyms, flagged) = synonyms.guarded(&data, Synonyms::SEPARATES)?;
/// let pair = &flagged[0];
/// assert_eq!((pair.word.as_str(), pair.replacement.as_str()), ("退款", "退货"));
/// assert_eq!((pair.intent.as_str(), pair.other_intent.as_str()), ("refund", "return"));
/// assert_eq!(pair.counts, [[4, 0], [0, 4]]);
/// assert_eq!(flagged.len(), 1); // 退钱 stays
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Flagged {
    /// The word in the dictionary.
    pub word: String,
    /// The candidate of the word that was taken out.
    pub replacement: String,
    /// The intent of most rows with the word, `other_intent` aside.
    pub intent: String,
    /// The intent of most rows with the candidate.
    pub other_intent: String,
    /// Numbers of rows with the word, of `intent` and of `other_intent`, then of those with the
    /// replacement.
    pub counts: [[usize; 2]; 2],
    /// Log-odds ratio of the counts over its standard error.
    pub z: f64,
}

impl Synonyms {
    /// A good bound for [`Synonyms::guarded`]: the one-sided 5 % of a normal distribution. Three
    /// rows of either side, cleanly apart, reach it; two do not.
    pub const SEPARATES: f64 = 1.645;

    /// Takes out each candidate that, in this data, speaks for another intent than its word.
    ///
    /// Let B be the intent in which most rows with the candidate are, and A the one, other than B,
    /// in which most rows with the word are. The pair is flagged if the log-odds ratio of the four
    /// counts (1/2 added to each) exceeds `bound` times its standard error (Monroe et al.,
    /// "Fightin' Words", 2008, eq. 16 to 22). One pass over the texts.
    ///
    /// # Errors
    ///
    /// When the dictionary cannot be compiled again.
    pub fn guarded(self, data: &Dataset, bound: f64) -> Result<(Self, Vec<Flagged>)> {
        let counts = Counts::of(&self, data)?;
        let mut flagged = Vec::new();
        for entry in &self.entries {
            for (candidate, _) in &entry.candidates {
                let pair = counts.pair(&entry.word, candidate);
                flagged.extend(pair.filter(|pair| pair.z > bound));
            }
        }
        let pairs = flagged
            .iter()
            .map(|pair| (pair.word.clone(), pair.replacement.clone()));
        let pairs: Vec<(String, String)> = pairs.collect();
        let kept = if pairs.is_empty() {
            self
        } else {
            self.without(&pairs)?
        };
        Ok((kept, flagged))
    }
}

/// Rows by word (lower case) and intent.
struct Counts(HashMap<String, BTreeMap<String, usize>>);

impl Counts {
    fn of(synonyms: &Synonyms, data: &Dataset) -> Result<Self> {
        let mut words: Vec<String> = synonyms
            .entries
            .iter()
            .flat_map(|entry| {
                let candidates = entry.candidates.iter().map(|(candidate, _)| candidate);
                std::iter::once(&entry.word).chain(candidates)
            })
            .map(|word| word.to_lowercase())
            .collect();
        words.sort_unstable();
        words.dedup();
        let matcher = matcher(words.iter().map(String::as_str))?;
        let rows = data.one_batch()?;
        let (intents, texts) = (View(&rows).intents(), View(&rows).texts());
        let names: &StringArray = intents.values().as_string();
        let mut counts = vec![vec![0; names.len()]; words.len()];
        let mut seen = Vec::new();
        // Where there is one intent, nothing can be told apart.
        let rows = 0..if names.len() > 1 { data.len() } else { 0 };
        for row in rows {
            let Some(intent) = intents.key(row) else {
                continue;
            };
            let text = texts.value(row);
            seen.clear();
            each_match(&matcher, text, 0..text.len(), |word, _| seen.push(word));
            seen.sort_unstable();
            seen.dedup();
            seen.iter().for_each(|&word| counts[word][intent] += 1);
        }
        let counts = counts.iter().map(|counts| by_intent(names, counts));
        Ok(Counts(words.into_iter().zip(counts).collect()))
    }

    /// The two intents that the pair separates most; `None` if its words occur in one alone.
    fn pair(&self, word: &str, replacement: &str) -> Option<Flagged> {
        let of_word = self.0.get(&word.to_lowercase())?;
        let of_replacement = self.0.get(&replacement.to_lowercase())?;
        // The first of equals, in the order of names.
        let (other, _) = of_replacement
            .iter()
            .rev()
            .max_by_key(|(_, count)| **count)?;
        let rest = of_word.iter().rev().filter(|(intent, _)| *intent != other);
        let (intent, _) = rest.max_by_key(|(_, count)| **count)?;
        let counts = [of_word, of_replacement].map(|of| {
            let of = [of.get(intent), of.get(other)];
            of.map(|count| count.copied().unwrap_or(0))
        });
        let [[wa, wb], [ra, rb]] = counts.map(|row| row.map(|count| count as f64 + 0.5));
        let error = (1.0 / wa + 1.0 / wb + 1.0 / ra + 1.0 / rb).sqrt();
        Some(Flagged {
            word: word.to_owned(),
            replacement: replacement.to_owned(),
            intent: intent.clone(),
            other_intent: other.clone(),
            counts,
            z: ((wa * rb) / (wb * ra)).ln() / error,
        })
    }
}

/// The counts that are not 0, by the names of their intents.
fn by_intent(names: &StringArray, counts: &[usize]) -> BTreeMap<String, usize> {
    let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    counts
        .map(|(intent, count)| (names.value(intent).to_owned(), *count))
        .collect()
}
