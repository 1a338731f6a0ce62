//! [`MaskedLm`]: domain pre-training on texts without labels.
//!
//! `M` tokens to guess.

use std::collections::BTreeMap;
use std::ops::Range;

use cs_data::{BatchPlan, TokenBatch, Tokenizer, Utterance};
use cs_model::{Mode, Model};
use tch::{Kind, Tensor};

use super::identity::{check_tokens, describe, fingerprint};
use super::{Identity, LossOutput, LossPart, Objective, StepBatch, Validation};
use crate::data::{Example, MaskedRow, Masker, Segmenter, together};
use crate::error::{Error, Result};
use crate::schedule::TrainConfig;

/// Rows in a validation batch, at most.
const EVAL_ROWS: usize = 256;

/// Texts as a masked language model reads them.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_train::data::{Masker, MaskingConfig};
/// use cs_train::objective::Texts;
///
/// let rows = [Utterance::new("1", "where is my order"), Utterance::new("2", "!?")];
/// let tokenizer = Tokenizer::train(["where is my order"].into_iter(), 40)?;
/// let masker = Masker::new(&tokenizer, MaskingConfig::default())?;
/// let texts = Texts::new(rows, &tokenizer, &masker, None, 32)?;
/// assert_eq!(texts.len(), 1); // nothing to guess in the other
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Texts {
    examples: Vec<Example>,
    /// The runs of tokens of each row that are masked together.
    units: Vec<Vec<Range<usize>>>,
}

impl Texts {
    /// Tokenizes texts and finds their words: the tokenizer's, those of `words`, and entities.
    /// Labels are not looked at. Texts without a known word are left out, longer ones than
    /// `max_length` tokens cut, and a warning counts both.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if tokenizing fails.
    pub fn new(
        rows: impl IntoIterator<Item = Utterance>,
        tokenizer: &Tokenizer,
        masker: &Masker,
        words: Option<&dyn Segmenter>,
        max_length: usize,
    ) -> Result<Self> {
        let rows: Vec<Utterance> = rows.into_iter().collect();
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let encodings = tokenizer.encode_batch(&texts, max_length)?;
        let (mut made, mut cut) = (Self::default(), 0);
        for (row, encoding) in rows.iter().zip(encodings) {
            let units = masker.units(&encoding, &together(&row.text, &row.spans, words));
            if units.is_empty() {
                continue;
            }
            cut += usize::from(encoding.truncated);
            made.units.push(units);
            made.examples.push(Example {
                id: row.id.clone(),
                encoding,
                intent: None,
                tags: None,
                sentiment: None,
            });
        }
        let empty = rows.len() - made.len();
        if empty + cut > 0 {
            tracing::warn!(
                empty,
                cut,
                max_length,
                "texts without a known word were left out, long ones cut"
            );
        }
        Ok(made)
    }

    /// The number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    fn mask(&self, row: usize, masker: &Masker, seed: u64) -> MaskedRow {
        let example = &self.examples[row];
        masker.mask(&example.encoding.ids, &self.units[row], seed, &example.id)
    }
}

/// Trains a model with a masked-language-model head to guess masked words: with new masks in every
/// step, on validation texts with the same masks every time (Devlin et al. 2019, section 3.1;
/// dynamic masking: Liu et al. 2019, section 4.1). The loss is the mean cross-entropy of the tokens
/// to guess.
///
/// Texts are not joined to longer sequences: that saves pads, and packed batches have none.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_model::{BertConfig, Device, Model};
/// use cs_train::data::{Masker, MaskingConfig};
/// use cs_train::objective::{MaskedLm, Objective, Texts};
/// use cs_train::schedule::TrainConfig;
///
/// let rows = [Utterance::new("1", "where is my order"), Utterance::new("2", "my order is late")];
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 60)?;
/// let masker = Masker::new(&tokenizer, MaskingConfig::default())?;
/// let texts = Texts::new(rows, &tokenizer, &masker, None, 32)?;
/// let config = BertConfig { num_hidden_layers: 1, ..BertConfig::mini(tokenizer.vocab_size()) };
/// let mut model = Model::new_masked_lm(&config.into(), Device::Cpu, 1)?;
/// let objective = MaskedLm::new(&mut model, masker, &texts, &texts, &TrainConfig::default())?;
/// assert_eq!(objective.lengths().len(), 2);
/// let scores = objective.evaluate()?;
/// assert!((scores.figures["perplexity"].ln() - scores.figures["loss"]).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MaskedLm<'a> {
    model: &'a Model,
    masker: Masker,
    texts: &'a Texts,
    validation: Vec<MaskedRow>,
    eval_max_tokens: usize,
    identity: Identity,
}

