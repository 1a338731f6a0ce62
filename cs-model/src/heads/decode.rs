//! From logits to an understanding: intent, entities, sentiment.

use std::ops::Range;

use cs_data::{Encoding, Offsets, Span, iob};
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::output::{HeadOutput, Matrix};
use super::tasks::Tasks;

/// What a customer's turn means. Its JSON is the line that `predict` prints.
///
/// ```
/// use cs_model::Understanding;
///
/// let json = r#"{"text": "退订单7", "intent": {"label": "refund", "confidence": 0.9},
///     "entities": [{"label": "order_id", "start": 3, "end": 4, "text": "7", "confidence": 0.8}],
///     "sentiment": null}"#;
/// let turn: Understanding = serde_json::from_str(json)?;
/// assert_eq!(turn.entities[0].start, 3); // characters, not bytes
/// assert!(!turn.truncated);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    /// The text as given.
    pub text: String,
    /// The most likely intent; `None` without an intent head, below the
    /// [threshold](Calibration::abstain_below), and where there is nothing to answer
    /// ([`Encoding::is_blank`]).
    pub intent: Option<Intent>,
    /// The likeliest intents, at most [`RANKED`], the likeliest first, whatever the threshold; empty
    /// without an intent head and where there is nothing to answer.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// Entities in the order of the text; they do not overlap.
    pub entities: Vec<Entity>,
    /// From 0 (negative) to 1 (positive); `None` without a sentiment head, and where there is nothing
    /// to answer.
    pub sentiment: Option<f32>,
    /// Whether the text was longer than the model reads, so that only its beginning counted.
    #[serde(default)]
    pub truncated: bool,
    /// Which model answered: its [version](crate::Bundle::version).
    #[serde(default)]
    pub model: Option<String>,
}

/// Intents in an [`Understanding`]'s ranking, at most.
pub const RANKED: usize = 10;

/// A label and how sure the model is of it.
///
/// ```
/// let intent = cs_model::Intent { label: "refund".into(), confidence: 0.9 };
/// assert_eq!(serde_json::to_value(intent).unwrap()["label"], "refund");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// One of [`Tasks::intent`].
    pub label: String,
    /// Softmax probability at the calibration's temperature; 0 if the logits are not finite.
    pub confidence: f32,
}

/// A labelled piece of the text.
///
/// ```
/// use cs_model::Entity;
/// let entity = Entity { label: "city".into(), start: 2, end: 4, text: "上海".into(), confidence: 1.0 };
/// assert_eq!(entity.text.chars().count(), entity.end - entity.start);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// The slot label.
    pub label: String,
    /// First character, counted in Unicode scalar values.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The characters themselves.
    pub text: String,
    /// Mean probability of the tags of its words: each by itself, or, with a conditional random field,
    /// given the whole text.
    pub confidence: f32,
}

/// Decodes the output for a packed batch: `texts[i]` was encoded as `encodings[i]` and packed at
/// tokens `batch_offsets[i]..batch_offsets[i + 1]`.
///
/// A word's tag is the most likely one at its first token; tags become entities by lenient IOB2
/// over whole words. Numbers that are not finite never win and give a confidence of 0. A text with
/// nothing to answer ([`Encoding::is_blank`]) has neither intent nor entities nor sentiment.
///
/// ```
/// use cs_data::{Encoding, TokenBatch};
/// use cs_model::{Calibration, HeadOutput, Matrix, Tasks, decode};
///
/// let tasks = Tasks { slots: Some(Tasks::slot_tags(&["city".into()])), ..Tasks::default() };
/// let encoding = Encoding {
///     ids: vec![2, 7, 8, 3],
///     offsets: vec![0..0, 0..3, 3..9, 0..0],
///     words: vec![None, Some(0), Some(1), None],
///     truncated: false,
/// };
/// let batch = TokenBatch::pack([&encoding.ids[..]]);
/// let mut slots = Matrix::zeros(4, 3);
/// slots.row_mut(2)[1] = 9.0; // B-city
/// let output = HeadOutput { slots: Some(slots), ..HeadOutput::default() };
///
/// let calibration = Calibration::default();
/// let turns = decode(&["去上海"], &[encoding], &batch.offsets, &output, &tasks, &calibration);
/// let city = &turns[0].entities[0];
/// assert_eq!((city.text.as_str(), city.start, city.end), ("上海", 1, 3));
/// ```
///
/// # Panics
/// If texts, encodings, offsets and output are not of one batch; [`HeadOutput::check`] tells.
pub fn decode(
    texts: &[&str],
    encodings: &[Encoding],
    batch_offsets: &[u32],
    output: &HeadOutput,
    tasks: &Tasks,
    calibration: &Calibration,
) -> Vec<Understanding> {
    assert_eq!(texts.len(), encodings.len(), "one encoding a text");
    assert_eq!(
        texts.len() + 1,
        batch_offsets.len(),
        "offsets of each text and the end"
    );
    let mut tagger = Tagger::default();
    let sequences = texts.iter().zip(encodings).zip(batch_offsets).enumerate();
    sequences
        .map(|(i, ((&text, encoding), &first))| {
            let silent = Understanding {
                text: text.to_owned(),
                truncated: encoding.truncated,
                ..Understanding::default()
            };
            if encoding.is_blank() {
                return silent;
            }
            let intents = ranking(i, output, tasks, calibration.intent_temperature);
            let place = (encoding, first as usize);
            let temperature = calibration.slot_temperature;
            let felt = output.sentiment.as_ref().map(|all| all[i]);
            Understanding {
                intent: decided(&intents, calibration),
                intents,
                entities: tagger.entities(text, place, (output, tasks), temperature),
                sentiment: felt.filter(|x| x.is_finite()),
                ..silent
            }
        })
        .collect()
}

