//! From labelled utterances to token ids and targets.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cs_data::{Encoding, Scheme, Span, TagIds, TagSet, Tokenizer, Utterance};
use cs_model::Tasks;

use crate::error::{Error, Result};

/// A row ready for training: its tokens and what the heads should say about them.
///
/// ```
/// use cs_data::Encoding;
/// use cs_train::data::Example;
///
/// let example = Example {
///     id: "7".into(),
///     encoding: Encoding {
///         ids: vec![2, 9, 3],
///         offsets: vec![0..0, 0..5, 0..0],
///         words: vec![None, Some(0), None],
///         truncated: false,
///     },
///     intent: Some(0),
///     tags: None,
///     sentiment: None,
/// };
/// assert!(example.is_labelled());
/// ```
#[derive(Debug, Clone)]
pub struct Example {
    /// The utterance's id.
    pub id: String,
    /// The utterance's tokens.
    pub encoding: Encoding,
    /// Index of the utterance's intent among the model's; `None` without one or with an unknown
    /// one.
    pub intent: Option<usize>,
    /// Per token the index of its tag among the model's; `None` inside is not scored.
    pub tags: Option<Vec<Option<u32>>>,
    /// The utterance's sentiment in 0..=1.
    pub sentiment: Option<f32>,
}

impl Example {
    /// Whether any head can learn from it.
    #[must_use]
    pub fn is_labelled(&self) -> bool {
        let tagged = |tags: &Vec<Option<u32>>| tags.iter().any(Option::is_some);
        self.intent.is_some() || self.sentiment.is_some() || self.tags.as_ref().is_some_and(tagged)
    }

    /// The example as one of a text without labels.
    #[cfg(feature = "torch")]
    pub(crate) fn without_targets(self) -> Self {
        Self {
            intent: None,
            tags: None,
            sentiment: None,
            ..self
        }
    }
}

/// Rows, their examples, and what could not be used of them; see [`examples`].
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The utterances: gold data of an evaluation.
    pub rows: Vec<Utterance>,
    /// One example a row, in the same order.
    pub examples: Vec<Example>,
    /// Labels the model does not have. Training leaves them out; in an evaluation they count
    /// as wrong.
    pub unseen_labels: UnseenLabels,
    /// Spans that no sequence of tags can express: they cut a word or were truncated.
    /// Training sees their words as outside any entity; in an evaluation they count as missed.
    pub misaligned: Vec<Misaligned>,
}

impl Prepared {
    /// How many texts were cut to the maximum length.
    #[must_use]
    pub fn truncated(&self) -> usize {
        let cut = |example: &&Example| example.encoding.truncated;
        self.examples.iter().filter(cut).count()
    }
}

/// Labels that the model does not have, with the number of their occurrences.
///
/// ```
/// let mut unseen = cs_train::data::UnseenLabels::default();
/// assert!(unseen.is_empty());
/// unseen.intents.insert("chit_chat".into(), 3);
/// assert!(!unseen.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnseenLabels {
    /// Rows of each unknown intent.
    pub intents: BTreeMap<String, usize>,
    /// Spans of each unknown entity label.
    pub slots: BTreeMap<String, usize>,
}

impl UnseenLabels {
    /// The labels of `rows` that the heads of `tasks` do not have. A task without a head has none
    /// to miss.
    ///
    /// ```
    /// use cs_data::Utterance;
    /// use cs_model::Tasks;
    /// use cs_train::data::UnseenLabels;
    ///
    /// let tasks = Tasks { intent: Some(vec!["greeting".into()]), ..Tasks::default() };
    /// let rows = [Utterance::new("1", "bye").with_intent("farewell")];
    /// assert_eq!(UnseenLabels::of(&rows, &tasks).intents["farewell"], 1);
    /// ```
    #[must_use]
    pub fn of(rows: &[Utterance], tasks: &Tasks) -> Self {
        let mut unseen = Self::default();
        let intents: Option<HashSet<&str>> = tasks.intent.as_ref().map(|intents| set_of(intents));
        let slots = tasks.slots.as_ref().map(|tags| {
            let tags = tags.tags().iter().filter_map(|tag| tag.strip_prefix("B-"));
            tags.collect::<HashSet<&str>>()
        });
        for row in rows {
            if let (Some(intents), Some(intent)) = (&intents, row.intent.as_deref())
                && !intents.contains(intent)
            {
                *unseen.intents.entry(intent.to_owned()).or_default() += 1;
            }
            let Some(slots) = &slots else { continue };
            for span in &row.spans {
                if !slots.contains(span.label.as_str()) {
                    *unseen.slots.entry(span.label.clone()).or_default() += 1;
                }
            }
        }
        unseen
    }

    /// Whether every label was known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intents.is_empty() && self.slots.is_empty()
    }
}

/// A span that could not be turned into tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misaligned {
    /// The utterance's id.
    pub id: String,
    /// The span, in bytes of its text.
    pub span: Span,
    /// Whether it reaches into the part of its text that was cut off; else it cuts a word.
    pub truncated: bool,
}