impl<'a> MaskedLm<'a> {
    /// Training of `model` on `texts`, with validation on `validation`, which may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] without texts; [`Error::Vocabulary`] if they were tokenized for another
    /// model; [`Error::Config`] if a setting is out of range.
    pub fn new(
        model: &'a mut Model,
        masker: Masker,
        texts: &'a Texts,
        validation: &Texts,
        config: &TrainConfig,
    ) -> Result<Self> {
        config.validate()?;
        if texts.is_empty() {
            return Err(Error::Empty { what: "training" });
        }
        let vocab_size = model.config().vocab_size();
        check_tokens(&texts.examples, vocab_size)?;
        check_tokens(&validation.examples, vocab_size)?;
        let examples: Vec<&Example> = texts.examples.iter().collect();
        let fixed = |row| validation.mask(row, &masker, config.seed);
        Ok(Self {
            identity: Identity {
                objective: format!("masked language model {:?}", masker.config()),
                model: describe(model)?,
                data: fingerprint(&examples),
                validation: fingerprint(&validation.examples.iter().collect::<Vec<_>>()),
                teacher: String::new(),
            },
            validation: (0..validation.len()).map(fixed).collect(),
            model,
            masker,
            texts,
            eval_max_tokens: config.eval_max_tokens,
        })
    }
}

impl Objective for MaskedLm<'_> {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn parameters(&self) -> Vec<(String, Tensor)> {
        self.model.parameters()
    }

    fn lengths(&self) -> Vec<usize> {
        let lengths = self.texts.examples.iter().map(|e| e.encoding.ids.len());
        lengths.collect()
    }

    fn row_id(&self, row: usize) -> String {
        self.texts.examples[row].id.clone()
    }

    fn validation_rows(&self) -> usize {
        self.validation.len()
    }

    fn loss(&self, batch: &StepBatch<'_>) -> Result<LossOutput> {
        let mask = |rows: &[usize]| -> Vec<MaskedRow> {
            let rows = rows.iter();
            rows.map(|&row| self.texts.mask(row, &self.masker, batch.seed))
                .collect()
        };
        let masked = mask(batch.rows);
        let guesses = match batch.rows.len() == batch.step_rows.len() {
            true => to_guess(&masked),
            false => to_guess(&mask(batch.step_rows)),
        };
        let Guesses { tokens, rows, gold } = Guesses::new(&masked);
        let total = self.model.masked_loss(&tokens, &rows, &gold, Mode::Train)?;
        let total = total.f_div_scalar(guesses as f64)?;
        let value = total.f_detach()?;
        Ok(LossOutput {
            total,
            parts: vec![LossPart {
                name: "masked_lm",
                value,
            }],
        })
    }

    fn evaluate(&self) -> Result<Validation> {
        evaluate_masked(self.model, &self.validation, self.eval_max_tokens)
    }
}

/// How well a model guesses: `loss` (mean cross-entropy of the tokens to guess), `perplexity` (its
/// exponential) and `accuracy`; the metric is the loss, negated. Without dropout or gradients, in
/// batches of at most `max_tokens` tokens.
///
/// # Errors
///
/// [`Error::Empty`] if there is nothing to guess; [`Error::Model`] if the model has no head for it.
pub fn evaluate_masked(model: &Model, rows: &[MaskedRow], max_tokens: usize) -> Result<Validation> {
    let _guard = tch::no_grad_guard();
    let lengths: Vec<usize> = rows.iter().map(|row| row.ids.len()).collect();
    let plan = BatchPlan {
        max_tokens,
        max_sequences: EVAL_ROWS,
        shuffle: None,
    };
    let mut sums = Vec::new();
    for batch in plan.batches(&lengths) {
        let batch: Vec<MaskedRow> = batch.into_iter().map(|row| rows[row].clone()).collect();
        if to_guess(&batch) > 0 {
            let Guesses { tokens, rows, gold } = Guesses::new(&batch);
            let scores = model.masked_scores(&tokens, &rows, &gold)?;
            sums.extend([scores.loss, scores.right.f_to_kind(Kind::Double)?]);
        }
    }
    let guesses = to_guess(rows) as f64;
    if guesses == 0.0 {
        return Err(Error::Empty { what: "validation" });
    }
    // Read at once, so that the device is waited for once.
    let sums = Vec::<f64>::try_from(Tensor::f_stack(&sums, 0)?)?;
    let (mut loss, mut right) = (0.0, 0.0);
    for pair in sums.chunks_exact(2) {
        loss += pair[0];
        right += pair[1];
    }
    let figures = [
        ("loss", loss / guesses),
        ("perplexity", (loss / guesses).exp()),
        ("accuracy", right / guesses),
    ];
    let figures = figures.map(|(name, value)| (name.to_owned(), value));
    Ok(Validation {
        metric: -loss / guesses,
        figures: BTreeMap::from(figures),
        ..Validation::default()
    })
}

/// `M` of some rows.
fn to_guess(rows: &[MaskedRow]) -> usize {
    rows.iter().flat_map(|row| &row.targets).flatten().count()
}

/// Masked rows as a batch.
struct Guesses {
    tokens: TokenBatch,
    /// The `M` tokens to guess, counted through the batch.
    rows: Vec<usize>,
    /// The words that stood there.
    gold: Vec<u32>,
}

impl Guesses {
    fn new(rows: &[MaskedRow]) -> Self {
        let tokens = TokenBatch::pack(rows.iter().map(|row| &row.ids[..]));
        let targets = rows.iter().flat_map(|row| &row.targets).enumerate();
        let guesses = targets.filter_map(|(row, target)| Some((row, (*target)?)));
        let (rows, gold) = guesses.unzip();
        Self { tokens, rows, gold }
    }
}
