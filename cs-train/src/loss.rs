//! [`CombinedLoss`]: one figure for intents, entities and sentiment.
//!
//! Shapes: `B` sequences, `N` packed tokens, `C` intents, `T` tags.

use cs_model::ModelOutput;
use tch::{Device, Kind, Reduction, Tensor};

use crate::data::Example;
use crate::error::{Error, Result};

/// The target of a row or token that has none; cross-entropy leaves it out.
const IGNORED: i64 = -100;

/// What the heads should have said about a packed batch.
///
/// ```
/// use cs_train::Targets;
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
                Some(tags) => targets.tags.extend(tags),
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
/// Each part is a mean over the rows (intents, sentiment) or tokens (tags) that have a target;
/// a part without any is left out. The sentiment head has a target of its own: its error is the
/// mean squared difference from the labelled sentiment in 0..=1.
///
/// ```
/// use cs_model::ModelOutput;
/// use cs_train::{CombinedLoss, Targets};
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CombinedLoss {
    /// Weight of the cross-entropy side. Default 0.7.
    pub ce_weight: f64,
    /// Weight of the sentiment's mean squared error. Default 0.3.
    pub mse_weight: f64,
}

impl Default for CombinedLoss {
    fn default() -> Self {
        Self {
            ce_weight: 0.7,
            mse_weight: 0.3,
        }
    }
}

/// The loss of a batch and its unweighted parts, each a scalar on the model's device.
///
/// ```
/// use cs_model::ModelOutput;
/// use cs_train::{CombinedLoss, Targets};
///
/// let sentiment = Some(tch::Tensor::from_slice(&[0.5f32]));
/// let output = ModelOutput { sentiment, ..Default::default() };
/// let targets = Targets { sentiments: vec![Some(1.0)], ..Targets::default() };
/// let loss = CombinedLoss::default().forward(&output, &targets)?;
/// assert_eq!(loss.sentiment.unwrap().double_value(&[]), 0.25);
/// assert!(loss.intent.is_none());
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug)]
pub struct LossOutput {
    /// The weighted sum: what to differentiate.
    pub total: Tensor,
    /// Mean cross-entropy of the intents.
    pub intent: Option<Tensor>,
    /// Mean cross-entropy of the tags.
    pub slots: Option<Tensor>,
    /// Mean squared error of the sentiment.
    pub sentiment: Option<Tensor>,
}

/// The figures of a [`LossOutput`]; `None` where the batch had no such target.
///
/// ```
/// let loss = cs_train::LossParts { total: 0.7, intent: Some(1.0), ..Default::default() };
/// assert_eq!(loss.slots, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LossParts {
    /// The weighted sum.
    pub total: f64,
    /// Mean cross-entropy of the intents.
    pub intent: Option<f64>,
    /// Mean cross-entropy of the tags.
    pub slots: Option<f64>,
    /// Mean squared error of the sentiment.
    pub sentiment: Option<f64>,
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
        let entropy = |what, logits: &Option<Tensor>, targets: &[_]| {
            let logits = logits.as_ref();
            logits.map_or(Ok(None), |l| cross_entropy(what, l, targets))
        };
        let intent = entropy("intent targets", &output.intent, &targets.intents)?;
        let slots = entropy("tag targets", &output.slots, &targets.tags)?;
        let sentiment = match &output.sentiment {
            Some(predicted) => squared_error(predicted, &targets.sentiments)?,
            None => None,
        };
        let weighted = [
            (&intent, self.ce_weight),
            (&slots, self.ce_weight),
            (&sentiment, self.mse_weight),
        ];
        let mut total: Option<Tensor> = None;
        for (part, weight) in weighted {
            let Some(part) = part else { continue };
            let part = part.f_mul_scalar(weight)?;
            total = Some(match total {
                Some(sum) => sum.f_add(&part)?,
                None => part,
            });
        }
        Ok(LossOutput {
            total: total.ok_or(Error::NoLabels { what: "batch" })?,
            intent,
            slots,
            sentiment,
        })
    }
}

impl LossOutput {
    /// The figures, and that of one more scalar, in a single transfer from the device.
    pub(crate) fn read_with(&self, extra: &Tensor) -> Result<(LossParts, f64)> {
        let parts = [&self.intent, &self.slots, &self.sentiment];
        let mut scalars = vec![self.total.f_detach()?, extra.f_detach()?];
        for part in parts.into_iter().flatten() {
            scalars.push(part.f_detach()?);
        }
        let on_host = Tensor::f_stack(&scalars, 0)?.f_to_device(Device::Cpu)?;
        let figures = Vec::<f64>::try_from(on_host.f_to_kind(Kind::Double)?)?;
        let mut rest = figures.iter().skip(2).copied();
        let mut next = |part: &Option<Tensor>| part.as_ref().and_then(|_| rest.next());
        let loss = LossParts {
            total: figures[0],
            intent: next(&self.intent),
            slots: next(&self.slots),
            sentiment: next(&self.sentiment),
        };
        Ok((loss, figures[1]))
    }
}

fn cross_entropy(what: &str, logits: &Tensor, targets: &[Option<usize>]) -> Result<Option<Tensor>> {
    check_length(what, logits, targets.len())?;
    if targets.iter().all(Option::is_none) {
        return Ok(None);
    }
    let targets: Vec<i64> = targets
        .iter()
        .map(|target| target.map_or(IGNORED, |index| index as i64))
        .collect();
    let targets = Tensor::f_from_slice(&targets)?.f_to_device(logits.device())?;
    let mean = Reduction::Mean;
    let loss = logits.f_cross_entropy_loss(&targets, None::<Tensor>, mean, IGNORED, 0.0)?;
    Ok(Some(loss))
}

fn squared_error(predicted: &Tensor, targets: &[Option<f32>]) -> Result<Option<Tensor>> {
    check_length("sentiment targets", predicted, targets.len())?;
    let labelled = |(row, target): (usize, &Option<f32>)| target.map(|t| (row as i64, t));
    let (rows, targets): (Vec<i64>, Vec<f32>) =
        targets.iter().enumerate().filter_map(labelled).unzip();
    if rows.is_empty() {
        return Ok(None);
    }
    let device = predicted.device();
    let rows = Tensor::f_from_slice(&rows)?.f_to_device(device)?;
    let targets = Tensor::f_from_slice(&targets)?.f_to_device(device)?;
    let predicted = predicted.f_index_select(0, &rows)?;
    Ok(Some(predicted.f_mse_loss(&targets, Reduction::Mean)?))
}

fn check_length(what: &str, output: &Tensor, targets: usize) -> Result<()> {
    let rows = output.size().first().copied().unwrap_or(0);
    if usize::try_from(rows) == Ok(targets) {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.to_owned(),
        expected: rows.to_string(),
        got: targets.to_string(),
    })
}
