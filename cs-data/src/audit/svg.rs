//! The class and length distributions as a chart.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::Result;
use crate::file;
use crate::text::escape_markup;

use super::report::AuditReport;

const WIDTH: usize = 900;
const MARGIN: usize = 24;
/// Height of an intent's line.
const LINE: usize = 18;
/// Height of the length histogram.
const PLOT: usize = 180;
/// Intents shown at most; of more, the largest and the smallest halves of it.
const MAX_CLASSES: usize = 200;
/// Width of an intent's name at most, in narrow characters.
const MAX_LABEL: usize = 48;

const INK: &str = "#24292f";
const FAINT: &str = "#6e7781";
const RULE: &str = "#d0d7de";
const BLUE: &str = "#4c78a8";
const RED: &str = "#d1495b";
const FONT: &str = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";

impl AuditReport {
    /// Draws how many rows each intent has, and how long the texts are, as SVG of 900 pixels width,
    /// on white. Red intents have too few rows for the imbalance allowed.
    ///
    /// ```
    /// use cs_data::audit::{Audit, Rules};
    /// use cs_data::{Dataset, Utterance};
    /// let rows = [Utterance::new("1", "退款").with_intent("退款 <&>")];
    /// let report = Audit::new(&Dataset::from_utterances(rows)?).run(&Rules::default())?;
    /// assert!(report.svg().contains("退款 &lt;&amp;&gt;"));
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    pub fn svg(&self) -> String {
        let classes = self.class_chart();
        let lengths = self.length_chart(classes.height);
        let height = lengths.height;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"{FONT}\" font-size=\"12\" fill=\"{INK}\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}{}</svg>\n",
            classes.body, lengths.body
        )
    }

    /// Writes [`svg`](Self::svg) to a file, whole or not at all.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn write_svg(&self, path: &Path) -> Result<()> {
        file::write_output(path, |out| out.write_all(self.svg().as_bytes()))
    }

    fn class_chart(&self) -> Chart {
        let mut chart = Chart::new(MARGIN);
        if self.classes.is_empty() {
            return chart;
        }
        let limit = self
            .rules
            .iter()
            .find(|verdict| verdict.rule == "imbalance");
        let limit = limit.and_then(|verdict| verdict.at_most).unwrap_or(1.0);
        let largest = self.classes[0].rows.max(1);
        let least = largest as f64 / limit;
        let (count, rows) = (self.classes.len(), self.rows);
        chart.title(&format!("{count} intents, {rows} rows"));
        let names: Vec<String> = self
            .classes
            .iter()
            .map(|class| cut(&class.intent))
            .collect();
        let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
        let left = MARGIN + widest * 7 + 10;
        let scale = (WIDTH - MARGIN - 50 - left) as f64 / largest as f64;
        let top = chart.height;
        let hidden = count.saturating_sub(MAX_CLASSES);
        for (at, (class, name)) in self.classes.iter().zip(&names).enumerate() {
            if hidden > 0 && at == MAX_CLASSES / 2 {
                chart.line(&format!("… {hidden} more"), left);
            }
            if hidden == 0 || at < MAX_CLASSES / 2 || at >= MAX_CLASSES / 2 + hidden {
                let color = match (class.rows as f64) < least {
                    true => RED,
                    false => BLUE,
                };
                chart.bar(name, class.rows, left, scale, color);
            }
        }
        chart.threshold(left as f64 + least * scale, top, &number(least));
        chart.height += MARGIN;
        chart
    }

    fn length_chart(&self, top: usize) -> Chart {
        let mut chart = Chart::new(top);
        let lengths = &self.lengths;
        chart.title(&format!(
            "Characters a row: median {}, 95 % at most {}, longest {}",
            lengths.median, lengths.p95, lengths.max
        ));
        let bins = &lengths.histogram;
        let tallest = bins.iter().map(|bin| bin.rows).max().unwrap_or(0).max(1);
        let corner = Corner {
            left: MARGIN + 40,
            base: chart.height + PLOT,
        };
        rules(&mut chart.body, corner, tallest);
        self.length_bars(&mut chart.body, corner, tallest);
        self.languages_line(&mut chart.body, corner);
        chart.height = corner.base + 36 + MARGIN;
        chart
    }

    /// A bar for each bin, and below it where some of them begin.
    fn length_bars(&self, body: &mut String, corner: Corner, tallest: usize) {
        let Corner { left, base } = corner;
        let bins = &self.lengths.histogram;
        let step = (WIDTH - MARGIN - left) as f64 / bins.len().max(1) as f64;
        let every = bins.len().div_ceil(12).max(1);
        for (at, bin) in bins.iter().enumerate() {
            let x = left as f64 + at as f64 * step;
            let tall = bin.rows as f64 * (PLOT - 20) as f64 / tallest as f64;
            let last = if at + 1 == bins.len() { "+" } else { "" };
            put(
                body,
                &format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{BLUE}\">\
                 <title>{} to {} characters: {} rows</title></rect>",
                    x + 1.0,
                    base as f64 - tall,
                    (step - 2.0).max(1.0),
                    bin.from,
                    bin.to - 1,
                    bin.rows
                ),
            );
            if at % every == 0 {
                put(
                    body,
                    &format!(
                        "<text x=\"{:.1}\" y=\"{}\" fill=\"{FAINT}\">{}{last}</text>",
                        x + 1.0,
                        base + 16,
                        bin.from
                    ),
                );
            }
        }
    }

    fn languages_line(&self, body: &mut String, corner: Corner) {
        let Corner { left, base } = corner;
        let languages = &self.languages;
        let text = format!(
            "zh {}, en {}, mixed {}, other {}",
            languages.zh, languages.en, languages.mixed, languages.other
        );
        put(
            body,
            &format!(
                "<text x=\"{left}\" y=\"{}\" fill=\"{FAINT}\">{text}</text>",
                base + 36
            ),
        );
    }
}

