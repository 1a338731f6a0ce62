//! A report as one HTML page: no script, no file beside it, nothing fetched.

use super::EvaluationReport;
use super::cards::cards;
use super::charts;
use super::escape::{label, percent, text};
use super::sections::{
    ClassScores, EntityMistake, EntityReport, IntentMistake, IntentReport, OosReport,
    SentimentReport, SpanText,
};
use crate::metrics::{MismatchKind, Scores};

const STYLE: &str = include_str!("style.css");
/// Confused pairs shown, at most.
const PAIRS: usize = 20;
/// Intents of a heat map that has room beside them, at most.
const BESIDE: usize = 20;
/// Labels shown at once; more of them fold away.
const LABELS: usize = 30;

impl EvaluationReport {
    /// The report as a page that stands alone: style and charts are part of it, it runs no script
    /// and fetches nothing. Labels and texts are escaped. For screens, light and dark, and for
    /// print.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = Page(String::new());
        page.put("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        page.put("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        page.put("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
        page.put(&format!(
            "<title>Evaluation</title><style>{STYLE}</style></head><body>"
        ));
        page.put("<h1>Evaluation</h1>");
        page.put(&format!("<p class=\"faint\">{}</p>", self.summary()));
        page.headline(self);
        if let Some(intents) = &self.intents {
            page.intents(intents, self.abstain_below);
        }
        if let Some(oos) = &self.out_of_scope {
            page.out_of_scope(oos);
        }
        if let Some(entities) = &self.entities {
            page.entities(entities);
        }
        if let Some(sentiment) = &self.sentiment {
            page.sentiment(sentiment);
        }
        page.settings(self);
        page.put("</body></html>\n");
        page.0
    }

    fn summary(&self) -> String {
        let interval = match &self.bootstrap {
            Some(bootstrap) => format!(
                "; intervals hold {} % of {} resamples of the rows",
                percent(bootstrap.confidence, 0),
                bootstrap.resamples
            ),
            None => String::new(),
        };
        format!("{} rows{interval}", self.rows)
    }
}

struct Page(String);

impl Page {
    fn put(&mut self, html: &str) {
        self.0.push_str(html);
        self.0.push('\n');
    }

    fn headline(&mut self, report: &EvaluationReport) {
        let cards = cards(report);
        if cards.is_empty() {
            self.put(
                "<p>There is nothing to score: no row has a label that the model answers.</p>",
            );
        }
        self.put(&format!("<div class=\"cards\">{}</div>", cards.concat()));
    }

    fn intents(&mut self, intents: &IntentReport, abstain_below: Option<f32>) {
        self.put("<h2>Intents</h2>");
        self.put("<div class=\"charts\">");
        if let Some(calibration) = &intents.calibration {
            self.figure(
                &charts::reliability(calibration),
                &format!(
                    "Reliability: where red, accuracy and confidence differ. ECE {} %, largest gap {} %, Brier {:.4}.",
                    percent(calibration.ece, 2),
                    percent(calibration.mce, 1),
                    calibration.brier
                ),
            );
        }
        if !intents.coverage.is_empty() {
            let threshold = abstain_below.map_or(String::new(), |least| {
                format!(
                    " Dashed: the threshold in force, {} %.",
                    percent(f64::from(least), 1)
                )
            });
            self.figure(
                &charts::coverage(&intents.coverage, abstain_below),
                &format!(
                    "<span class=\"key\" style=\"background:var(--green)\"></span>rows answered \
                     <span class=\"key\" style=\"background:var(--blue)\"></span>of these right, by threshold.{threshold}"
                ),
            );
        }
        self.put("</div>");
        self.averages(
            intents.rows,
            [
                intents.micro,
                intents.macro_average,
                intents.weighted_average,
            ],
        );
        self.classes("intent", &intents.classes);
        self.confusion(intents);
        self.intent_mistakes(&intents.mistakes);
    }

    fn figure(&mut self, svg: &str, caption: &str) {
        self.put(&format!(
            "<figure>{svg}<figcaption>{caption}</figcaption></figure>"
        ));
    }

