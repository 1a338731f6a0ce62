//! What a run will do, known before its first step.

use cs_data::BatchPlan;
use cs_model::Tasks;

use crate::config::TrainConfig;
use crate::data::{Example, Prepared};
use crate::error::{Error, Result};
use crate::seed::{Stream, derive};

/// The batches of every epoch: a pure function of data and settings.
#[derive(Debug)]
pub(crate) struct RunPlan<'a> {
    config: &'a TrainConfig,
    examples: Vec<&'a Example>,
    lengths: Vec<usize>,
}

impl<'a> RunPlan<'a> {
    /// Plans training on the rows of `train` that have a label.
    pub(crate) fn new(train: &'a Prepared, config: &'a TrainConfig) -> Result<Self> {
        const WHAT: &str = "training";
        if train.examples.is_empty() {
            return Err(Error::Empty { what: WHAT });
        }
        let labelled = train.examples.iter().filter(|e| e.is_labelled());
        let examples: Vec<&Example> = labelled.collect();
        if examples.is_empty() {
            return Err(Error::NoLabels { what: WHAT });
        }
        let lengths = examples.iter().map(|e| e.encoding.ids.len()).collect();
        Ok(Self {
            config,
            examples,
            lengths,
        })
    }

    /// The batches of an epoch (from 0).
    pub(crate) fn batches(&self, epoch: usize) -> Vec<Vec<&'a Example>> {
        let plan = BatchPlan {
            max_tokens: self.config.max_tokens,
            max_sequences: self.config.batch_size,
            shuffle: Some(derive(self.config.seed, Stream::Order, epoch as u64)),
        };
        let rows = plan.batches(&self.lengths).into_iter();
        rows.map(|rows| rows.into_iter().map(|row| self.examples[row]).collect())
            .collect()
    }

    /// Steps of all epochs. An epoch's number of batches depends on its order.
    pub(crate) fn steps(&self) -> usize {
        (0..self.config.epochs)
            .map(|epoch| self.batches(epoch).len())
            .sum()
    }

    /// Rows that are trained on.
    pub(crate) fn rows(&self) -> usize {
        self.examples.len()
    }

    /// The distinct tokens training sees, ascending.
    pub(crate) fn token_ids(&self) -> Vec<i64> {
        let ids = self.examples.iter().flat_map(|e| &e.encoding.ids);
        let mut ids: Vec<i64> = ids.map(|&id| i64::from(id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Checks that validation can tell good weights from bad ones.
pub(crate) fn check_validation(eval: &Prepared, tasks: &Tasks) -> Result<()> {
    const WHAT: &str = "validation";
    if eval.rows.is_empty() {
        return Err(Error::Empty { what: WHAT });
    }
    let scored = eval.rows.iter().any(|row| {
        (tasks.intent.is_some() && row.intent.is_some())
            || (tasks.slots.is_some() && !row.spans.is_empty())
            || (tasks.sentiment && row.sentiment.is_some())
    });
    if scored {
        return Ok(());
    }
    Err(Error::NoLabels { what: WHAT })
}

/// Checks that the model knows every token.
pub(crate) fn check_tokens(data: &Prepared, vocab_size: usize) -> Result<()> {
    for example in &data.examples {
        let unknown = |id: &&u32| usize::try_from(**id).is_ok_and(|id| id >= vocab_size);
        if let Some(&token) = example.encoding.ids.iter().find(unknown) {
            return Err(Error::Vocabulary {
                id: example.id.clone(),
                token,
                vocab_size,
            });
        }
    }
    Ok(())
}
