//! [`CombinedLoss`]: one figure for intents, entities and sentiment.
//!
//! Shapes: `B` sequences, `N` packed tokens, `C` intents, `T` tags.

use cs_model::{ModelOutput, on_device};
use tch::{Device, Kind, Reduction, Tensor};

use super::{LossOutput, LossPart};
use crate::data::Example;
use crate::error::{Error, Result};

/// The target of a row or token that has none; cross-entropy leaves it out.
const IGNORED: i64 = -100;

/// What the heads should have said about a packed batch.
///
/// ```
/// use cs_train::objective::Targets;
///
/// let targets = Targets { intents: vec![Some(3), None], ..Targets::default() };
/// assert_eq!(targets.intents.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets {
    /// `[B]` indices of intents; `None` is left out of the loss.
    pub intents: Vec<Option<usize>>,
    /// `[N]` indices of tags; `None` is left out of the loss.
    pub tags: Vec<Option<usize>>,
    /// `[B]` sentiments in 0..=1; `None` is left out of the loss.
    pub sentiments: Vec<Option<f32>>,
}

impl Targets {
    /// The targets of `examples`, packed in their order.
    pub fn pack<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Self {
        let mut targets = Self::default();
        for example in examples {
            targets.intents.push(example.intent);
            targets.sentiments.push(example.sentiment);
            match &example.tags {
                Some(tags) => {
                    let tags = tags.iter().map(|tag| tag.map(|tag| tag as usize));
                    targets.tags.extend(tags);
                }
                None => {
                    let tokens = targets.tags.len() + example.encoding.ids.len();
                    targets.tags.resize(tokens, None);
                }
            }
        }
        targets
    }
}

/// `ce_weight × (intent cross-entropy + tag cross-entropy) + mse_weight × sentiment error`.
///
/// Each part is a mean over the rows (intents, sentiment) or tokens (tags) that have a target; a
/// part without any is left out. The sentiment head has a target of its own: its error is the mean
/// squared difference from the labelled sentiment in 0..=1. Where the model's slot head is a
/// conditional random field, the negative log-likelihood of the tags stands for their
/// cross-entropy.
///
/// ```
/// use cs_model::ModelOutput;
/// use cs_train::objective::{CombinedLoss, Targets};
/// use tch::Tensor;
///
/// let output = ModelOutput {
///     intent: Some(Tensor::from_slice2(&[[0.0f32, 0.0], [9.0, 9.0]])),
///     sentiment: Some(Tensor::from_slice(&[0.5f32, 1.0])),
///     ..Default::default()
/// };
/// let targets = Targets {
///     intents: vec![Some(1), None],
///     tags: vec![],
///     sentiments: vec![Some(1.0), Some(1.0)],
/// };
/// let total = CombinedLoss::default().forward(&output, &targets)?.total.double_value(&[]);
/// assert!((total - (0.7 * 2.0f64.ln() + 0.3 * 0.125)).abs() < 1e-6);
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CombinedLoss {
    /// Weight of the cross-entropy side. Default 0.7.
    pub ce_weight: f64,
    /// Weight of the sentiment's mean squared error. Default 0.3.
    pub mse_weight: f64,
    /// Share of the target's probability that is spread over all intents or tags. Default 0.
    pub label_smoothing: f64,
    /// Exponent of the focal loss of the intents: each row counts `(1 - p)^γ` times, `p` the
    /// probability of its intent (Lin et al. 2017, equation 4). Excludes label smoothing. Default
    /// 0.
    pub focal_gamma: f64,
    /// `[C]` weights of the intents; the mean is then a weighted one, as PyTorch's. Default none.
    pub intent_weights: Option<Vec<f32>>,
}

impl Default for CombinedLoss {
    fn default() -> Self {
        Self {
            ce_weight: 0.7,
            mse_weight: 0.3,
            label_smoothing: 0.0,
            focal_gamma: 0.0,
            intent_weights: None,
        }
    }
}

/// What the parts of a loss are divided by: numbers of targets, of intents the sum of weights.
///
/// ```
/// use cs_train::objective::{CombinedLoss, Targets};
/// let targets = Targets { intents: vec![Some(3), None], ..Targets::default() };
/// let totals = CombinedLoss::default().totals(&targets);
/// assert_eq!((totals.intents, totals.tags), (1.0, 0.0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// The divisor of the intents' loss.
    pub intents: f64,
    /// The divisor of the tags' loss.
    pub tags: f64,
    /// The divisor of the sentiment's error.
    pub sentiments: f64,
}