    fn averages(&mut self, count: usize, averages: [Scores; 3]) {
        self.put(&format!(
            "<h3>Averages over {count}</h3><table><tr><th></th><th class=\"n\">precision</th>\
             <th class=\"n\">recall</th><th class=\"n\">F1</th></tr>"
        ));
        for (name, scores) in ["micro", "macro", "weighted"].iter().zip(averages) {
            let [p, r, f] = [scores.precision, scores.recall, scores.f1].map(|s| percent(s, 1));
            self.put(&format!(
                "<tr><td>{name}</td><td class=\"n\">{p}</td><td class=\"n\">{r}</td><td class=\"n\">{f}</td></tr>"
            ));
        }
        self.put("</table>");
    }

    /// The worst first; those beyond the first [`LABELS`] fold away.
    fn classes(&mut self, what: &str, classes: &[ClassScores]) {
        self.put(&format!("<h3>By {what}, the worst first</h3>"));
        let (first, rest) = classes.split_at(classes.len().min(LABELS));
        self.class_table(what, first);
        if !rest.is_empty() {
            self.put(&format!("<details><summary>{} more</summary>", rest.len()));
            self.class_table(what, rest);
            self.put("</details>");
        }
    }

    fn class_table(&mut self, what: &str, classes: &[ClassScores]) {
        self.put(&format!(
            "<div class=\"scroll\"><table><tr><th>{what}</th><th class=\"n\">F1</th><th class=\"f1\"></th>\
             <th class=\"n\">precision</th><th class=\"n\">recall</th><th class=\"n\">rows</th>\
             <th class=\"n\">answers</th></tr>"
        ));
        for class in classes {
            let [f1, precision, recall] =
                [class.f1, class.precision, class.recall].map(|score| percent(score, 1));
            self.put(&format!(
                "<tr><td>{}</td><td class=\"n\">{f1}</td><td class=\"f1\"><span class=\"range\">\
                 <i style=\"left:0;width:{f1}%\"></i></span></td><td class=\"n\">{precision}</td>\
                 <td class=\"n\">{recall}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                label(&class.label),
                class.support,
                class.predicted
            ));
        }
        self.put("</table></div>");
    }

    fn confusion(&mut self, intents: &IntentReport) {
        if intents.confusion.is_empty() {
            return;
        }
        let map = charts::heat_map(intents);
        let beside = !map.is_empty() && intents.classes.len() <= BESIDE;
        self.put("<h3>Confused most</h3>");
        self.put(if beside {
            "<div class=\"charts\"><div>"
        } else {
            "<div><div>"
        });
        self.put("<div class=\"scroll\"><table><tr><th>intent</th><th>taken for</th><th class=\"n\">rows</th></tr>");
        for pair in intents.confusion.iter().take(PAIRS) {
            self.put(&format!(
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
                label(&pair.gold),
                answer(pair.predicted.as_deref()),
                pair.rows
            ));
        }
        self.put("</table></div>");
        let more = intents.confusion.len().saturating_sub(PAIRS);
        if more > 0 {
            self.put(&format!("<p class=\"faint\">and {more} more pairs</p>"));
        }
        self.put("</div>");
        if !map.is_empty() {
            self.figure(&map, "Intents down, answers across; the stronger the colour, the larger the share of the intent's rows. Red is wrong.");
        }
        self.put("</div>");
    }

    fn intent_mistakes(&mut self, mistakes: &[IntentMistake]) {
        if mistakes.is_empty() {
            return;
        }
        self.put("<h3>Wrong, and most sure of it</h3><div class=\"scroll\"><table><tr><th>row</th><th>text</th><th>intent</th><th>answer</th><th class=\"n\">confidence</th></tr>");
        for row in mistakes {
            let confidence = row.confidence.map_or("–".to_owned(), |c| percent(c, 0));
            self.put(&format!(
                "<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td><td class=\"n\">{confidence}</td></tr>",
                label(&row.id),
                text(&row.text),
                label(&row.gold),
                answer(row.predicted.as_deref())
            ));
        }
        self.put("</table></div>");
    }

    fn out_of_scope(&mut self, oos: &OosReport) {
        self.put(&format!(
            "<h2>Out of scope</h2><p>{} rows are labelled {}, {} have another intent. Such a row is recognised if the \
             model abstains or answers that label. Of the rows in scope, {} have the right intent.</p>",
            oos.rows,
            label(&oos.label),
            oos.in_scope,
            oos.in_scope_accuracy.map_or("–".to_owned(), |share| format!("{} %", percent(share, 1)))
        ));
        if let Some(auroc) = oos.auroc {
            self.put("<div class=\"charts\">");
            let caption = format!("ROC curve of the confidence; area {auroc:.4}.");
            self.figure(&charts::roc(&oos.roc), &caption);
            self.put("</div>");
        }
    }

