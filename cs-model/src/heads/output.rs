//! What a model's heads give, as plain numbers.
//!
//! In the shapes, `B` is the number of sequences, `N` that of packed tokens, `H` the hidden width,
//! `C` the number of intents and `T` that of slot tags.

use std::sync::Arc;

use super::crf::Transitions;
use super::matrix::Matrix;
use super::tasks::Tasks;
use crate::error::{Error, Result};

/// The results of a model's heads for a packed batch; `None` for each task that the model does not
/// have.
///
/// ```
/// use cs_model::{HeadOutput, Matrix, Tasks};
///
/// let tasks = Tasks { intent: Some(vec!["refund".into(), "hello".into()]), ..Tasks::default() };
/// let output = HeadOutput { intent: Some(Matrix::zeros(3, 2)), ..HeadOutput::default() };
/// assert!(output.check(&tasks, 3, 17).is_ok());
/// assert!(output.check(&tasks, 4, 17).is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeadOutput {
    /// The logits of the intents, `[B, C]`.
    pub intent: Option<Matrix>,
    /// The logits of the slot tags, `[N, T]`.
    pub slots: Option<Matrix>,
    /// The sentiment of each sequence, `[B]`: from 0 (negative) to 1 (positive), after the sigmoid.
    pub sentiment: Option<Vec<f32>>,
    /// The scores that choose among sequences of tags, if the slot head is a conditional random
    /// field.
    pub transitions: Option<Arc<Transitions>>,
    /// The vector of each sequence that intent and sentiment were computed from, `[B, H]`; `None`
    /// where there are no such heads, or the backend does not tell.
    pub pooled: Option<Matrix>,
}

impl HeadOutput {
    /// Checks that there is a result of the right shape for each task.
    ///
    /// # Errors
    /// [`Error::Shape`] names the task.
    pub fn check(&self, tasks: &Tasks, sequences: usize, tokens: usize) -> Result<()> {
        let intents = tasks.intent.as_ref().map(Vec::len);
        check_task("intent logits", &self.intent, intents, sequences)?;
        let tags = tasks.slots.as_ref().map(|tags| tags.tags().len());
        check_task("slot logits", &self.slots, tags, tokens)?;
        let expected = tasks.crf_tags().map(|tags| tags.tags().len());
        let found = self.transitions.as_ref().map(|crf| crf.tags());
        check_count("transitions of the slot tags", expected, found)?;
        let expected = tasks.sentiment.then_some(sequences);
        check_count("sentiment", expected, self.sentiment.as_ref().map(Vec::len))?;
        match &self.pooled {
            Some(pooled) => pooled.check("pooled vectors", sequences, pooled.cols),
            None => Ok(()),
        }
    }
}

fn check_count(what: &'static str, expected: Option<usize>, found: Option<usize>) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let text = |count: Option<usize>| count.map_or("none".into(), |count| format!("[{count}]"));
    Err(Error::Shape {
        what,
        expected: text(expected),
        found: text(found),
    })
}

fn check_task(
    what: &'static str,
    output: &Option<Matrix>,
    labels: Option<usize>,
    rows: usize,
) -> Result<()> {
    match (output, labels) {
        (None, None) => Ok(()),
        (Some(matrix), Some(labels)) => matrix.check(what, rows, labels),
        (Some(matrix), None) => Err(Error::Shape {
            what,
            expected: "none".into(),
            found: format!("[{}, {}]", matrix.rows, matrix.cols),
        }),
        (None, Some(labels)) => Err(Error::Shape {
            what,
            expected: format!("[{rows}, {labels}]"),
            found: "none".into(),
        }),
    }
}