impl CombinedLoss {
    /// The loss of `output`.
    ///
    /// # Shapes
    ///
    /// `output.intent [B, C]`, `output.slots [N, T]`, `output.sentiment [B]` against targets of
    /// `B`, `N` and `B` entries.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the lengths differ, [`Error::NoLabels`] if no head has a target,
    /// [`Error::Torch`] if libtorch fails.
    pub fn forward(&self, output: &ModelOutput, targets: &Targets) -> Result<LossOutput> {
        self.forward_part(output, targets, &self.totals(targets))
    }

    /// What the loss of `targets` is divided by.
    #[must_use]
    pub fn totals(&self, targets: &Targets) -> Totals {
        let weight = |&intent: &usize| match &self.intent_weights {
            Some(weights) => weights.get(intent).map_or(0.0, |&w| f64::from(w)),
            None => 1.0,
        };
        Totals {
            intents: targets.intents.iter().flatten().map(weight).sum(),
            tags: targets.tags.iter().flatten().count() as f64,
            sentiments: targets.sentiments.iter().flatten().count() as f64,
        }
    }

    /// The loss of a part of a batch whose targets have these `totals`: the losses of a batch's
    /// parts add up to that of the batch.
    ///
    /// # Shapes and errors
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_part(
        &self,
        output: &ModelOutput,
        targets: &Targets,
        totals: &Totals,
    ) -> Result<LossOutput> {
        let device = [&output.intent, &output.slots, &output.sentiment];
        let device = device.into_iter().flatten().map(Tensor::device).next();
        let device = device.ok_or(Error::NoLabels { what: "batch" })?;
        let weights = self.weights_on(device)?;
        self.forward_weighted(output, targets, totals, weights.as_ref())
    }

    /// The intents' weights, to be kept on the device of a run.
    pub(super) fn weights_on(&self, device: Device) -> Result<Option<Tensor>> {
        let weights = self.intent_weights.as_deref();
        Ok(weights
            .map(|weights| on_device(weights, device))
            .transpose()?)
    }

    /// [`forward_part`](Self::forward_part) with the intents' weights on the device already.
    pub(super) fn forward_weighted(
        &self,
        output: &ModelOutput,
        targets: &Targets,
        totals: &Totals,
        weights: Option<&Tensor>,
    ) -> Result<LossOutput> {
        let gold = Gold::new(output, targets)?;
        let mut sum = WeightedSum::default();
        if let (Some(logits), Some(intents)) = (&output.intent, &gold.intents) {
            let entropy = CrossEntropy {
                smoothing: self.label_smoothing,
                focal_gamma: self.focal_gamma,
                weights,
            };
            let loss = entropy.sum(logits, intents)?;
            sum.add("intent", Some(loss), totals.intents, self.ce_weight)?;
        }
        if let Some(logits) = &output.slots {
            let loss = self.tags(logits, output, &targets.tags, gold.tags.as_ref())?;
            sum.add("slots", loss, totals.tags, self.ce_weight)?;
        }
        if let (Some(predicted), Some(gold)) = (&output.sentiment, &gold.sentiments) {
            let predicted = predicted.f_index_select(0, &gold.rows)?;
            let predicted = predicted.f_to_kind(Kind::Float)?;
            let loss = predicted.f_mse_loss(&gold.values, Reduction::Sum)?;
            sum.add("sentiment", Some(loss), totals.sentiments, self.mse_weight)?;
        }
        sum.finish()
    }

    /// A conditional random field gives the likelihood of a sequence of tags, which smoothing means
    /// nothing to.
    fn tags(
        &self,
        logits: &Tensor,
        output: &ModelOutput,
        targets: &[Option<usize>],
        gold: Option<&Tensor>,
    ) -> Result<Option<Tensor>> {
        if let Some(crf) = &output.crf {
            let words = targets.iter().flatten().count() as f64;
            let mean = crf.loss(logits, &output.lengths, targets)?;
            return Ok(mean.map(|mean| mean.f_mul_scalar(words)).transpose()?);
        }
        let entropy = CrossEntropy {
            smoothing: self.label_smoothing,
            ..CrossEntropy::default()
        };
        gold.map(|gold| entropy.sum(logits, gold)).transpose()
    }
}

/// Targets of the heads that have some, on the model's device.
#[derive(Default)]
struct Gold {
    /// The intents, `[B]`.
    intents: Option<Tensor>,
    /// The tags, `[N]`.
    tags: Option<Tensor>,
    sentiments: Option<GoldSentiments>,
}

/// Sentiments of some of a batch's rows.
struct GoldSentiments {
    /// The rows that have one.
    rows: Tensor,
    values: Tensor,
}