/// The lower left corner of a plot, in pixels.
#[derive(Clone, Copy)]
struct Corner {
    left: usize,
    base: usize,
}

/// Three lines over the plot's width, with the rows that each stands for.
fn rules(body: &mut String, corner: Corner, tallest: usize) {
    let Corner { left, base } = corner;
    for part in [0, 1, 2] {
        let y = base - part * (PLOT - 20) / 2;
        let rows = number(tallest as f64 * part as f64 / 2.0);
        put(
            body,
            &format!(
                "<line x1=\"{left}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{RULE}\"/>",
                WIDTH - MARGIN
            ),
        );
        put(
            body,
            &format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{FAINT}\">{rows}</text>",
                left - 6,
                y + 4
            ),
        );
    }
}

/// A part of the picture, grown downwards.
struct Chart {
    body: String,
    height: usize,
}

impl Chart {
    fn new(top: usize) -> Self {
        Chart {
            body: String::new(),
            height: top,
        }
    }

    fn title(&mut self, text: &str) {
        let y = self.height + 14;
        put(
            &mut self.body,
            &format!(
                "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"15\" font-weight=\"600\">{}</text>",
                escape_markup(text)
            ),
        );
        self.height += 32;
    }

    fn line(&mut self, text: &str, x: usize) {
        let y = self.height + 13;
        put(
            &mut self.body,
            &format!(
                "<text x=\"{x}\" y=\"{y}\" fill=\"{FAINT}\">{}</text>",
                escape_markup(text)
            ),
        );
        self.height += LINE;
    }

    fn bar(&mut self, name: &str, rows: usize, left: usize, scale: f64, color: &str) {
        let (y, long) = (self.height, rows as f64 * scale);
        let name = escape_markup(name);
        put(
            &mut self.body,
            &format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>",
                left - 8,
                y + 13
            ),
        );
        put(
            &mut self.body,
            &format!(
                "<rect x=\"{left}\" y=\"{}\" width=\"{long:.1}\" height=\"{}\" fill=\"{color}\"/>",
                y + 3,
                LINE - 5
            ),
        );
        put(
            &mut self.body,
            &format!(
                "<text x=\"{:.1}\" y=\"{}\" fill=\"{FAINT}\" paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"4\">{rows}</text>",
                left as f64 + long + 5.0,
                y + 13
            ),
        );
        self.height += LINE;
    }

    /// A dashed line from `top` to here: below it, classes are too small.
    fn threshold(&mut self, x: f64, top: usize, least: &str) {
        let bottom = self.height + 4;
        put(
            &mut self.body,
            &format!(
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"{RED}\" stroke-dasharray=\"4 3\"/>"
            ),
        );
        put(
            &mut self.body,
            &format!(
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"{RED}\">{least} rows allowed for the smallest</text>",
                bottom + 14
            ),
        );
        self.height = bottom + 18;
    }
}

fn put(body: &mut String, element: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(body, "{element}");
}

fn number(value: f64) -> String {
    format!("{:.0}", value.ceil())
}

/// The width of a text in narrow characters; those beyond Latin, Greek and Cyrillic take two.
fn width(text: &str) -> usize {
    text.chars().map(wide).sum()
}

fn wide(char: char) -> usize {
    if char < '\u{1100}' { 1 } else { 2 }
}

/// The name, cut to be at most [`MAX_LABEL`] wide.
fn cut(name: &str) -> String {
    if width(name) <= MAX_LABEL {
        return name.to_owned();
    }
    let mut room = MAX_LABEL - 1;
    let fits = |char: &char| {
        let enough = room >= wide(*char);
        room = room.saturating_sub(wide(*char));
        enough
    };
    name.chars().take_while(fits).chain(['…']).collect()
}
