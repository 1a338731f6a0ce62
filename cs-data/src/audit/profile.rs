//! Lengths and scripts.

use serde::Serialize;

use crate::text::{is_han, is_latin};

use super::row::Row;

/// Bars of a length histogram, at most.
const BINS: usize = 30;

/// The number of rows in one range of lengths.
///
/// ```
/// use cs_data::audit::Bin;
/// let bin = Bin { from: 0, to: 5, rows: 3 };
/// assert_eq!(bin.to - bin.from, 5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// Shortest length of the range, in characters.
    pub from: usize,
    /// One past the longest length of the range.
    pub to: usize,
    /// Number of rows in the range.
    pub rows: usize,
}

/// Lengths of texts, in Unicode scalar values.
///
/// ```
/// use cs_data::audit::Lengths;
/// let lengths = Lengths::of([2, 4, 4, 10]);
/// assert_eq!((lengths.min, lengths.median, lengths.max), (2, 4, 10));
/// assert_eq!(lengths.mean, 5.0);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Lengths {
    /// Length of the shortest text.
    pub min: usize,
    /// Mean length; 0 without rows.
    pub mean: f64,
    /// Median: half the rows are at most this long.
    pub median: usize,
    /// 95th percentile: 95 % of the rows are at most this long (nearest rank).
    pub p95: usize,
    /// 99th percentile: 99 % of the rows are at most this long (nearest rank).
    pub p99: usize,
    /// Length of the longest text.
    pub max: usize,
    /// Numbers of rows in equal ranges from 0; the last range goes on to the longest text.
    pub histogram: Vec<Bin>,
}

impl Lengths {
    /// Profiles these lengths.
    pub fn of(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut sorted: Vec<usize> = lengths.into_iter().collect();
        sorted.sort_unstable();
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Lengths::default();
        };
        let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
        Lengths {
            min,
            mean: sorted.iter().sum::<usize>() as f64 / sorted.len() as f64,
            median: rank(50),
            p95: rank(95),
            p99: rank(99),
            max,
            histogram: histogram(&sorted, rank(99), max),
        }
    }
}

/// Up to the 99th percentile in equal steps, so that one long text does not flatten the rest.
fn histogram(sorted: &[usize], p99: usize, max: usize) -> Vec<Bin> {
    let step = [1, 2, 5]
        .into_iter()
        .flat_map(|digit| (0..7).map(move |zeros| digit * 10_usize.pow(zeros)))
        .filter(|step| p99 / step < BINS)
        .min()
        .unwrap_or(10_000_000);
    let last = p99 / step;
    let mut bins: Vec<Bin> = (0..=last)
        .map(|bin| Bin {
            from: bin * step,
            to: (bin + 1) * step,
            rows: 0,
        })
        .collect();
    bins[last].to = bins[last].to.max(max + 1);
    for length in sorted {
        bins[(length / step).min(last)].rows += 1;
    }
    bins
}

/// Numbers of rows by script. Units are Chinese characters and words of Latin letters, and a script
/// that has at least four in five of a text's letters has the text. The script stands for the
/// language: French counts as `en`, Japanese with kana as `mixed` or `other`.
///
/// ```
/// use cs_data::audit::Languages;
/// let of = |text| {
///     let one = Languages::of([text]);
///     (one.zh, one.en, one.mixed, one.other)
/// };
/// assert_eq!(of("我的iPhone坏了"), (1, 0, 0, 0)); // four characters, one word
/// assert_eq!(of("where is it"), (0, 1, 0, 0));
/// assert_eq!(of("order 还没到"), (0, 0, 1, 0));
/// assert_eq!(of("12345"), (0, 0, 0, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Languages {
    /// Number of texts in Chinese characters.
    pub zh: usize,
    /// Number of texts in Latin letters.
    pub en: usize,
    /// Number of texts in which both together are at least four fifths, and neither is alone.
    pub mixed: usize,
    /// Number of texts in another script, or without letters.
    pub other: usize,
}

impl Languages {
    /// Counts these texts by script.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut out = Languages::default();
        for text in texts {
            *out.slot(text) += 1;
        }
        out
    }

    fn slot(&mut self, text: &str) -> &mut usize {
        let (mut zh, mut en, mut other, mut in_word) = (0, 0, 0, false);
        for char in text.chars() {
            let latin = is_latin(char);
            if latin {
                en += usize::from(!in_word);
            } else if is_han(char) {
                zh += 1;
            } else if char.is_alphabetic() {
                other += 1;
            }
            in_word = latin || (in_word && matches!(char, '\'' | '’'));
        }
        let all = zh + en + other;
        let rules = |part: usize| part * 5 >= all * 4;
        match () {
            () if all == 0 => &mut self.other,
            () if rules(zh) => &mut self.zh,
            () if rules(en) => &mut self.en,
            () if zh > 0 && en > 0 && rules(zh + en) => &mut self.mixed,
            () => &mut self.other,
        }
    }
}

/// Lengths and scripts of the rows.
pub(super) fn profile(rows: &[Row]) -> (Lengths, Languages) {
    let texts = || rows.iter().map(|row| row.utterance.text.as_str());
    (
        Lengths::of(texts().map(|text| text.chars().count())),
        Languages::of(texts()),
    )
}
