//! Rows chosen or ordered by chance, and duplicates.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::random::SplitMix;
use crate::text::normalize;

use super::dataset::Dataset;

/// When two texts are one for [`Dataset::deduplicate`].
///
/// ```
/// use cs_data::{Dataset, Sameness, Utterance};
/// let rows = [("1", "我要退款"), ("2", "我要退款。"), ("3", "我要退款")];
/// let data = Dataset::from_utterances(rows.map(|(id, text)| Utterance::new(id, text)))?;
/// let ids = |same| -> Result<Vec<String>, cs_data::Error> {
///     Ok(data.deduplicate(same)?.iter().map(|row| row.id).collect())
/// };
/// assert_eq!(ids(Sameness::Exact)?, ["1", "2"]);
/// assert_eq!(ids(Sameness::Normalized)?, ["1"]);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sameness {
    /// Two texts are one if they have the same bytes.
    Exact,
    /// Two texts are one if they have the same normal form, see [`normalize`](crate::normalize()).
    Normalized,
}

impl Dataset {
    /// Gives the rows without those whose text an earlier row has, whatever their labels.
    ///
    /// Texts without letters, digits or symbols ("?!") have no normal form; they are then
    /// compared by their bytes. Holds every distinct text in memory.
    ///
    /// # Errors
    ///
    /// Only what Arrow itself refuses, such as columns above its limits.
    pub fn deduplicate(&self, same: Sameness) -> Result<Self> {
        let mut seen: HashSet<Cow<'_, str>> = HashSet::new();
        let mut is_new = |text| {
            let normal = || Some(normalize(text)).filter(|text| !text.is_empty());
            seen.insert(match same {
                Sameness::Exact => Cow::Borrowed(text),
                Sameness::Normalized => normal().map_or(Cow::Borrowed(text), Cow::Owned),
            })
        };
        let texts = self.views().map(|(view, at)| view.text(at)).enumerate();
        let kept: Vec<usize> = texts
            .filter(|(_, text)| is_new(text))
            .map(|(row, _)| row)
            .collect();
        self.select(&kept)
    }

    /// Gives the rows in an order by chance.
    ///
    /// The order is a pure function of the seed and the ids: the same rows in another order give
    /// the same result, unless ids occur twice.
    ///
    /// # Errors
    ///
    /// Only what Arrow itself refuses, such as columns above its limits.
    pub fn shuffle(&self, seed: u64) -> Result<Self> {
        let ranks = self.ranks("shuffle", seed);
        let mut rows: Vec<usize> = (0..self.len()).collect();
        rows.sort_unstable_by_key(|&row| (ranks[row], row));
        self.select(&rows)
    }

    /// Gives `k` rows of each intent, or all where there are no more, in the order of the data;
    /// rows without an intent are left out. With the same seed, the rows of a smaller `k` are among
    /// those of a larger one. What is left out may hold copies of what is chosen; only a split
    /// keeps them together.
    ///
    /// ```
    /// use cs_data::{Dataset, Utterance};
    /// let row = |n: usize| Utterance::new(n.to_string(), "你好").with_intent(["a", "b"][n % 2]);
    /// let data = Dataset::from_utterances((0..20).map(row))?;
    /// assert_eq!(data.k_shot(3, 1)?.statistics().intents["b"], 3);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only what Arrow itself refuses, such as columns above its limits.
    pub fn k_shot(&self, k: usize, seed: u64) -> Result<Self> {
        let ranks = self.ranks("k_shot", seed);
        let classes = self.classes(|row, _, _| (ranks[row], row));
        let mut kept = Vec::new();
        for (_, mut class) in classes.into_iter().filter(|(intent, _)| intent.is_some()) {
            class.sort_unstable();
            kept.extend(class.into_iter().take(k).map(|(_, row)| row));
        }
        kept.sort_unstable();
        self.select(&kept)
    }

    /// A number by chance for each row: a function of seed, operation and id and, where ids occur
    /// twice, of how often the id came before.
    pub(crate) fn ranks(&self, operation: &str, seed: u64) -> Vec<u64> {
        let seed = SplitMix::hash(seed, operation);
        let mut seen: HashMap<&str, u64> = HashMap::new();
        let rank = |id| {
            let times = seen.entry(id).or_default();
            *times += 1;
            SplitMix::hash(seed.wrapping_add(*times), id)
        };
        self.views()
            .map(|(view, at)| view.id(at))
            .map(rank)
            .collect()
    }
}