impl Gold {
    /// Copies all indices at once.
    fn new(output: &ModelOutput, targets: &Targets) -> Result<Self> {
        let intents = indices("intent targets", output.intent.as_ref(), &targets.intents)?;
        let slots = output.slots.as_ref();
        let tags = match &output.crf {
            // It has an order of its own.
            Some(_) => Vec::new(),
            None => indices("tag targets", slots, &targets.tags)?,
        };
        let (mut rows, mut sentiments) = (Vec::new(), Vec::new());
        if let Some(predicted) = &output.sentiment {
            check_length("sentiment targets", predicted, targets.sentiments.len())?;
            let labelled = |(row, wanted): (usize, &Option<f32>)| Some((row as i64, (*wanted)?));
            let pairs = targets.sentiments.iter().enumerate().filter_map(labelled);
            (rows, sentiments) = pairs.unzip();
        }
        let lists = [&intents[..], &tags, &rows];
        let heads = [&output.intent, &output.slots, &output.sentiment];
        let (Some(head), true) = (
            heads.into_iter().flatten().next(),
            lists.iter().any(|list| !list.is_empty()),
        ) else {
            return Ok(Self::default());
        };
        let all = on_device(&lists.concat(), head.device())?;
        let mut end = 0;
        let mut next = |list: &[i64]| -> Result<Option<Tensor>> {
            let (start, length) = (end, list.len() as i64);
            end += length;
            let part = (length > 0).then(|| all.f_narrow(0, start, length));
            Ok(part.transpose()?)
        };
        let [intents, tags, rows] = [next(lists[0])?, next(lists[1])?, next(lists[2])?];
        let sentiments = match rows {
            Some(rows) => Some(GoldSentiments {
                rows,
                values: on_device(&sentiments, head.device())?,
            }),
            None => None,
        };
        Ok(Self {
            intents,
            tags,
            sentiments,
        })
    }
}

/// A head's targets for cross-entropy; none without a head, or if no row has one.
fn indices(what: &str, logits: Option<&Tensor>, targets: &[Option<usize>]) -> Result<Vec<i64>> {
    let Some(logits) = logits else {
        return Ok(Vec::new());
    };
    check_length(what, logits, targets.len())?;
    if targets.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    let index = |target: &Option<usize>| target.map_or(IGNORED, |index| index as i64);
    Ok(targets.iter().map(index).collect())
}

/// Parts, each divided by its total and weighted.
#[derive(Debug, Default)]
pub(super) struct WeightedSum {
    total: Option<Tensor>,
    parts: Vec<LossPart>,
}

impl WeightedSum {
    pub(super) fn add(
        &mut self,
        name: &'static str,
        loss: Option<Tensor>,
        total: f64,
        weight: f64,
    ) -> Result<()> {
        let Some(loss) = loss else { return Ok(()) };
        let value = loss.f_div_scalar(total)?;
        let weighted = value.f_mul_scalar(weight)?;
        self.total = Some(match self.total.take() {
            Some(sum) => sum.f_add(&weighted)?,
            None => weighted,
        });
        self.parts.push(LossPart { name, value });
        Ok(())
    }

    pub(super) fn finish(self) -> Result<LossOutput> {
        Ok(LossOutput {
            total: self.total.ok_or(Error::NoLabels { what: "batch" })?,
            parts: self.parts,
        })
    }
}

/// Cross-entropy with what fine-tuning adds to it.
#[derive(Debug, Default)]
struct CrossEntropy<'a> {
    smoothing: f64,
    focal_gamma: f64,
    weights: Option<&'a Tensor>,
}

impl CrossEntropy<'_> {
    /// The sum over all rows with a target. `[B, C]` logits, `[B]` targets.
    fn sum(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        let logits = logits.f_to_kind(Kind::Float)?;
        let loss = |weights, reduction| {
            logits.f_cross_entropy_loss(targets, weights, reduction, IGNORED, self.smoothing)
        };
        if self.focal_gamma == 0.0 {
            return Ok(loss(self.weights, Reduction::Sum)?);
        }
        // 1 - p without cancellation; the bound keeps the power's slope finite.
        let entropy = loss(None, Reduction::None)?; // [B]
        let missing = entropy.f_neg()?.f_expm1()?.f_neg()?.f_clamp_min(1e-12)?;
        let focal = missing
            .f_pow_tensor_scalar(self.focal_gamma)?
            .f_mul(&entropy)?;
        let focal = match self.weights {
            // Rows without a target have an entropy of 0: their weight does not matter.
            Some(weights) => focal.f_mul(&weights.f_index_select(0, &targets.f_clamp_min(0)?)?)?,
            None => focal,
        };
        Ok(focal.f_sum(Kind::Float)?)
    }
}

fn check_length(what: &str, output: &Tensor, targets: usize) -> Result<()> {
    let rows = output.size().first().copied().unwrap_or(0);
    if usize::try_from(rows) == Ok(targets) {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.to_owned(),
        expected: rows.to_string(),
        found: targets.to_string(),
    })
}