/// The heads that `rows` give labels for: every intent and entity label, sorted, and a sentiment
/// head if any row has a sentiment. Pooling is the default, the mean.
///
/// # Errors
///
/// [`Error::Data`] for an entity label that is not one word.
///
/// ```
/// use cs_data::Utterance;
///
/// let rows = [Utterance::new("1", "hi").with_intent("hello"), Utterance::new("2", "refund!")];
/// let tasks = cs_train::data::tasks_of(&rows)?;
/// assert_eq!(tasks.intent, Some(vec!["hello".to_owned()]));
/// assert_eq!((tasks.slots, tasks.sentiment), (None, false));
/// # Ok::<(), cs_train::Error>(())
/// ```
pub fn tasks_of<U: Borrow<Utterance>>(rows: impl IntoIterator<Item = U>) -> Result<Tasks> {
    let (mut intents, mut slots) = (BTreeSet::new(), BTreeSet::new());
    let mut sentiment = false;
    for row in rows {
        let row = row.borrow();
        intents.extend(row.intent.clone());
        slots.extend(row.spans.iter().map(|span| span.label.clone()));
        sentiment |= row.sentiment.is_some();
    }
    let list = |labels: BTreeSet<String>| -> Option<Vec<String>> {
        (!labels.is_empty()).then(|| labels.into_iter().collect())
    };
    Ok(Tasks {
        intent: list(intents),
        slots: list(slots)
            .map(|labels| TagSet::of_labels(labels, Scheme::Iob2))
            .transpose()?,
        sentiment,
        ..Tasks::default()
    })
}

/// Tokenizes `rows`, aligns their spans and looks their labels up among those of `tasks`; 64 rows
/// or more on all cores.
///
/// Entities are tagged at each word's first token. A row whose entities are not labelled
/// ([`Utterance::is_tagged`]) has no tags. A word in a span of an unknown label is not scored.
///
/// # Errors
///
/// [`Error::Row`] for an invalid utterance; [`Error::Data`] if tokenizing fails or the tags of
/// `tasks` are no IOB2 set.
///
/// ```
/// use cs_data::{Span, Tokenizer, Utterance};
///
/// let rows = vec![
///     Utterance::new("1", "track order 12345")
///         .with_intent("status")
///         .with_spans(vec![Span { start: 12, end: 17, label: "order".into() }]),
///     Utterance::new("2", "hello").with_intent("greeting"),
/// ];
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 100)?;
/// let tasks = cs_train::data::tasks_of(&rows[..1])?;
/// let prepared = cs_train::data::examples(rows, &tokenizer, &tasks, 64)?;
///
/// assert_eq!(prepared.examples[0].intent, Some(0));
/// assert_eq!(prepared.examples[1].intent, None);
/// assert_eq!(prepared.unseen_labels.intents["greeting"], 1);
/// # Ok::<(), cs_train::Error>(())
/// ```
pub fn examples(
    rows: impl IntoIterator<Item = Utterance>,
    tokenizer: &Tokenizer,
    tasks: &Tasks,
    max_length: usize,
) -> Result<Prepared> {
    let rows: Vec<Utterance> = rows.into_iter().collect();
    for row in &rows {
        row.validate().map_err(|source| Error::Row {
            id: row.id.clone(),
            source,
        })?;
    }
    let tags = tasks.slots.as_ref();
    let mut labels = Labels::new(tasks);
    let examples = match tags {
        Some(tags) => {
            let encoded = tokenizer.encode_rows(&rows, max_length, tags)?.into_iter();
            let example = |(row, (encoding, tags)): (&Utterance, _)| {
                let tags = row.is_tagged().then_some(tags);
                labels.example(row, encoding, tags)
            };
            rows.iter().zip(encoded).map(example).collect()
        }
        None => {
            let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
            let encoded = tokenizer.encode_batch(&texts, max_length)?.into_iter();
            let example = |(row, encoding)| labels.example(row, encoding, None);
            rows.iter().zip(encoded).map(example).collect()
        }
    };
    Ok(Prepared {
        examples,
        unseen_labels: UnseenLabels::of(&rows, tasks),
        misaligned: labels.misaligned,
        rows,
    })
}

fn set_of(labels: &[String]) -> HashSet<&str> {
    labels.iter().map(String::as_str).collect()
}

/// Looks labels up and notes spans that tags cannot express.
struct Labels<'a> {
    intents: Option<HashMap<&'a str, usize>>,
    sentiment: bool,
    misaligned: Vec<Misaligned>,
}

impl<'a> Labels<'a> {
    fn new(tasks: &'a Tasks) -> Self {
        let index = |labels: &'a Vec<String>| -> HashMap<&'a str, usize> {
            let names = labels.iter().map(String::as_str);
            names.enumerate().map(|(i, name)| (name, i)).collect()
        };
        Self {
            intents: tasks.intent.as_ref().map(index),
            sentiment: tasks.sentiment,
            misaligned: Vec::new(),
        }
    }

    fn example(&mut self, row: &Utterance, encoding: Encoding, tags: Option<TagIds>) -> Example {
        if let Some(tags) = &tags {
            self.note_misaligned(row, &encoding, &tags.misaligned);
        }
        Example {
            id: row.id.clone(),
            intent: self.intent(row),
            tags: tags.map(|tags| tags.ids),
            sentiment: row.sentiment.filter(|_| self.sentiment),
            encoding,
        }
    }

    fn intent(&self, row: &Utterance) -> Option<usize> {
        let (intents, intent) = (self.intents.as_ref()?, row.intent.as_deref()?);
        intents.get(intent).copied()
    }

    fn note_misaligned(&mut self, row: &Utterance, encoding: &Encoding, misaligned: &[usize]) {
        let kept = encoding.offsets.iter().map(|range| range.end).max();
        let misaligned = misaligned.iter().map(|&number| Misaligned {
            id: row.id.clone(),
            span: row.spans[number].clone(),
            truncated: encoding.truncated && kept.is_none_or(|kept| row.spans[number].end > kept),
        });
        self.misaligned.extend(misaligned);
    }
}
