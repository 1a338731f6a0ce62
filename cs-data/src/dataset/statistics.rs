//! What the rows of a data set are like.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use unicode_script::{Script, UnicodeScript};

use crate::text::Utterance;

/// What the rows of a data set are like. Lengths are in Unicode scalar values ("characters").
///
/// ```
/// use cs_data::{Dataset, Span, Utterance};
/// let data = Dataset::from_utterances([
///     Utterance::new("1", "查询订单12345").with_spans(vec![Span::new(12, 17, "order_id")]),
///     Utterance::new("2", "refund 订单").with_intent("refund"),
/// ])?;
/// let statistics = data.statistics();
/// assert_eq!((statistics.rows, statistics.characters), (2, 18));
/// assert_eq!(statistics.labels["order_id"].spans, 1);
/// assert_eq!((statistics.intents["refund"], statistics.without_intent), (1, 1));
/// assert_eq!(statistics.scripts["Han"], 6);
/// assert_eq!(statistics.profiles["Han+Latin"], 1);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// The number of rows.
    pub rows: usize,
    /// Characters of all texts together.
    pub characters: usize,
    /// Lengths of the texts, in characters.
    pub lengths: Quantiles,
    /// Number of rows of each intent.
    pub intents: BTreeMap<String, usize>,
    /// Number of rows without an intent.
    pub without_intent: usize,
    /// Spans of each label, and the rows that have them.
    pub labels: BTreeMap<String, LabelCount>,
    /// Number of rows with a span.
    pub with_spans: usize,
    /// Sentiments of the rows that have one; `None` if no row has.
    pub sentiment: Option<SentimentProfile>,
    /// Number of rows with a reply.
    pub with_reply: usize,
    /// Number of distinct dialogues.
    pub dialogues: usize,
    /// Number of rows of each speaker.
    pub speakers: BTreeMap<String, usize>,
    /// Number of rows of each origin.
    pub origins: BTreeMap<String, usize>,
    /// Characters of each script, by its name in Unicode (UAX #24). What all scripts share (digits,
    /// punctuation, spaces, emoji) is not counted.
    pub scripts: BTreeMap<String, usize>,
    /// Number of rows by the scripts in them: `Han`, `Latin`, `Han+Latin`, …; the key is empty for
    /// texts without any.
    pub profiles: BTreeMap<String, usize>,
}

/// How often a label occurs.
///
/// ```
/// use cs_data::{Span, Tally, Utterance};
/// let mut tally = Tally::default();
/// let spans = vec![Span::new(0, 1, "x"), Span::new(1, 2, "x")];
/// tally.add(&Utterance::new("1", "ab").with_spans(spans));
/// let count = tally.finish().labels["x"];
/// assert_eq!((count.spans, count.rows), (2, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LabelCount {
    /// Number of spans with the label.
    pub spans: usize,
    /// Number of rows with such a span.
    pub rows: usize,
}

/// The sentiments of the rows that have one.
///
/// ```
/// use cs_data::{Tally, Utterance};
/// let mut tally = Tally::default();
/// tally.add(&Utterance::new("1", "太慢了").with_sentiment(0.0));
/// tally.add(&Utterance::new("2", "谢谢").with_sentiment(1.0));
/// let sentiment = tally.finish().sentiment.unwrap();
/// assert_eq!((sentiment.rows, sentiment.negative, sentiment.mean), (2, 1, 0.5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SentimentProfile {
    /// Number of rows with a sentiment.
    pub rows: usize,
    /// Number of rows with a sentiment below 0.5.
    pub negative: usize,
    /// Number of rows with a sentiment above 0.5.
    pub positive: usize,
    /// Mean of the sentiments, 0 to 1.
    pub mean: f64,
}

/// Sizes that a share of all is not larger than: the nearest rank, numpy's `inverted_cdf`. All are
/// 0 where there are no sizes.
///
/// ```
/// use cs_data::{Tally, Utterance};
/// let mut tally = Tally::default();
/// ["a", "ab", "abcdef"].map(|text| tally.add(&Utterance::new("1", text)));
/// let lengths = tally.finish().lengths;
/// assert_eq!((lengths.min, lengths.p50, lengths.max, lengths.mean), (1, 2, 6, 3.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quantiles {
    /// The smallest size.
    pub min: usize,
    /// The size that 5 % are not larger than.
    pub p5: usize,
    /// The size that a quarter is not larger than.
    pub p25: usize,
    /// The median: the size that half are not larger than.
    pub p50: usize,
    /// The size that three quarters are not larger than.
    pub p75: usize,
    /// The size that 95 % are not larger than.
    pub p95: usize,
    /// The size that 99 % are not larger than.
    pub p99: usize,
    /// The largest size.
    pub max: usize,
    /// The mean of the sizes.
    pub mean: f64,
}

