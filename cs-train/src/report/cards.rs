//! The figures at the top of the page.

use std::fmt::Write as _;

use super::EvaluationReport;
use super::escape::percent;
use crate::evaluation::Evaluation;
use crate::metrics::Interval;

/// The figures that have a card, and what it calls them.
const NAMES: [(&str, &str); 11] = [
    ("intent_accuracy", "Intent accuracy"),
    ("intent_macro_f1", "Intent macro-F1"),
    ("slot_f1", "Entity F1"),
    ("sentence_accuracy", "Whole rows right"),
    ("sentiment_mse", "Sentiment, squared error"),
    ("sentiment_accuracy", "Sentiment, right side"),
    ("sentiment_fits_intent", "Sentiment fits intent"),
    ("ece", "Calibration error"),
    ("oos_recall", "Out of scope, recall"),
    ("oos_precision", "Out of scope, precision"),
    ("oos_auroc", "Out of scope, AUROC"),
];

/// Gives a card for each figure that there is.
pub(super) fn cards(report: &EvaluationReport) -> Vec<String> {
    let values = report.evaluation.values();
    let value = |key| {
        let at = Evaluation::FIGURES.iter().position(|figure| *figure == key);
        at.and_then(|at| values[at])
    };
    NAMES
        .iter()
        .filter_map(|(key, name)| Some(card(key, name, value(*key)?, report.intervals.get(*key))))
        .collect()
}

fn card(key: &str, name: &str, value: f64, interval: Option<&Interval>) -> String {
    let mut card = format!(
        "<div class=\"card\"><small>{name}</small><b>{}</b>",
        show(key, value)
    );
    if let Some(interval) = interval {
        let clamp = |value: f64| 100.0 * value.clamp(0.0, 1.0);
        let (low, high) = (clamp(interval.low), clamp(interval.high));
        let _ = write!(
            card,
            "<span class=\"range\"><i style=\"left:{low:.1}%;width:{:.1}%\"></i></span><small>{} to {}</small>",
            high - low,
            show(key, interval.low),
            show(key, interval.high)
        );
    }
    card + "</div>"
}

fn show(key: &str, value: f64) -> String {
    match key {
        "sentiment_mse" => format!("{value:.4}"),
        "oos_auroc" => format!("{value:.3}"),
        _ => format!("{} %", percent(value, 1)),
    }
}
