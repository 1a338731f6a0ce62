//! What heads and neurons cost in time, as measured on this machine.

use std::path::Path;

use cs_data::TokenBatch;
use cs_model::{Bundle, Stack};

use super::{Counts, PrunePlan, blocks_of, prune};
use crate::compress::timing::time_in_turn;
use crate::error::Result;
use crate::runtime::config::RuntimeConfig;
use crate::runtime::model::NativeModel;

/// The number of forwards of each text.
const ROUNDS: usize = 15;

/// The costs of a model's parts in seconds, a straight line through three measurements:
/// `seconds = fixed + heads * head + neurons * neuron`, with the numbers of heads and neurons in
/// all layers together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Costs {
    pub(crate) fixed: f64,
    pub(crate) head: f64,
    pub(crate) neuron: f64,
}

impl Costs {
    /// Measures the whole model, one with half of the heads, and one with half of the neurons.
    pub(crate) fn measure(
        bundle: &Bundle,
        texts: &[TokenBatch],
        runtime: &RuntimeConfig,
        staging: &Path,
    ) -> Result<Self> {
        let stack = blocks_of(bundle.config())?;
        let whole = PrunePlan::whole(&stack);
        let halved = |kept: &[Vec<usize>]| -> Vec<Vec<usize>> {
            let half = |kept: &Vec<usize>| kept[..kept.len().div_ceil(2)].to_vec();
            kept.iter().map(half).collect()
        };
        let fewer_heads = PrunePlan {
            heads: halved(&whole.heads),
            ..whole.clone()
        };
        let fewer_neurons = PrunePlan {
            neurons: halved(&whole.neurons),
            ..whole.clone()
        };
        let model = NativeModel::open(bundle, runtime)?;
        let by_heads = pruned(bundle, &fewer_heads, runtime, staging)?;
        let by_neurons = pruned(bundle, &fewer_neurons, runtime, staging)?;
        let seconds = latencies([&model, &by_heads, &by_neurons], texts)?;
        Ok(Self::fit(&stack, seconds, [&fewer_heads, &fewer_neurons]))
    }

    /// Fits the costs to the seconds of the whole model and of two smaller ones.
    fn fit(
        stack: &Stack,
        [whole, by_heads, by_neurons]: [f64; 3],
        [fewer_heads, fewer_neurons]: [&PrunePlan; 2],
    ) -> Self {
        let parts = PrunePlan::whole(stack).counts();
        // Noise can make a smaller model seem slower, but a part costs something all the same.
        let slope = |saved: f64, parts: usize| saved.max(whole * 0.01) / parts.max(1) as f64;
        let head = slope(whole - by_heads, parts.heads - fewer_heads.counts().heads);
        let fewer = fewer_neurons.counts().neurons;
        let neuron = slope(whole - by_neurons, parts.neurons - fewer);
        let fixed = whole - head * parts.heads as f64 - neuron * parts.neurons as f64;
        Self {
            fixed: fixed.max(0.0),
            head,
            neuron,
        }
    }

    pub(crate) fn of(&self, parts: Counts) -> f64 {
        self.fixed + self.head * parts.heads as f64 + self.neuron * parts.neurons as f64
    }
}

/// Measures the seconds a text takes with each model: the mean over `texts`, each of which is a
/// batch of its own.
///
/// Of every text the median of 15 forwards counts, with the models in turn: on a machine that has
/// other work, a longer stretch of computing is interrupted more often, so that whole passes over
/// the texts would not compare.
///
/// # Errors
///
/// A model cannot read a text.
pub fn latencies<const N: usize>(
    models: [&NativeModel; N],
    texts: &[TokenBatch],
) -> Result<[f64; N]> {
    let mut means = [0.0; N];
    for text in texts {
        let mut runs = models.map(|model| move || model.forward(text).map(drop));
        let runners = runs.each_mut().map(|run| run as &mut dyn FnMut() -> _);
        for (mean, seconds) in means.iter_mut().zip(time_in_turn(ROUNDS, runners)?) {
            *mean += seconds / texts.len() as f64;
        }
    }
    Ok(means)
}

/// Makes the model of a plan, by way of the folder `staging`.
pub(crate) fn pruned(
    bundle: &Bundle,
    plan: &PrunePlan,
    runtime: &RuntimeConfig,
    staging: &Path,
) -> Result<NativeModel> {
    prune(bundle, staging, plan)?;
    NativeModel::open(&Bundle::open(staging)?, runtime)
}

#[cfg(test)]
mod tests {
    use cs_model::BertConfig;

    use super::*;

    #[test]
    fn the_line_goes_through_the_measurements() {
        let config = BertConfig {
            num_hidden_layers: 2,
            num_attention_heads: 4,
            intermediate_size: 100,
            ..BertConfig::default()
        };
        let stack = config.stack();
        let whole = PrunePlan::whole(&stack);
        let mut fewer_heads = whole.clone();
        fewer_heads.heads = vec![vec![0]; 2];
        let mut fewer_neurons = whole.clone();
        fewer_neurons.neurons = vec![(0..50).collect(); 2];
        let costs = Costs::fit(&stack, [20.0, 17.0, 16.0], [&fewer_heads, &fewer_neurons]);
        assert!((costs.head - 0.5).abs() < 1e-12 && (costs.neuron - 0.04).abs() < 1e-12);
        assert!((costs.fixed - 8.0).abs() < 1e-12);
        for (plan, seconds) in [
            (whole, 20.0),
            (fewer_heads.clone(), 17.0),
            (fewer_neurons, 16.0),
        ] {
            assert!((costs.of(plan.counts()) - seconds).abs() < 1e-9);
        }
        let noisy = Costs::fit(&stack, [10.0, 11.0, 10.0], [&fewer_heads, &fewer_heads]);
        assert!(noisy.head > 0.0 && noisy.neuron > 0.0 && noisy.fixed >= 0.0);
    }
}
