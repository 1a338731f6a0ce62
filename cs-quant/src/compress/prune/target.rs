//! Pruning to a latency: the parts that are worth least for the time they take are removed first.

use std::path::Path;

use cs_data::TokenBatch;
use cs_model::{Bundle, Importance, Stack};
use serde::{Deserialize, Serialize};

use super::latency::{Costs, latencies, pruned};
use super::{PrunePlan, blocks_of, prune};
use crate::compress::edited::{refuse_own_folder, staging, tensors};
use crate::error::{Error, Result};
use crate::format::source::require_fp32;
use crate::runtime::config::RuntimeConfig;
use crate::runtime::model::NativeModel;

/// The most plans that are measured.
const TRIALS: usize = 5;
/// The measured shares of the target that are near enough: two measurements of one model differ by
/// a percent or two, and the next one must not miss the target.
const NEAR: std::ops::RangeInclusive<f64> = 0.93..=0.985;

/// The settings of pruning: how far a model is pruned, and how that is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PruneConfig {
    /// The share of the whole model's latency that may remain, above 0 and below 1; default 0.35.
    pub target_latency: f64,
    /// The multiple in which neurons are kept, so that no kernel works on a part of a tile and
    /// int4's groups divide them; default 32.
    pub neuron_step: usize,
    /// The precision, threads and kernel with which latency is measured.
    pub runtime: RuntimeConfig,
}

impl Default for PruneConfig {
    fn default() -> Self {
        Self {
            target_latency: 0.35,
            neuron_step: 32,
            runtime: RuntimeConfig::default(),
        }
    }
}

/// What was pruned, and what that gained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PruneReport {
    /// The milliseconds that the whole model takes for a text; medians, taken in turns with the
    /// pruned model.
    pub latency_before_ms: f64,
    /// The milliseconds that the pruned model takes for a text; medians, taken in turns with the
    /// whole one.
    pub latency_after_ms: f64,
    /// The latency of the pruned model divided by that of the whole one.
    pub latency_ratio: f64,
    /// The number of heads left in each layer.
    pub heads: Vec<usize>,
    /// The number of neurons left in each layer.
    pub neurons: Vec<usize>,
    /// The number of weights in the model before pruning.
    pub parameters_before: usize,
    /// The number of weights in the model after pruning.
    pub parameters_after: usize,
}

/// Prunes a model until it takes `target_latency` of the time on this machine, and writes it to
/// `out` as [`prune`] does.
///
/// A line fitted to three measurements gives what a head and a neuron cost. Those that are worth
/// least for their cost go until the line predicts the target. Then the result is measured and the
/// aim corrected, up to five times. `texts`, one a batch, are what is timed: their lengths should
/// be those of production.
///
/// # Errors
///
/// [`crate::Error::Config`] for a setting out of range, scores that do not fit, no texts, or a
/// target that cannot be reached with one head and one step of neurons a layer; those of [`prune`].
pub fn prune_to_latency(
    bundle: &Bundle,
    out: &Path,
    importance: &Importance,
    texts: &[TokenBatch],
    config: &PruneConfig,
) -> Result<PruneReport> {
    let stack = blocks_of(bundle.config())?;
    config.validate()?;
    if texts.is_empty() {
        return Err(Error::config("texts", "none", "texts to time"));
    }
    importance.validate(&stack)?;
    refuse_own_folder(bundle, out)?;
    require_fp32(bundle, "fp32")?;
    let staging = staging(out)?;
    let costs = Costs::measure(bundle, texts, &config.runtime, staging.path())?;
    let whole = NativeModel::open(bundle, &config.runtime)?;
    let order = Order::new(&stack, importance, &costs, config.neuron_step);
    let before = costs.of(PrunePlan::whole(&stack).counts());
    let mut best: Option<(PrunePlan, [f64; 2])> = None;
    let mut aim = config.target_latency;
    for _ in 0..TRIALS {
        let plan = order.plan(aim * before, &costs);
        let model = pruned(bundle, &plan, &config.runtime, staging.path())?;
        let seconds = latencies([&whole, &model], texts)?;
        let ratio = seconds[1] / seconds[0];
        let closer = best
            .as_ref()
            .is_none_or(|(_, best)| ratio > best[1] / best[0]);
        let share = ratio / config.target_latency;
        if share <= *NEAR.end() && closer {
            best = Some((plan, seconds));
        }
        if NEAR.contains(&share) {
            break;
        }
        aim *= 0.96 / share;
    }
    let Some((plan, seconds)) = best else {
        let found = format!("{}", config.target_latency);
        let expected = "a share that one head and a few neurons a layer can reach";
        return Err(Error::config("target_latency", found, expected));
    };
    prune(bundle, out, &plan)?;
    report(bundle, out, &plan, seconds.map(|seconds| 1000.0 * seconds))
}

fn report(
    bundle: &Bundle,
    out: &Path,
    plan: &PrunePlan,
    [before, after]: [f64; 2],
) -> Result<PruneReport> {
    let parameters = |bundle: &Bundle| -> usize {
        let shapes = tensors(bundle).into_iter();
        shapes
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    };
    let sizes = |kept: &[Vec<usize>]| kept.iter().map(Vec::len).collect();
    Ok(PruneReport {
        latency_before_ms: before,
        latency_after_ms: after,
        latency_ratio: after / before,
        heads: sizes(&plan.heads),
        neurons: sizes(&plan.neurons),
        parameters_before: parameters(bundle),
        parameters_after: parameters(&Bundle::open(out)?),
    })
}

