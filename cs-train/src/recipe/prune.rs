//! [`importance`]: what pruning goes by.

use cs_data::Utterance;
use cs_model::{Bundle, Device, Importance, Model};

use crate::data::examples;
use crate::error::Result;
use crate::torch::objective::{self, CombinedLoss};

/// Rows that are looked at, at most.
const SCORED_ROWS: usize = 2048;
/// Rows in a batch: few, so that opposite signs do not cancel out.
const SCORED_TOGETHER: usize = 8;

/// What each attention head and each neuron of a trained transformer is worth, by the loss's
/// gradients on labelled rows, of which 2048 are taken at regular distances. A task that no row is
/// labelled for counts for nothing, and what it needs may be pruned.
///
/// # Errors
///
/// A model that is no transformer, a row that is invalid, rows without labels.
///
/// ```no_run
/// use cs_model::Bundle;
/// use cs_quant::{PruneConfig, prune_to_latency, single_batches};
/// use cs_train::objective::DistillConfig;
/// use cs_train::recipe::{Recipe, Rows, Start, Teaching, importance};
/// use cs_train::run::Silent;
///
/// # let rows = Rows::default();
/// # let texts: Vec<&str> = Vec::new();
/// let bundle = Bundle::open("model".as_ref())?;
/// let importance = importance(&bundle, &rows.train, None)?;
/// let timed = single_batches(&bundle, &texts)?;
/// prune_to_latency(&bundle, "pruned".as_ref(), &importance, &timed, &PruneConfig::default())?;
///
/// // What is left recovers by the labels and by what the whole model says.
/// let teaching = Teaching::open("model".as_ref(), None, DistillConfig::default())?;
/// let recipe = Recipe::new(Start::Trained("pruned".into()), "recovered");
/// recipe.distill(rows, &teaching, &mut Silent)?.write("recovered".as_ref())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn importance(
    bundle: &Bundle,
    rows: &[Utterance],
    device: Option<Device>,
) -> Result<Importance> {
    let scored = rows.iter().step_by(rows.len().div_ceil(SCORED_ROWS).max(1));
    let (tasks, length) = (bundle.tasks(), bundle.max_length());
    let scored = examples(scored.cloned(), &bundle.tokenizer()?, tasks, length)?;
    let model = Model::open(bundle, device.unwrap_or_else(Device::auto))?;
    let loss = CombinedLoss::default();
    objective::importance(&model, &scored, &loss, SCORED_TOGETHER)
}
