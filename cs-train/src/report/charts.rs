//! The page's charts as inline SVG; colours come from the page's style.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cs_data::text::escape_markup;

use super::escape::shortened;
use super::sections::IntentReport;
use crate::metrics::{CoveragePoint, Reliability, RocPoint};

/// Side of a plot's square.
const SIDE: f64 = 260.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
/// Side of a heat map's cell.
const CELL: f64 = 17.0;
/// Room for a heat map's labels.
const MARGIN: f64 = 170.0;
/// Intents in the heat map, at most.
const HEAT_LABELS: usize = 40;

/// A square with both axes from 0 to 1.
struct Plot(String);

impl Plot {
    fn new(title: &str, x: &str, y: &str) -> Self {
        let (width, height) = (SIDE + LEFT + 14.0, SIDE + TOP + 42.0);
        let title = escape_markup(title);
        let mut plot = Self(format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">"
        ));
        for tick in 0..=4 {
            let value = f64::from(tick) / 4.0;
            let (at_x, at_y) = (px(value), py(value));
            let percent = 25 * tick;
            plot.put(format_args!(
                "<path class=\"grid\" d=\"M{at_x:.1} {TOP}V{:.1}M{LEFT} {at_y:.1}H{:.1}\"/>\
                 <text x=\"{at_x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{percent}</text>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent}</text>",
                TOP + SIDE,
                LEFT + SIDE,
                TOP + SIDE + 16.0,
                LEFT - 7.0,
                at_y + 4.0,
            ));
        }
        plot.put(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(12 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            LEFT + SIDE / 2.0,
            TOP + SIDE + 35.0,
            escape_markup(x),
            TOP + SIDE / 2.0,
            escape_markup(y),
        ));
        plot
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.0.write_fmt(element);
    }

    fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", px(x), py(y));
        }
        self.put(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
    }

    fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }
}

fn px(value: f64) -> f64 {
    LEFT + SIDE * value
}

fn py(value: f64) -> f64 {
    TOP + SIDE * (1.0 - value)
}

/// Accuracy over confidence, a bar a bin, and its rows as a strip below the diagonal's foot.
pub(super) fn reliability(reliability: &Reliability) -> String {
    let mut plot = Plot::new("Reliability diagram", "confidence, %", "accuracy, %");
    let most = reliability
        .bins
        .iter()
        .map(|bin| bin.rows)
        .max()
        .unwrap_or(0)
        .max(1);
    for bin in &reliability.bins {
        let (Some(accuracy), Some(confidence)) = (bin.accuracy, bin.confidence) else {
            continue;
        };
        let weight = 0.25 + 0.75 * (bin.rows as f64 / most as f64).sqrt();
        let (low, high) = (accuracy.min(confidence), accuracy.max(confidence));
        let (x, width) = (px(bin.from) + 1.0, px(bin.to) - px(bin.from) - 2.0);
        plot.put(format_args!(
            "<g><title>{:.0} to {:.0} %: {} rows, mean confidence {:.1} %, accuracy {:.1} %</title>\
             <rect class=\"bar\" opacity=\"{weight:.2}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
             <rect class=\"gap\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/></g>",
            100.0 * bin.from,
            100.0 * bin.to,
            bin.rows,
            100.0 * confidence,
            100.0 * accuracy,
            py(accuracy),
            SIDE * accuracy,
            py(high),
            SIDE * (high - low),
        ));
    }
    plot.line("diagonal", [(0.0, 0.0), (1.0, 1.0)]);
    plot.finish()
}

/// Coverage and accuracy over the threshold, with the one in force.
pub(super) fn coverage(curve: &[CoveragePoint], in_force: Option<f32>) -> String {
    let mut plot = Plot::new(
        "Coverage and accuracy by threshold",
        "threshold on the confidence, %",
        "share of rows, %",
    );
    if let Some(threshold) = in_force {
        let x = f64::from(threshold);
        plot.line("diagonal", [(x, 0.0), (x, 1.0)]);
    }
    plot.line(
        "second",
        curve.iter().map(|point| (point.threshold, point.coverage)),
    );
    let accuracy = |point: &CoveragePoint| Some((point.threshold, point.accuracy?));
    plot.line("first", curve.iter().filter_map(accuracy));
    plot.finish()
}

