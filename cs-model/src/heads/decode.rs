//! From logits to an understanding: intent, entities, sentiment.

use std::ops::Range;

use cs_data::{Encoding, Offsets, Scheme, Span};

use super::calibration::Calibration;
use super::matrix::Matrix;
use super::output::HeadOutput;
use super::softmax::{Softmax, most_likely};
use super::tasks::Tasks;
use super::understanding::{Entity, Intent, RANKED, Understanding};

/// What turns a model's numbers into answers: its labels, and the calibration that decides how sure
/// it has to be.
///
/// ```
/// use cs_data::{Encoding, Scheme, TagSet, TokenBatch};
/// use cs_model::{Calibration, HeadOutput, Labels, Matrix, Tasks};
///
/// let cities = TagSet::of_labels(["city"], Scheme::Iob2)?;
/// let tasks = Tasks { slots: Some(cities), ..Tasks::default() };
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
/// let labels = Labels { tasks: &tasks, calibration: Calibration::default() };
/// let turns = labels.decode(&["去上海"], &[encoding], &batch.offsets, &output);
/// let city = &turns[0].entities[0];
/// assert_eq!((city.text.as_str(), city.start, city.end), ("上海", 1, 3));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The heads of the model and their labels.
    pub tasks: &'a Tasks,
    /// How logits become confidences and decisions.
    pub calibration: Calibration,
}

impl<'a> Labels<'a> {
    /// Decodes the output for a packed batch: `texts[i]` was encoded as `encodings[i]` and packed
    /// at tokens `batch_offsets[i]..batch_offsets[i + 1]`.
    ///
    /// A word's tag is the most likely one at its first token; tags become entities by lenient IOB2
    /// over whole words. Numbers that are not finite never win and give a confidence of 0. A text
    /// with nothing to answer ([`Encoding::is_blank`]) has neither intent nor entities nor
    /// sentiment.
    ///
    /// # Panics
    /// If texts, encodings, offsets and output are not of one batch. [`HeadOutput::check`] finds
    /// that out beforehand.
    pub fn decode(
        &self,
        texts: &[&str],
        encodings: &[Encoding],
        batch_offsets: &[u32],
        output: &HeadOutput,
    ) -> Vec<Understanding> {
        assert_eq!(texts.len(), encodings.len(), "one encoding a text");
        assert_eq!(
            texts.len() + 1,
            batch_offsets.len(),
            "offsets of each text and the end"
        );
        let mut tagger = Tagger::new(*self, output);
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
                let intents = self.ranking(i, output);
                let felt = output.sentiment.as_ref().map(|all| all[i]);
                Understanding {
                    intent: self.decided(&intents),
                    intents,
                    entities: tagger.entities(text, encoding, first as usize),
                    sentiment: felt.filter(|x| x.is_finite()),
                    ..silent
                }
            })
            .collect()
    }

    /// Gives the likeliest intents, the likeliest first; of equally likely ones the first label
    /// comes first.
    fn ranking(&self, i: usize, output: &HeadOutput) -> Vec<Intent> {
        let (Some(logits), Some(labels)) = (&output.intent, &self.tasks.intent) else {
            return Vec::new();
        };
        let logits = logits.row(i);
        let scale = Softmax::new(logits, self.calibration.intent_temperature);
        let by_logit = |a: &usize, b: &usize| {
            let (logit_a, logit_b) = (rank(logits[*a]), rank(logits[*b]));
            logit_b.total_cmp(&logit_a).then(a.cmp(b))
        };
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

    /// Gives the first intent of the ranking if the model is sure enough of it.
    fn decided(&self, intents: &[Intent]) -> Option<Intent> {
        let least = self.calibration.abstain_below;
        let sure = |intent: &&Intent| least.is_none_or(|least| intent.confidence >= least);
        intents.first().filter(sure).cloned()
    }
}

/// Ranks NaN with minus infinity, so that it never wins.
fn rank(logit: f32) -> f32 {
    if logit.is_nan() {
        f32::NEG_INFINITY
    } else {
        logit
    }
}

/// Tags the words of one sequence after another; its buffers are kept for the whole batch.
struct Tagger<'a> {
    labels: Labels<'a>,
    output: &'a HeadOutput,
    ranges: Vec<Range<usize>>,
    rows: Vec<usize>,
    tags: Vec<&'a str>,
    probabilities: Vec<f32>,
}

impl<'a> Tagger<'a> {
    fn new(labels: Labels<'a>, output: &'a HeadOutput) -> Self {
        Self {
            labels,
            output,
            ranges: Vec::new(),
            rows: Vec::new(),
            tags: Vec::new(),
            probabilities: Vec::new(),
        }
    }

