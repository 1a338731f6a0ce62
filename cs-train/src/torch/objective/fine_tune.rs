//! [`FineTune`]: intents, entities and sentiment from labelled rows.

use cs_data::{TokenBatch, Utterance};
use cs_model::names::Role;
use cs_model::{Architecture, Calibration, Mode, Model, ModelOutput, Understanding};
use tch::Tensor;

use super::class_weights::{counts, intent_weights};
use super::identity::{check_tokens, describe, fingerprint};
use super::loss::{CombinedLoss, Targets, Totals};
use super::r_drop::{disagreement, tag_disagreement};
use super::row_checks::{check_spans, check_validation, labelled, warn_of, warn_of_empty_classes};
use super::{Identity, LossOutput, LossPart, Objective, Reached, StepBatch, Validation};
use crate::data::{Example, Prepared};
use crate::error::Result;
use crate::evaluation::{EvaluateOptions, Evaluation, evaluate};
use crate::schedule::TrainConfig;
use crate::torch::inference::predict;

/// Trains all of a model's heads, and the encoder below them, on labelled rows with the
/// [`CombinedLoss`]; validates by the macro-F1 of intents and the span F1 of entities.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_model::{BiLstmConfig, Device, EncoderConfig, Model};
/// use cs_train::data::{examples, tasks_of};
/// use cs_train::objective::{FineTune, Objective};
/// use cs_train::schedule::TrainConfig;
///
/// let rows = vec![Utterance::new("1", "退款").with_intent("refund"), Utterance::new("2", "?")];
/// let tasks = tasks_of(&rows)?;
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 50)?;
/// let encoder = EncoderConfig::from(BiLstmConfig {
///     vocab_size: tokenizer.vocab_size(),
///     ..BiLstmConfig::default()
/// });
/// let mut model = Model::new(&encoder, &tasks, Device::Cpu, 1)?;
/// let data = examples(rows, &tokenizer, &tasks, 32)?;
/// let objective = FineTune::new(&mut model, &data, None, &TrainConfig::default())?;
/// assert_eq!(objective.lengths(), [4]); // the row without a label teaches nothing
/// assert_eq!(objective.validation_rows(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FineTune<'a> {
    pub(super) model: &'a Model,
    rows: Vec<&'a Example>,
    validation: Option<&'a Prepared>,
    pub(super) loss: CombinedLoss,
    /// The weights of the intents, on the model's device.
    weights: Option<Tensor>,
    r_drop: f64,
    eval_max_tokens: usize,
    identity: Identity,
}

impl<'a> FineTune<'a> {
    /// Training of `model` on `train`, whose rows without a label the model has are skipped, with
    /// validation on `validation`. Logs labels that could not be used, and labels of the model
    /// without a row.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if a setting is out of range,
    /// [`Error::Empty`](crate::Error::Empty) or [`Error::NoLabels`](crate::Error::NoLabels) if
    /// either set is of no use, [`Error::LostSpans`](crate::Error::LostSpans) if no entity of a
    /// label can be learned, [`Error::Vocabulary`](crate::Error::Vocabulary) if the rows were
    /// tokenized for another model.
    pub fn new(
        model: &'a mut Model,
        train: &'a Prepared,
        validation: Option<&'a Prepared>,
        config: &TrainConfig,
    ) -> Result<Self> {
        config.validate()?;
        let rows = labelled(train)?;
        let vocab_size = model.config().vocab_size();
        check_tokens(&train.examples, vocab_size)?;
        check_spans(train)?;
        warn_of("training", train, model.tasks());
        if let Some(validation) = validation {
            check_validation(validation, model.tasks())?;
            check_tokens(&validation.examples, vocab_size)?;
            warn_of("validation", validation, model.tasks());
        }
        let intents = counts(model.tasks(), &rows);
        warn_of_empty_classes(model.tasks(), &rows, &intents);
        let settings = &config.loss;
        let loss = CombinedLoss {
            ce_weight: settings.ce_weight,
            mse_weight: settings.mse_weight,
            label_smoothing: settings.label_smoothing,
            focal_gamma: settings.focal_gamma,
            intent_weights: intent_weights(&settings.class_weights, model.tasks(), &intents)?,
        };
        Ok(Self {
            identity: Identity {
                objective: "fine-tuning".into(),
                model: describe(model)?,
                data: fingerprint(&rows),
                validation: validation.map_or_else(String::new, |data| {
                    fingerprint(&data.examples.iter().collect::<Vec<_>>())
                }),
                teacher: String::new(),
            },
            weights: loss.weights_on(model.device().into())?,
            loss,
            r_drop: settings.r_drop,
            model,
            rows,
            validation,
            eval_max_tokens: config.eval_max_tokens,
        })
    }

    fn targets(&self, rows: &[usize]) -> Targets {
        Targets::pack(rows.iter().map(|&row| self.rows[row]))
    }

    /// The loss of a part of a batch whose targets have these `totals`.
    pub(super) fn loss_of(
        &self,
        output: &ModelOutput,
        targets: &Targets,
        totals: &Totals,
    ) -> Result<LossOutput> {
        let weights = self.weights.as_ref();
        self.loss.forward_weighted(output, targets, totals, weights)
    }

    fn forward(&self, rows: &[usize]) -> Result<ModelOutput> {
        let ids = rows.iter().map(|&row| &self.rows[row].encoding.ids[..]);
        Ok(self.model.forward(&TokenBatch::pack(ids), Mode::Train)?)
    }