/// True positives over false positives.
pub(super) fn roc(curve: &[RocPoint]) -> String {
    let mut plot = Plot::new(
        "ROC curve",
        "in scope, but taken for out of scope, %",
        "out of scope and recognised, %",
    );
    plot.line("diagonal", [(0.0, 0.0), (1.0, 1.0)]);
    plot.line(
        "first",
        curve.iter().map(|p| (p.false_positives, p.true_positives)),
    );
    plot.finish()
}

/// Gold intents down, answers across; the stronger the colour, the larger the share of the gold
/// intent's rows. Empty if there are too many intents to see anything, or just one.
pub(super) fn heat_map(report: &IntentReport) -> String {
    let classes = report.classes.iter();
    let mut names: Vec<&str> = classes.map(|class| class.label.as_str()).collect();
    if !(2..=HEAT_LABELS).contains(&names.len()) {
        return String::new();
    }
    names.sort_unstable();
    let abstained = report.confusion.iter().any(|pair| pair.predicted.is_none());
    let (rows, columns) = (names.len() as f64, names.len() + usize::from(abstained));
    let across = CELL * columns as f64;
    let (width, height) = (MARGIN + across + 6.0, MARGIN + CELL * rows + 6.0);
    let mut svg = format!(
        "<svg style=\"max-width:{width}px\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Confusion of intents\">"
    );
    heat_labels(&mut svg, &names, abstained);
    heat_cells(&mut svg, &names, report);
    let _ = write!(
        svg,
        "<rect class=\"frame\" x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{across:.1}\" height=\"{:.1}\"/></svg>",
        CELL * rows,
    );
    svg
}

fn heat_labels(svg: &mut String, names: &[&str], abstained: bool) {
    let edge = MARGIN - 6.0;
    for (at, name) in names.iter().enumerate() {
        let (name, y) = (shortened(name, 24), MARGIN + CELL * (at as f64 + 0.72));
        let _ = write!(
            svg,
            "<text x=\"{edge}\" y=\"{y:.1}\" text-anchor=\"end\">{name}</text>\
             <text transform=\"translate({y:.1} {edge}) rotate(-90)\">{name}</text>",
        );
    }
    if abstained {
        let x = MARGIN + CELL * (names.len() as f64 + 0.72);
        let _ = write!(
            svg,
            "<text transform=\"translate({x:.1} {edge}) rotate(-90)\">(abstained)</text>"
        );
    }
}

fn heat_cells(svg: &mut String, names: &[&str], report: &IntentReport) {
    let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let classes = || {
        report
            .classes
            .iter()
            .map(|class| (class.label.as_str(), class))
    };
    let supports: BTreeMap<&str, usize> = classes().map(|(l, class)| (l, class.support)).collect();
    let right = classes().map(|(label, class)| (label, Some(label), class.right));
    let wrong = report.confusion.iter();
    let wrong = wrong.map(|pair| (pair.gold.as_str(), pair.predicted.as_deref(), pair.rows));
    for (gold, predicted, rows) in right.chain(wrong).filter(|cell| cell.2 > 0) {
        let column = predicted.map_or(Some(names.len()), |name| index.get(name).copied());
        let (Some(&row), Some(column)) = (index.get(gold), column) else {
            continue;
        };
        let support = supports.get(gold).copied().unwrap_or(0).max(rows);
        let class = if predicted == Some(gold) {
            "hit"
        } else {
            "miss"
        };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{side}\" height=\"{side}\" opacity=\"{:.2}\">\
             <title>{} taken for {}: {rows} of {support}</title></rect>",
            MARGIN + CELL * column as f64 + 0.5,
            MARGIN + CELL * row as f64 + 0.5,
            0.12 + 0.88 * (rows as f64 / support as f64).sqrt(),
            escape_markup(gold),
            predicted.map_or("(abstained)".to_owned(), escape_markup),
            side = CELL - 1.0,
        );
    }
}
