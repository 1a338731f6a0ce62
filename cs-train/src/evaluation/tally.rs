//! Rows reduced to what figures are made of, so that resamples of them are cheap.

use std::collections::BTreeMap;

use cs_data::{Span, Utterance};
use cs_model::Understanding;

use super::figures::{EvaluateOptions, Evaluation, entity_spans};
use crate::error::{Error, Result};
use crate::metrics::{
    Counts, Gaps, IndexedRow, LabelCounts, NEUTRAL, ScoredRows, SentimentAgreement, agreement,
    auroc_of_sorted, macro_average, takes_side,
};

/// Gold rows and answers, row by row, with labels as numbers.
pub(crate) struct Tally<'a> {
    /// The names of intents, sorted.
    pub(crate) labels: Vec<&'a str>,
    /// The number of the label for rows out of scope, if it is to be scored.
    oos: Option<usize>,
    pub(crate) rows: Vec<TalliedRow<'a>>,
    /// Rows with an intent and how far each looks out of scope, the most so first.
    oos_ranking: Vec<(usize, f64)>,
}

pub(crate) struct TalliedRow<'a> {
    pub(crate) intent: Option<TalliedIntent>,
    pub(crate) spans: Option<TalliedSpans<'a>>,
    pub(crate) sentiment: Option<TalliedSentiment>,
    felt: Option<IndexedRow>,
}

#[derive(Clone, Copy)]
pub(crate) struct TalliedSentiment {
    pub(crate) gold: f64,
    pub(crate) predicted: f64,
}

/// How far a row looks out of scope, and whether it is.
pub(crate) struct OosScore {
    pub(crate) row: usize,
    pub(crate) score: f64,
    pub(crate) is_oos: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct TalliedIntent {
    pub(crate) gold: usize,
    /// What the model decided; `None` if it abstained and no label says so.
    pub(crate) decided: Option<usize>,
    /// Its most likely intent and how sure it is; `None` if the answer does not tell.
    pub(crate) likeliest: Option<(usize, f64)>,
}

impl TalliedIntent {
    pub(crate) fn right(&self) -> bool {
        self.decided == Some(self.gold)
    }

    /// The confidence, and whether the likeliest intent is right.
    pub(crate) fn confidence(&self) -> Option<(f64, bool)> {
        let (label, confidence) = self.likeliest?;
        Some((confidence, label == self.gold))
    }

    /// How far the row looks out of scope, in an order that fits the decisions: answers in scope,
    /// the surest last; before them abstentions of unknown confidence; first of all answers that
    /// say so, the surest first.
    fn oos_score(&self, oos: usize) -> f64 {
        match self.likeliest {
            None => 0.5,
            Some((label, confidence)) if label == oos => (1.0 + confidence) / 2.0,
            Some((_, confidence)) => (1.0 - confidence) / 2.0,
        }
    }
}

pub(crate) struct TalliedSpans<'a> {
    pub(crate) gold: &'a [Span],
    pub(crate) predicted: Vec<Span>,
    counts: Counts,
    right: bool,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(
        gold: &'a [Utterance],
        predicted: &'a [Understanding],
        options: &EvaluateOptions<'a>,
    ) -> Result<Self> {
        check(gold, predicted)?;
        let names = names(gold, predicted, options);
        let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut rows: Vec<TalliedRow<'_>> = gold
            .iter()
            .zip(predicted)
            .map(|(gold, predicted)| TalliedRow::new(gold, predicted, options, &index))
            .collect();
        // Without any span there is nothing to score, not even that every row has none.
        if rows
            .iter()
            .flat_map(|row| &row.spans)
            .all(TalliedSpans::is_empty)
        {
            rows.iter_mut().for_each(|row| row.spans = None);
        }
        let oos = options.oos_label.map(|label| index[label]);
        Ok(Self {
            oos_ranking: oos.map_or_else(Vec::new, |oos| ranking(&rows, oos)),
            labels: names,
            oos,
            rows,
        })
    }

    /// The figures of every row once.
    pub(crate) fn evaluation(&self) -> Evaluation {
        self.resampled(&vec![1; self.rows.len()])
    }