    /// The mean loss of two passes with different dropout, computed as one batch, and their
    /// disagreement.
    fn loss_of_two_passes(&self, rows: &[usize], totals: &Totals) -> Result<LossOutput> {
        let twice = [rows, rows].concat();
        let output = self.forward(&twice)?;
        let doubled = Totals {
            intents: 2.0 * totals.intents,
            tags: 2.0 * totals.tags,
            sentiments: 2.0 * totals.sentiments,
        };
        let mut loss = self.loss_of(&output, &self.targets(&twice), &doubled)?;
        let targets = self.targets(rows);
        let labelled: Vec<bool> = targets.intents.iter().map(Option::is_some).collect();
        let intents = match &output.intent {
            Some(logits) => disagreement(logits, &labelled)?,
            None => None,
        };
        let tags = match &output.slots {
            Some(logits) => {
                let words = tagged_words(&output.lengths[..rows.len()], &targets.tags);
                tag_disagreement(logits, output.crf.as_ref(), &words)?
            }
            None => None,
        };
        for (name, sum, total) in [
            ("intent_disagreement", intents, totals.intents),
            ("slot_disagreement", tags, totals.tags),
        ] {
            if let Some(sum) = sum {
                let value = sum.f_div_scalar(total)?;
                loss.total = loss.total.f_add(&value.f_mul_scalar(self.r_drop)?)?;
                loss.parts.push(LossPart { name, value });
            }
        }
        Ok(loss)
    }
}

impl Objective for FineTune<'_> {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn parameters(&self) -> Vec<(String, Tensor)> {
        self.model.parameters()
    }

    fn lengths(&self) -> Vec<usize> {
        self.rows.iter().map(|row| row.encoding.ids.len()).collect()
    }

    fn row_id(&self, row: usize) -> String {
        self.rows[row].id.clone()
    }

    fn validation_rows(&self) -> usize {
        self.validation.map_or(0, |data| data.rows.len())
    }

    fn reached(&self) -> Option<Reached> {
        let ids = self.rows.iter().flat_map(|row| &row.encoding.ids);
        let mut rows: Vec<i64> = ids.map(|&id| i64::from(id)).collect();
        if let Architecture::BiLstm(config) = self.model.config().architecture()
            && config.word_dropout > 0.0
        {
            rows.push(config.unk_token_id.into());
        }
        rows.sort_unstable();
        rows.dedup();
        Some(Reached {
            parameter: self.model.config().names().weight(Role::WordEmbeddings),
            rows,
        })
    }

    fn loss(&self, batch: &StepBatch<'_>) -> Result<LossOutput> {
        let totals = self.loss.totals(&self.targets(batch.step_rows));
        if self.r_drop > 0.0 {
            return self.loss_of_two_passes(batch.rows, &totals);
        }
        let output = self.forward(batch.rows)?;
        self.loss_of(&output, &self.targets(batch.rows), &totals)
    }

    fn evaluate(&self) -> Result<Validation> {
        let Some(data) = self.validation else {
            return Ok(Validation::default());
        };
        let calibration = Calibration::default();
        let answers = predict(self.model, data, self.eval_max_tokens, &calibration)?;
        let options = EvaluateOptions {
            tasks: Some(self.model.tasks()),
            ..EvaluateOptions::default()
        };
        let mut scores = scores(&evaluate(&data.rows, &answers, &options)?);
        let confident = confidences(&data.rows, &answers);
        if !confident.is_empty() {
            let confidence = confident.iter().map(|&(confidence, _)| confidence);
            let name = "intent_confidence".to_owned();
            scores.distributions.insert(name, confidence.collect());
            let curve = confident.into_iter().collect();
            scores.curves.insert("intent_answers".to_owned(), curve);
        }
        Ok(scores)
    }
}

/// The rows of each text's words that have a tag.
fn tagged_words(lengths: &[usize], tags: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut tokens = tags.iter().enumerate();
    let words = |&length: &usize| {
        let own = tokens.by_ref().take(length);
        own.filter_map(|(row, tag)| tag.map(|_| row)).collect()
    };
    lengths.iter().map(words).collect()
}

/// The metric, and where that is equal the error of the sentiment, then calibration.
fn scores(evaluation: &Evaluation) -> Validation {
    let small = |error: Option<f64>| error.map_or(f64::NEG_INFINITY, |error| -error);
    let figures = serde_json::to_value(evaluation).unwrap_or_default();
    let figures = figures.as_object().into_iter().flatten();
    let figures = figures.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
    Validation {
        metric: evaluation.selection_metric().unwrap_or(f64::NAN),
        ties: vec![small(evaluation.sentiment_mse), small(evaluation.ece)],
        figures: figures.collect(),
        ..Validation::default()
    }
}

/// How sure the model is of each row's intent, and whether it is right: what a service that only
/// acts on sure answers goes by.
fn confidences(gold: &[Utterance], answers: &[Understanding]) -> Vec<(f64, bool)> {
    let rows = gold.iter().zip(answers);
    let pair = |(gold, answer): (&Utterance, &Understanding)| {
        let (gold, intent) = (gold.intent.as_ref()?, answer.intent.as_ref()?);
        Some((f64::from(intent.confidence), intent.label == *gold))
    };
    rows.filter_map(pair).collect()
}