/// The likeliest intents, the likeliest first; of equals the first label.
fn ranking(i: usize, output: &HeadOutput, tasks: &Tasks, temperature: f32) -> Vec<Intent> {
    let (Some(logits), Some(labels)) = (&output.intent, &tasks.intent) else {
        return Vec::new();
    };
    let logits = logits.row(i);
    let scale = Softmax::new(logits, temperature);
    // NaN ranks with minus infinity, so that it never wins.
    let rank = |&i: &usize| {
        if logits[i].is_nan() {
            f32::NEG_INFINITY
        } else {
            logits[i]
        }
    };
    let by_logit = |a: &usize, b: &usize| rank(b).total_cmp(&rank(a)).then(a.cmp(b));
    let mut order: Vec<usize> = (0..logits.len()).collect();
    if order.len() > RANKED {
        order.select_nth_unstable_by(RANKED - 1, by_logit);
        order.truncate(RANKED);
    }
    order.sort_unstable_by(by_logit);
    let likeliest = order.into_iter();
    likeliest
        .map(|label| Intent {
            label: labels[label].clone(),
            confidence: scale.probability(logits[label]),
        })
        .collect()
}

/// The first of the ranking, if it is sure enough.
fn decided(intents: &[Intent], calibration: &Calibration) -> Option<Intent> {
    let least = calibration.abstain_below;
    let sure = |intent: &&Intent| least.is_none_or(|least| intent.confidence >= least);
    intents.first().filter(sure).cloned()
}

/// Buffers of one sequence's words, kept over a batch.
#[derive(Default)]
struct Tagger<'a> {
    ranges: Vec<Range<usize>>,
    rows: Vec<usize>,
    tags: Vec<&'a str>,
    probabilities: Vec<f32>,
}

impl<'a> Tagger<'a> {
    fn entities(
        &mut self,
        text: &str,
        (encoding, first): (&Encoding, usize),
        (output, tasks): (&HeadOutput, &'a Tasks),
        temperature: f32,
    ) -> Vec<Entity> {
        let (Some(logits), Some(labels)) = (&output.slots, &tasks.slots) else {
            return Vec::new();
        };
        self.ranges.clear();
        self.rows.clear();
        for word in encoding.word_list() {
            self.rows.push(first + word.first);
            self.ranges.push(word.range);
        }
        self.tag(output, logits, labels, temperature);
        let spans = iob::decode_lenient(&self.ranges, &self.tags);
        if spans.is_empty() {
            return Vec::new();
        }
        let offsets = Offsets::new(text);
        spans
            .into_iter()
            .filter_map(|span| self.entity(text, &offsets, span))
            .collect()
    }

    /// Tags and probabilities of the words at `rows`.
    fn tag(
        &mut self,
        output: &HeadOutput,
        logits: &Matrix,
        labels: &'a [String],
        temperature: f32,
    ) {
        self.tags.clear();
        self.probabilities.clear();
        let mut push = |tag: usize, probability| {
            self.tags.push(labels[tag].as_str());
            self.probabilities.push(probability);
        };
        let rows = self.rows.iter().map(|&row| logits.row(row));
        match &output.transitions {
            Some(crf) => {
                let tagged = crf.decode(rows).into_iter();
                tagged.for_each(|(tag, probability)| push(tag, probability));
            }
            None => rows.for_each(|row| {
                let (tag, probability) = most_likely(row, temperature);
                push(tag, probability);
            }),
        }
    }

    /// `None` if the encoding's offsets are not those of the text.
    fn entity(&self, text: &str, offsets: &Offsets, span: Span) -> Option<Entity> {
        let from = self.ranges.partition_point(|word| word.end <= span.start);
        let to = self.ranges.partition_point(|word| word.start < span.end);
        let words = self.probabilities.get(from..to)?;
        Some(Entity {
            start: offsets.char(span.start)?,
            end: offsets.char(span.end)?,
            text: text.get(span.start..span.end)?.to_owned(),
            label: span.label,
            confidence: words.iter().sum::<f32>() / words.len().max(1) as f32,
        })
    }
}

/// The first largest of the logits and its softmax probability. NaN counts as minus infinity.
fn most_likely(logits: &[f32], temperature: f32) -> (usize, f32) {
    let mut best = 0;
    let mut largest = f32::NEG_INFINITY;
    for (i, &logit) in logits.iter().enumerate() {
        if logit > largest {
            (best, largest) = (i, logit);
        }
    }
    (best, Softmax::new(logits, temperature).probability(largest))
}

/// A softmax over logits of which NaN counts as minus infinity.
struct Softmax {
    largest: f32,
    sum: f32,
    temperature: f32,
}

impl Softmax {
    fn new(logits: &[f32], temperature: f32) -> Self {
        let finite = || logits.iter().filter(|logit| !logit.is_nan());
        let largest = finite().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = finite().map(|logit| ((logit - largest) / temperature).exp());
        Self {
            largest,
            sum: powers.sum(),
            temperature,
        }
    }