    /// The figures of row `i` taken `weights[i]` times. O(rows + labels).
    pub(crate) fn resampled(&self, weights: &[u32]) -> Evaluation {
        let mut sums = Sums {
            intents: vec![Counts::default(); self.labels.len()],
            ..Sums::default()
        };
        for (row, &weight) in self.rows.iter().zip(weights) {
            if weight > 0 {
                sums.add(row, weight as usize);
            }
        }
        let oos = self.oos.map(|oos| sums.intents[oos]).unwrap_or_default();
        let of = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let intents = sums.intents.iter();
        let rows = intents.map(|counts| counts.gold).sum();
        Evaluation {
            intent_accuracy: of(sums.intents.iter().map(|c| c.right).sum(), rows),
            intent_macro_f1: macro_average(&sums.intents).map(|scores| scores.f1),
            slot_f1: (!sums.spans.is_empty()).then(|| sums.spans.f1()),
            sentence_accuracy: of(sums.sentences_right, sums.sentences),
            sentiment_mse: (sums.sentiments > 0)
                .then(|| sums.squared_error / sums.sentiments as f64),
            sentiment_accuracy: of(sums.sides_right, sums.sides),
            sentiment_fits_intent: self.agreement(weights).map(|agreement| agreement.predicted),
            ece: sums.gaps.ece(),
            oos_recall: of(oos.right, oos.gold),
            oos_precision: of(oos.right, oos.predicted),
            oos_auroc: self.oos_auroc(weights),
        }
    }

    fn oos_auroc(&self, weights: &[u32]) -> Option<f64> {
        let scores = self.oos_scores()?;
        auroc_of_sorted(scores.map(|scored| ScoredRows {
            score: scored.score,
            positive: scored.is_oos,
            rows: weights[scored.row],
        }))
    }

    /// The rows with an intent, the highest score first.
    pub(crate) fn oos_scores(&self) -> Option<impl Iterator<Item = OosScore>> {
        let oos = self.oos?;
        Some(self.oos_ranking.iter().map(move |&(row, score)| {
            let gold = self.rows[row].intent.map(|intent| intent.gold);
            OosScore {
                row,
                score,
                is_oos: gold == Some(oos),
            }
        }))
    }

    pub(crate) fn agreement(&self, weights: &[u32]) -> Option<SentimentAgreement> {
        let rows = self.rows.iter().zip(weights);
        let felt = rows.filter_map(|(row, &weight)| Some((row.felt.as_ref()?, weight as usize)));
        agreement(felt, self.labels.len())
    }
}

impl<'a> TalliedRow<'a> {
    fn new(
        gold: &'a Utterance,
        predicted: &Understanding,
        options: &EvaluateOptions<'_>,
        index: &BTreeMap<&str, usize>,
    ) -> Self {
        let has = |head: bool| options.tasks.is_none() || head;
        let tasks = options.tasks;
        let answer = predicted.intent.as_ref();
        let likeliest = answer.map(|answer| (index[answer.label.as_str()], answer.confidence));
        let least = options.abstain_below;
        let sure = |(_, confidence): &(usize, f32)| least.is_none_or(|least| *confidence >= least);
        let decided = likeliest.filter(sure).map(|(label, _)| label);
        let decided = decided.or_else(|| options.oos_label.map(|label| index[label]));
        let scored = has(tasks.is_some_and(|tasks| tasks.intent.is_some()));
        let intent = gold
            .intent
            .as_deref()
            .filter(|_| scored)
            .map(|gold| TalliedIntent {
                gold: index[gold],
                decided,
                likeliest: likeliest.map(|(label, confidence)| (label, f64::from(confidence))),
            });
        let sentiment = gold.sentiment.zip(predicted.sentiment);
        let sentiment = sentiment.map(|(gold, predicted)| TalliedSentiment {
            gold: f64::from(gold),
            predicted: f64::from(predicted),
        });
        let both = intent.zip(sentiment);
        let felt = both.map(|(intent, sentiment)| IndexedRow {
            gold: (intent.gold, sentiment.gold),
            predicted: (intent.decided, sentiment.predicted),
        });
        let tagged = has(tasks.is_some_and(|tasks| tasks.slots.is_some())) && gold.is_tagged();
        Self {
            intent,
            spans: tagged.then(|| TalliedSpans::new(gold, predicted)),
            sentiment,
            felt,
        }
    }
}

