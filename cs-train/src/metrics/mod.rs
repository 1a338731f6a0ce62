//! Figures of merit, in plain Rust: no tensors, no model.
//!
//! Each equals the field's reference implementation, and the tests hold its values: scikit-learn
//! for labels, probabilities and the ROC curve, seqeval for spans, sacrebleu for BLEU, the code of
//! [Guo et al.](https://arxiv.org/abs/1706.04599) for calibration. What is not defined (no rows, no
//! positives, a NaN among the numbers) is `None`, never NaN.

mod bleu;
mod bleu_tokenizer;
mod bootstrap;
mod calibration;
mod confusion;
mod counts;
mod histogram;
mod labels;
mod perplexity;
mod pr_curve;
mod roc;
mod scored_tags;
mod selective;
mod sentiment;
mod span_mismatches;
mod tags;

pub use bleu::{BleuConfig, BleuCounts, BleuScore, BleuSmoothing, bleu, sentence_bleu};
pub use bleu_tokenizer::BleuTokenizer;
pub use bootstrap::{Bootstrap, Interval};
pub(crate) use calibration::Gaps;
pub use calibration::{Reliability, ReliabilityBin};
pub use confusion::{Confused, ConfusionMatrix};
pub(crate) use counts::macro_average;
pub use counts::{Counts, LabelCounts, Scores};
pub use histogram::Histogram;
pub use labels::accuracy;
pub use perplexity::perplexity;
pub(crate) use pr_curve::THRESHOLDS;
pub use pr_curve::{PrCurve, PrPoint};
pub use roc::{RocPoint, auroc, roc_curve};
pub(crate) use roc::{ScoredRows, auroc_of_sorted};
pub use scored_tags::{ScoredTags, scored_tags};
pub use selective::{CoveragePoint, coverage_curve};
pub use sentiment::{
    FeltIntent, SentimentAgreement, mean_absolute_error, mean_squared_error, sentiment_agreement,
    takes_side,
};
pub(crate) use sentiment::{IndexedRow, NEUTRAL, agreement};
pub use span_mismatches::{MismatchKind, SpanMismatch, span_mismatches};
pub use tags::TagMode;

/// The mean of some values; `None` without values, or if it is NaN.
fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for value in values {
        sum += value;
        count += 1;
    }
    let mean = sum / count as f64;
    (count > 0 && !mean.is_nan()).then_some(mean)
}
