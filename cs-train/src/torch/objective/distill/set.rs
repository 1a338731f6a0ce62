//! Rows, and what a teacher says about them.

use cs_model::Tasks;
use tch::Tensor;

use super::config::DistillConfig;
use crate::data::Example;
use crate::torch::objective::tag_lessons::TagLessons;

/// Rows and what the teacher says about them.
#[derive(Debug)]
pub(super) struct Set<'a> {
    pub(super) examples: &'a [Example],
    /// The logits of the intents, `[R, C]`.
    pub(super) intent: Option<Tensor>,
    /// The sentiments in 0..=1, `[R]`.
    pub(super) sentiment: Option<Tensor>,
    /// `None` if the student has no slot head.
    pub(super) tags: Option<TagLessons>,
    pub(super) labelled: bool,
}

impl Set<'_> {
    /// Whether a row has anything to say to a student with these heads.
    pub(super) fn teaches(&self, row: usize, heads: &Tasks, config: &DistillConfig) -> bool {
        let whole = (heads.intent.is_some() && self.intent.is_some())
            || (heads.sentiment && self.sentiment.is_some());
        let tags = self.tags.as_ref();
        let by_teacher = whole || tags.is_some_and(|tags| !tags.shared[row].is_empty());
        let by_label = self.labelled && self.examples[row].is_labelled();
        (config.soft > 0.0 && by_teacher) || (config.hard > 0.0 && by_label)
    }
}