    /// The probability of one of the logits; 0 if they allow for none.
    fn probability(&self, logit: f32) -> f32 {
        let power = ((logit - self.largest) / self.temperature).exp();
        let probability = power / self.sum;
        if probability.is_finite() {
            probability
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_softmax_at_the_temperature() {
        let (best, p) = most_likely(&[1.0, 3.0, 2.0], 1.0);
        assert_eq!(best, 1);
        assert!((p - 0.665_240_94).abs() < 1e-6, "{p}");
        let (_, p) = most_likely(&[1.0, 3.0, 2.0], 2.0);
        assert!((p - 0.506_480_4).abs() < 1e-6, "{p}");
        assert_eq!(most_likely(&[5.0, 5.0], 1.0), (0, 0.5));
        assert_eq!(most_likely(&[1e30, -1e30], 1.0), (0, 1.0));
    }

    #[test]
    fn numbers_that_are_not_finite_never_panic_nor_win() {
        assert_eq!(most_likely(&[f32::NAN, 1.0], 1.0), (1, 1.0));
        assert_eq!(most_likely(&[f32::NAN, f32::NAN], 1.0), (0, 0.0));
        assert_eq!(most_likely(&[0.0, f32::INFINITY], 1.0), (1, 0.0));
        assert_eq!(most_likely(&[f32::NEG_INFINITY; 2], 1.0), (0, 0.0));
        assert_eq!(most_likely(&[], 1.0), (0, 0.0));
    }

    fn encoding(words: &[(Option<u32>, Range<usize>)]) -> Encoding {
        Encoding {
            ids: vec![1; words.len()],
            offsets: words.iter().map(|(_, range)| range.clone()).collect(),
            words: words.iter().map(|(word, _)| *word).collect(),
            truncated: false,
        }
    }

    fn one_hot(cols: usize, hot: &[usize]) -> Matrix {
        let mut matrix = Matrix::zeros(hot.len(), cols);
        for (row, &col) in hot.iter().enumerate() {
            matrix.row_mut(row)[col] = 20.0;
        }
        matrix
    }

    #[test]
    fn a_word_has_the_tag_of_its_first_subword() {
        // [CLS] new york ##er [SEP] | [CLS] 上 海 [SEP]; tags O B-city I-city
        let texts = ["new yorker", "上海 x"];
        let encodings = [
            encoding(&[
                (None, 0..0),
                (Some(0), 0..3),
                (Some(1), 4..8),
                (Some(1), 8..10),
                (None, 0..0),
            ]),
            encoding(&[(None, 0..0), (Some(0), 0..3), (Some(1), 3..6), (None, 0..0)]),
        ];
        let tasks = Tasks {
            intent: Some(vec!["a".into(), "b".into()]),
            slots: Some(Tasks::slot_tags(&["city".into()])),
            sentiment: true,
            ..Tasks::default()
        };
        let output = HeadOutput {
            // The second subword's O and the special tokens' tags do not matter; the second
            // sequence starts inside.
            slots: Some(one_hot(3, &[1, 1, 2, 0, 1, 2, 2, 2, 2])),
            intent: Some(one_hot(2, &[0, 1])),
            sentiment: Some(vec![0.25, f32::NAN]),
            ..HeadOutput::default()
        };
        output.check(&tasks, 2, 9).unwrap();
        let calibration = Calibration {
            intent_temperature: 20.0,
            slot_temperature: 20.0,
            abstain_below: Some(0.7),
        };
        let turns = decode(
            &texts,
            &encodings,
            &[0, 5, 9],
            &output,
            &tasks,
            &calibration,
        );
        assert_eq!(turns[0].entities.len(), 1);
        let city = &turns[0].entities[0];
        assert_eq!(
            (city.start, city.end, city.text.as_str()),
            (0, 10, "new yorker")
        );
        // Of three tags, one a temperature ahead.
        assert!((city.confidence - 0.576_116_9).abs() < 1e-6);
        let city = &turns[1].entities[0];
        assert_eq!((city.start, city.end, city.text.as_str()), (0, 2, "上海"));
        assert_eq!((turns[0].sentiment, turns[1].sentiment), (Some(0.25), None));
        let intent = turns[0].intent.as_ref().unwrap();
        assert_eq!(intent.label, "a");
        assert!((intent.confidence - 0.731_058_6).abs() < 1e-6);

        let strict = Calibration {
            abstain_below: Some(0.75),
            ..calibration
        };
        let turns = decode(&texts, &encodings, &[0, 5, 9], &output, &tasks, &strict);
        assert!(turns.iter().all(|turn| turn.intent.is_none()));
        let json = serde_json::to_value(&turns[1]).unwrap();
        assert_eq!(json["intent"], serde_json::Value::Null);
        assert_eq!(json["truncated"], false);
        // The ranking says what was not sure enough.
        assert_eq!(turns[0].intents[0].label, "a");
        assert!((turns[0].intents[0].confidence - 0.731_058_6).abs() < 1e-6);
        assert!((turns[0].intents[1].confidence - 0.268_941_4).abs() < 1e-6);
    }

    #[test]
    fn the_likeliest_intents_are_ranked() {
        let labels: Vec<String> = (0..12).map(|i| format!("label {i}")).collect();
        let tasks = Tasks {
            intent: Some(labels),
            ..Tasks::default()
        };
        let mut logits = Matrix::zeros(1, 12);
        logits.row_mut(0)[7] = 3.0;
        logits.row_mut(0)[11] = 2.0;
        logits.row_mut(0)[2] = f32::NAN;
        let output = HeadOutput {
            intent: Some(logits),
            ..HeadOutput::default()
        };
        let ranked = ranking(0, &output, &tasks, 1.0);
        let labels: Vec<&str> = ranked.iter().map(|intent| intent.label.as_str()).collect();
        let expected = [7, 11, 0, 1, 3, 4, 5, 6, 8, 9].map(|i| format!("label {i}"));
        assert_eq!(labels, expected);
        assert!(ranked.is_sorted_by(|a, b| a.confidence >= b.confidence));
        let (_, best) = most_likely(output.intent.as_ref().unwrap().row(0), 1.0);
        assert_eq!(ranked[0].confidence, best);
    }

    #[test]
    fn a_text_without_words_has_no_answer() {
        let encodings = [
            encoding(&[(None, 0..0), (None, 0..0)]),
            encoding(&[(None, 0..0), (Some(0), 0..2), (None, 0..0)]),
        ];
        let tasks = Tasks {
            intent: Some(vec!["a".into(), "b".into()]),
            slots: Some(Tasks::slot_tags(&["city".into()])),
            sentiment: true,
            ..Tasks::default()
        };
        let output = HeadOutput {
            intent: Some(one_hot(2, &[0, 0])),
            slots: Some(one_hot(3, &[1, 1, 1, 1, 1])),
            sentiment: Some(vec![0.9, 0.9]),
            ..HeadOutput::default()
        };
        let calibration = Calibration::default();
        let turns = decode(
            &[" ", "hi"],
            &encodings,
            &[0, 2, 5],
            &output,
            &tasks,
            &calibration,
        );
        let blank = &turns[0];
        assert_eq!((&blank.intent, blank.intents.len()), (&None, 0));
        assert_eq!((blank.entities.len(), blank.sentiment), (0, None));
        assert!(turns[1].intent.is_some() && turns[1].sentiment.is_some());
    }

    #[test]
    fn a_plain_encoder_says_nothing() {
        let encodings = [encoding(&[(None, 0..0), (None, 0..0)])];
        let (output, tasks) = (HeadOutput::default(), Tasks::default());
        let turns = decode(
            &[""],
            &encodings,
            &[0, 2],
            &output,
            &tasks,
            &Calibration::default(),
        );
        assert_eq!((&turns[0].intent, turns[0].entities.len()), (&None, 0));
    }
}