    /// Gives the entities of a text; `first` is the row of the encoding's first token.
    fn entities(&mut self, text: &str, encoding: &Encoding, first: usize) -> Vec<Entity> {
        let Some(logits) = &self.output.slots else {
            return Vec::new();
        };
        self.ranges.clear();
        self.rows.clear();
        for word in encoding.word_list() {
            self.rows.push(first + word.first);
            self.ranges.push(word.range);
        }
        self.tag(logits);
        let spans = Scheme::Iob2.decode_lenient(&self.ranges, &self.tags);
        if spans.is_empty() {
            return Vec::new();
        }
        let offsets = Offsets::new(text);
        spans
            .into_iter()
            .filter_map(|span| self.entity(text, &offsets, span))
            .collect()
    }

    /// Finds the tags and probabilities of the words at `rows`.
    fn tag(&mut self, logits: &Matrix) {
        let names = self.labels.tasks.slot_tags();
        let temperature = self.labels.calibration.slot_temperature;
        self.tags.clear();
        self.probabilities.clear();
        let rows = self.rows.iter().map(|&row| logits.row(row));
        let mut push = |(tag, probability): (usize, f32)| {
            self.tags.push(names[tag].as_str());
            self.probabilities.push(probability);
        };
        match &self.output.transitions {
            Some(crf) => crf.decode(rows).into_iter().for_each(push),
            None => rows.for_each(|row| push(most_likely(row, temperature))),
        }
    }

    /// Gives the entity at `span`; `None` if the encoding's offsets are not those of the text.
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

#[cfg(test)]
mod tests {
    use super::*;
    use cs_data::TagSet;

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
            slots: Some(TagSet::of_labels(["city"], Scheme::Iob2).unwrap()),
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
        let mut labels = Labels {
            tasks: &tasks,
            calibration,
        };
        let turns = labels.decode(&texts, &encodings, &[0, 5, 9], &output);
        assert_eq!(turns[0].entities.len(), 1);
        let city = &turns[0].entities[0];
        assert_eq!(
            (city.start, city.end, city.text.as_str()),
            (0, 10, "new yorker")
        );
        // The logit of one of three tags is a temperature above the others.
        assert!((city.confidence - 0.576_116_9).abs() < 1e-6);
        let city = &turns[1].entities[0];
        assert_eq!((city.start, city.end, city.text.as_str()), (0, 2, "上海"));
        assert_eq!((turns[0].sentiment, turns[1].sentiment), (Some(0.25), None));
        let intent = turns[0].intent.as_ref().unwrap();
        assert_eq!(intent.label, "a");
        assert!((intent.confidence - 0.731_058_6).abs() < 1e-6);

        labels.calibration.abstain_below = Some(0.75);
        let turns = labels.decode(&texts, &encodings, &[0, 5, 9], &output);
        assert!(turns.iter().all(|turn| turn.intent.is_none()));
        let json = serde_json::to_value(&turns[1]).unwrap();
        assert_eq!(json["intent"], serde_json::Value::Null);
        assert_eq!(json["truncated"], false);
        // The ranking holds what the model was not sure enough of.
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
        let labels = Labels {
            tasks: &tasks,
            calibration: Calibration::default(),
        };
        let ranked = labels.ranking(0, &output);
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
            slots: Some(TagSet::of_labels(["city"], Scheme::Iob2).unwrap()),
            sentiment: true,
            ..Tasks::default()
        };
        let output = HeadOutput {
            intent: Some(one_hot(2, &[0, 0])),
            slots: Some(one_hot(3, &[1, 1, 1, 1, 1])),
            sentiment: Some(vec![0.9, 0.9]),
            ..HeadOutput::default()
        };
        let labels = Labels {
            tasks: &tasks,
            calibration: Calibration::default(),
        };
        let turns = labels.decode(&[" ", "hi"], &encodings, &[0, 2, 5], &output);
        let blank = &turns[0];
        assert_eq!((&blank.intent, blank.intents.len()), (&None, 0));
        assert_eq!((blank.entities.len(), blank.sentiment), (0, None));
        assert!(turns[1].intent.is_some() && turns[1].sentiment.is_some());
    }

    #[test]
    fn a_plain_encoder_says_nothing() {
        let encodings = [encoding(&[(None, 0..0), (None, 0..0)])];
        let (output, tasks) = (HeadOutput::default(), Tasks::default());
        let labels = Labels {
            tasks: &tasks,
            calibration: Calibration::default(),
        };
        let turns = labels.decode(&[""], &encodings, &[0, 2], &output);
        assert_eq!((&turns[0].intent, turns[0].entities.len()), (&None, 0));
    }
}