impl PruneConfig {
    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Config`] names the first one that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.target_latency > 0.0 && self.target_latency < 1.0) {
            let found = self.target_latency.to_string();
            return Err(Error::config(
                "target_latency",
                found,
                "above 0 and below 1",
            ));
        }
        if self.neuron_step == 0 {
            return Err(Error::config("neuron_step", "0", "at least 1"));
        }
        Ok(())
    }
}

/// A part of the model that can be removed.
#[derive(Debug, Clone)]
struct Part {
    layer: usize,
    /// The part: one head, or a step's worth of neurons.
    what: What,
    /// The importance of the part, divided by its cost in seconds.
    worth: f64,
}

#[derive(Debug, Clone)]
enum What {
    Head(usize),
    Neurons(Vec<usize>),
}

/// All parts but the best head and the best neurons of each layer, those worth least first.
///
/// A head and a step of neurons are compared by the squares of their scores, which add up: a part
/// may change the loss in either direction, so that the sum of the sizes would be too much for many
/// small parts (Kwon et al. 2022, <https://arxiv.org/abs/2204.09656>: the diagonal of Fisher's
/// information of a mask).
struct Order {
    whole: PrunePlan,
    parts: Vec<Part>,
}

impl Order {
    fn new(stack: &Stack, importance: &Importance, costs: &Costs, step: usize) -> Self {
        let mut parts = Vec::new();
        let square = |score: f64| score * score;
        for layer in 0..stack.blocks.len() {
            let scores = &importance.heads[layer];
            let mut heads = ascending(scores);
            heads.pop();
            parts.extend(heads.into_iter().map(|head| Part {
                layer,
                what: What::Head(head),
                worth: square(scores[head]) / costs.head,
            }));
            let scores = &importance.neurons[layer];
            parts.extend(steps(ascending(scores), step).into_iter().map(|neurons| {
                let squares = neurons.iter().map(|&neuron| square(scores[neuron]));
                let sum: f64 = squares.sum();
                Part {
                    layer,
                    worth: sum / (costs.neuron * neurons.len() as f64),
                    what: What::Neurons(neurons),
                }
            }));
        }
        parts.sort_by(|a, b| a.worth.total_cmp(&b.worth));
        Self {
            whole: PrunePlan::whole(stack),
            parts,
        }
    }

    /// Removes parts until the model is predicted to take `seconds`, or nothing more can go.
    fn plan(&self, seconds: f64, costs: &Costs) -> PrunePlan {
        let mut left = self.whole.counts();
        let mut plan = self.whole.clone();
        for part in &self.parts {
            if costs.of(left) <= seconds {
                break;
            }
            match &part.what {
                What::Head(head) => {
                    plan.heads[part.layer].retain(|kept| kept != head);
                    left.heads -= 1;
                }
                What::Neurons(gone) => {
                    plan.neurons[part.layer].retain(|kept| !gone.contains(kept));
                    left.neurons -= gone.len();
                }
            }
        }
        plan
    }
}

/// Gives indices by score, the least first; of equals the later one, so that the first stay.
fn ascending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).rev().collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order
}

/// Cuts off steps from the front so that what is left is a multiple of `step`; the last one stays.
fn steps(order: Vec<usize>, step: usize) -> Vec<Vec<usize>> {
    let (odd, even) = order.split_at(order.len() % step);
    let mut steps: Vec<Vec<usize>> = even.chunks(step).map(<[usize]>::to_vec).collect();
    if steps.pop().is_some() && !odd.is_empty() {
        steps.insert(0, odd.to_vec());
    }
    steps
}

#[cfg(test)]
mod tests {
    use cs_model::{BertConfig, EncoderConfig};

    use super::*;

    fn model() -> (EncoderConfig, Importance) {
        let config = BertConfig {
            num_hidden_layers: 2,
            num_attention_heads: 3,
            hidden_size: 6,
            intermediate_size: 10,
            ..BertConfig::default()
        };
        let importance = Importance {
            heads: vec![vec![0.9, 0.1, 0.5], vec![0.2, 0.8, 0.3]],
            neurons: vec![(0..10).map(|n| f64::from(n) * 0.01).collect(); 2],
        };
        (config.into(), importance)
    }

    const COSTS: Costs = Costs {
        fixed: 1.0,
        head: 2.0,
        neuron: 0.1,
    };

    #[test]
    fn the_least_worth_goes_first_and_the_best_stays() {
        let (config, importance) = model();
        let stack = config.stack().unwrap();
        let order = Order::new(&stack, &importance, &COSTS, 4);
        let worths: Vec<f64> = order.parts.iter().map(|part| part.worth).collect();
        assert!(worths.is_sorted());
        // 10 neurons: two go at once, then four; four stay. 3 heads: one stays.
        assert_eq!(order.parts.len(), 2 * (2 + 2));
        let nothing = order.plan(0.0, &COSTS);
        assert_eq!(nothing.heads, [[0], [1]]);
        assert_eq!(nothing.neurons, [[6, 7, 8, 9], [6, 7, 8, 9]]);
        assert!(nothing.apply(&config).is_ok());
        assert_eq!(order.plan(100.0, &COSTS), PrunePlan::whole(&stack));
        let left = order.plan(9.0, &COSTS).counts();
        assert!(COSTS.of(left) <= 9.0 && left.heads > 2);
    }

    #[test]
    fn few_neurons_stay_together() {
        assert_eq!(steps(vec![3, 1, 2], 4), Vec::<Vec<usize>>::new());
        assert_eq!(steps(vec![3, 1, 2, 0], 2), [[3, 1]]);
        assert_eq!(steps(vec![3, 1, 2], 2), [[3]]);
    }
}