    fn entities(&mut self, entities: &EntityReport) {
        self.put("<h2>Entities</h2>");
        let support = entities.labels.iter().map(|label| label.support).sum();
        self.averages(
            support,
            [
                entities.micro,
                entities.macro_average,
                entities.weighted_average,
            ],
        );
        self.classes("entity", &entities.labels);
        if entities.errors.is_empty() {
            return;
        }
        self.put("<h3>Errors by kind</h3><table>");
        for kind in MismatchKind::ALL {
            let count = entities.errors.get(&kind).copied().unwrap_or(0);
            self.put(&format!(
                "<tr><td>{}</td><td class=\"n\">{count}</td></tr>",
                kind_name(kind)
            ));
        }
        self.put("</table><h3>Rows with most errors</h3><div class=\"scroll\"><table><tr><th>row</th><th>text</th><th>errors</th></tr>");
        for row in &entities.mistakes {
            self.entity_mistake(row);
        }
        self.put("</table></div>");
    }

    fn entity_mistake(&mut self, row: &EntityMistake) {
        let errors = row.errors.iter().map(|error| {
            let gold = error
                .gold
                .as_ref()
                .map_or(String::new(), |s| span(s, "good"));
            let predicted = error
                .predicted
                .as_ref()
                .map_or(String::new(), |s| span(s, "bad"));
            let arrow = if gold.is_empty() || predicted.is_empty() {
                ""
            } else {
                " → "
            };
            format!(
                "<div><small>{}</small> {gold}{arrow}{predicted}</div>",
                kind_name(error.kind)
            )
        });
        let errors: String = errors.collect();
        self.put(&format!(
            "<tr><td>{}</td><td class=\"text\">{}</td><td>{errors}</td></tr>",
            label(&row.id),
            text(&row.text)
        ));
    }

    fn sentiment(&mut self, sentiment: &SentimentReport) {
        self.put(&format!(
            "<h2>Sentiment</h2><p>{} rows; mean squared error {:.4}, mean absolute error {:.4}.</p>",
            sentiment.rows, sentiment.mse, sentiment.mae
        ));
        if let Some(agreement) = &sentiment.agreement {
            let gold = agreement
                .gold
                .map_or("–".to_owned(), |share| percent(share, 1));
            self.put(&format!(
                "<p>In {} % of {} rows the sentiment is on the side of neutral that the answered intent usually is on; \
                 in the gold labels, in {gold} %.</p>",
                percent(agreement.predicted, 1),
                agreement.rows
            ));
        }
    }

    fn settings(&mut self, report: &EvaluationReport) {
        self.put("<h2>Settings</h2><dl>");
        let mut entries: Vec<(String, String)> = report
            .about
            .iter()
            .map(|(name, value)| (label(name), text(value)))
            .collect();
        entries.push(("rows".to_owned(), report.rows.to_string()));
        if let Some(least) = report.abstain_below {
            entries.push((
                "abstains below".to_owned(),
                format!("{} %", percent(f64::from(least), 1)),
            ));
        }
        if let Some(bootstrap) = &report.bootstrap {
            let resamples = format!("{} resamples, seed {}", bootstrap.resamples, bootstrap.seed);
            entries.push(("bootstrap".to_owned(), resamples));
        }
        entries.push((
            "report format".to_owned(),
            report.format_version.to_string(),
        ));
        for (name, value) in entries {
            self.put(&format!("<dt>{name}</dt><dd>{value}</dd>"));
        }
        self.put("</dl>");
    }
}

fn kind_name(kind: MismatchKind) -> &'static str {
    match kind {
        MismatchKind::Missed => "missed",
        MismatchKind::Spurious => "spurious",
        MismatchKind::WrongLabel => "wrong label",
        MismatchKind::WrongBoundary => "wrong boundary",
        MismatchKind::WrongBoth => "wrong label and boundary",
    }
}

fn span(span: &SpanText, class: &str) -> String {
    let (name, text) = (label(&span.label), label(&span.text));
    format!("<span class=\"{class}\">{text} <span class=\"tag\">{name}</span></span>")
}

fn answer(predicted: Option<&str>) -> String {
    predicted.map_or("<span class=\"faint\">(abstained)</span>".to_owned(), label)
}