impl<'a> TalliedSpans<'a> {
    fn new(gold: &'a Utterance, predicted: &Understanding) -> Self {
        let predicted = entity_spans(&gold.text, predicted);
        let mut counts = LabelCounts::default();
        let right = counts.add_spans(&gold.spans, &predicted);
        Self {
            gold: &gold.spans,
            counts: counts.micro(),
            predicted,
            right,
        }
    }

    fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// What [`Tally::resampled`] sums up.
#[derive(Default)]
struct Sums {
    intents: Vec<Counts>,
    spans: Counts,
    gaps: Gaps,
    sentences: usize,
    sentences_right: usize,
    sentiments: usize,
    squared_error: f64,
    /// Rows whose sentiment takes a side.
    sides: usize,
    sides_right: usize,
}

impl Sums {
    fn add(&mut self, row: &TalliedRow<'_>, weight: usize) {
        if let Some(intent) = &row.intent {
            self.intents[intent.gold].gold += weight;
            if let Some(decided) = intent.decided {
                self.intents[decided].predicted += weight;
                self.intents[decided].right += usize::from(intent.right()) * weight;
            }
            if let Some((confidence, right)) = intent.confidence() {
                self.gaps.add(confidence, right, weight);
            }
        }
        if let Some(spans) = &row.spans {
            self.spans += spans.counts * weight;
        }
        if row.intent.is_some() || row.spans.is_some() {
            let intent = row.intent.as_ref().is_none_or(TalliedIntent::right);
            let right = intent && row.spans.as_ref().is_none_or(|spans| spans.right);
            self.sentences += weight;
            self.sentences_right += usize::from(right) * weight;
        }
        if let Some(TalliedSentiment { gold, predicted }) = row.sentiment {
            self.sentiments += weight;
            self.squared_error += weight as f64 * (gold - predicted).powi(2);
            if takes_side(gold) {
                let right = (gold - NEUTRAL) * (predicted - NEUTRAL) > 0.0;
                self.sides += weight;
                self.sides_right += usize::from(right) * weight;
            }
        }
    }
}

/// As many answers as rows, with numbers that can be scored.
fn check(gold: &[Utterance], predicted: &[Understanding]) -> Result<()> {
    if gold.len() != predicted.len() {
        return Err(Error::Shape {
            what: "answers".to_owned(),
            expected: gold.len().to_string(),
            found: predicted.len().to_string(),
        });
    }
    for (row, answer) in gold.iter().zip(predicted) {
        let confidence = answer.intent.as_ref().map(|intent| intent.confidence);
        let numbers = [
            ("confidence", confidence),
            ("sentiment", answer.sentiment),
            ("gold sentiment", row.sentiment),
        ];
        for (field, value) in numbers {
            if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                let id = row.id.clone();
                return Err(Error::Answer { id, field, value });
            }
        }
    }
    Ok(())
}

fn names<'a>(
    gold: &'a [Utterance],
    predicted: &'a [Understanding],
    options: &EvaluateOptions<'a>,
) -> Vec<&'a str> {
    let golds = gold.iter().filter_map(|row| row.intent.as_deref());
    let answers = predicted.iter().filter_map(|answer| answer.intent.as_ref());
    let mut names: Vec<&str> = golds
        .chain(answers.map(|intent| intent.label.as_str()))
        .chain(options.oos_label)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn ranking(rows: &[TalliedRow<'_>], oos: usize) -> Vec<(usize, f64)> {
    let scores = rows.iter().enumerate();
    let mut ranking: Vec<(usize, f64)> = scores
        .filter_map(|(row, scored)| Some((row, scored.intent?.oos_score(oos))))
        .collect();
    ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranking
}