impl Quantiles {
    /// The quantiles of sizes with the number of times that each occurs.
    fn of(counts: &BTreeMap<usize, usize>) -> Self {
        let total: usize = counts.values().sum();
        let at = |percent: usize| {
            let rank = (total * percent).div_ceil(100).max(1);
            let mut below = 0;
            let reached = |(_, count): &(&usize, &usize)| {
                below += **count;
                below >= rank
            };
            counts.iter().find(reached).map_or(0, |(size, _)| *size)
        };
        let sum: f64 = counts
            .iter()
            .map(|(&size, &count)| size as f64 * count as f64)
            .sum();
        Quantiles {
            min: at(0),
            p5: at(5),
            p25: at(25),
            p50: at(50),
            p75: at(75),
            p95: at(95),
            p99: at(99),
            max: at(100),
            mean: sum / total.max(1) as f64,
        }
    }
}

/// [`Statistics`] in the making, for rows that come one by one. It holds the distinct labels,
/// lengths and (as 8 bytes each) dialogues, never the rows.
///
/// ```
/// use cs_data::{Tally, Utterance};
/// let mut tally = Tally::default();
/// for text in ["你好", "hello"] {
///     tally.add(&Utterance::new("1", text));
/// }
/// assert_eq!(tally.finish().rows, 2);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// All counts but lengths and dialogues; the mean sentiment is a sum here.
    counts: Statistics,
    lengths: BTreeMap<usize, usize>,
    dialogues: HashSet<u64>,
    scripts: BTreeMap<&'static str, usize>,
    profiles: BTreeMap<BTreeSet<&'static str>, usize>,
}

impl Tally {
    /// Counts a row into the statistics.
    pub fn add(&mut self, row: &Utterance) {
        let counts = &mut self.counts;
        counts.rows += 1;
        match &row.intent {
            Some(intent) => count(&mut counts.intents, intent),
            None => counts.without_intent += 1,
        }
        for (at, span) in row.spans.iter().enumerate() {
            let earlier = &row.spans[..at];
            let first = earlier.iter().all(|before| before.label != span.label);
            update(&mut counts.labels, &span.label, |label: &mut LabelCount| {
                label.spans += 1;
                label.rows += usize::from(first);
            });
        }
        counts.with_spans += usize::from(!row.spans.is_empty());
        if let Some(sentiment) = row.sentiment {
            let profile = counts.sentiment.get_or_insert_default();
            profile.rows += 1;
            profile.negative += usize::from(sentiment < 0.5);
            profile.positive += usize::from(sentiment > 0.5);
            profile.mean += f64::from(sentiment);
        }
        counts.with_reply += usize::from(row.reply.is_some());
        count(&mut counts.origins, &row.origin);
        if let Some(turn) = &row.dialogue {
            self.dialogues
                .insert(crate::random::SplitMix::hash(0, &turn.dialogue_id));
            if let Some(speaker) = &turn.speaker {
                count(&mut counts.speakers, speaker);
            }
        }
        self.add_text(&row.text);
    }

    fn add_text(&mut self, text: &str) {
        let mut length = 0;
        let mut profile = BTreeSet::new();
        for char in text.chars() {
            length += 1;
            let script = char.script();
            if !matches!(script, Script::Common | Script::Inherited | Script::Unknown) {
                *self.scripts.entry(script.full_name()).or_default() += 1;
                profile.insert(script.full_name());
            }
        }
        self.counts.characters += length;
        *self.lengths.entry(length).or_default() += 1;
        *self.profiles.entry(profile).or_default() += 1;
    }

    /// Gives the statistics of the rows that were added.
    pub fn finish(self) -> Statistics {
        let mut out = self.counts;
        out.lengths = Quantiles::of(&self.lengths);
        out.dialogues = self.dialogues.len();
        if let Some(sentiment) = &mut out.sentiment {
            sentiment.mean /= sentiment.rows as f64;
        }
        let named = |(script, count): (&str, usize)| (script.to_owned(), count);
        out.scripts = self.scripts.into_iter().map(named).collect();
        let joined =
            |(scripts, count): (BTreeSet<&str>, usize)| (Vec::from_iter(scripts).join("+"), count);
        out.profiles = self.profiles.into_iter().map(joined).collect();
        out
    }
}

fn count(counts: &mut BTreeMap<String, usize>, key: &str) {
    update(counts, key, |count| *count += 1);
}

/// Changes the value of `key`; copies the key only when it is new.
fn update<V: Default>(map: &mut BTreeMap<String, V>, key: &str, change: impl FnOnce(&mut V)) {
    match map.get_mut(key) {
        Some(value) => change(value),
        None => change(map.entry(key.to_owned()).or_default()),
    }
}
