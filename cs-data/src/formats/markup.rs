//! Inline markup: a row a line, entities in brackets.
//!
//! ```text
//! [用户] 查询[订单]12345[状态]
//! ship to [New York](city) today
//! ```
//!
//! - A bracket at the very start of a line, followed by a space, says the speaker and is not text.
//! - `[text](label)` labels a text.
//! - Any other bracketed word is text as well as label: of the value after it if there is one, else
//!   of itself. A value is a run of ASCII letters, digits, `-` and `_`, or of Chinese, Japanese and
//!   Korean characters.
//! - `\[` is a bracket. A backslash before anything else, and `]` outside brackets, are themselves.
//!
//! Empty lines are skipped. The speaker is kept as `speaker` in `extra`, where JSON Lines has one
//! without a dialogue; other fields cannot be written here.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::file::{Output, shown};
use crate::text::{Span, Utterance, check_text, is_cjk, is_label};

use super::row_reader::{Fault, LineSource, RowReader};
use super::row_writer::{Losses, RowWriter};

const SPEAKER: &str = "speaker";

pub(crate) struct MarkupReader {
    lines: LineSource,
    rows: usize,
}

impl MarkupReader {
    pub(crate) fn new(lines: LineSource, rows: usize) -> Self {
        Self { lines, rows }
    }

    fn row(&self) -> Result<Utterance> {
        let line = self.lines.line();
        let parsed = Parser::new(line).parse();
        let parsed = parsed.map_err(|wrong| {
            let found = shown(&line[wrong.at..]);
            self.lines
                .error(wrong.at, found, wrong.expected)
                .of_labels()
        })?;
        check_text(&parsed.text).map_err(|rule| self.lines.broken(0, &rule))?;
        let mut row = Utterance::new(self.rows.to_string(), parsed.text);
        row.spans = parsed.spans;
        if let Some(speaker) = parsed.speaker {
            row.extra.insert(SPEAKER.into(), speaker.into());
        }
        Ok(row)
    }
}

impl RowReader for MarkupReader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        loop {
            let row = match self.lines.advance()? {
                Ok(()) if self.lines.line().is_empty() => continue,
                Ok(()) => self.row().map_err(Fault::Row),
                Err(fault) => Err(fault),
            };
            self.rows += 1;
            return Some(row);
        }
    }

    fn line(&self) -> Option<usize> {
        Some(self.lines.number())
    }
}

/// A line taken apart.
#[derive(Debug, Default, PartialEq)]
struct Parsed {
    speaker: Option<String>,
    text: String,
    spans: Vec<Span>,
}

/// What is wrong at a byte of the line.
struct Wrong {
    at: usize,
    expected: &'static str,
}

impl Wrong {
    fn at<T>(at: usize, expected: &'static str) -> Result<T, Self> {
        Err(Wrong { at, expected })
    }
}

struct Parser<'a> {
    line: &'a str,
    /// The byte of the line that is read next.
    at: usize,
    out: Parsed,
}

impl<'a> Parser<'a> {
    fn new(line: &'a str) -> Self {
        Parser {
            line,
            at: 0,
            out: Parsed::default(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn parse(mut self) -> Result<Parsed, Wrong> {
        while !self.rest().is_empty() {
            self.literal();
            if self.rest().starts_with('[') {
                self.bracket()?;
            }
        }
        Ok(self.out)
    }

    /// Takes text up to the next bracket.
    fn literal(&mut self) {
        while let Some(stop) = self.rest().find(['[', '\\']) {
            let (before, rest) = self.rest().split_at(stop);
            self.out.text.push_str(before);
            self.at += stop;
            if rest.starts_with('[') {
                return;
            }
            let (char, length) = if rest.starts_with("\\[") {
                ('[', 2)
            } else {
                ('\\', 1)
            };
            self.out.text.push(char);
            self.at += length;
        }
        self.out.text.push_str(self.rest());
        self.at = self.line.len();
    }

    fn bracket(&mut self) -> Result<(), Wrong> {
        let open = self.at;
        let content = self.content()?;
        if let Some(rest) = self.rest().strip_prefix('(') {
            let end = rest.find(')').ok_or(Wrong {
                at: self.at,
                expected: "a closing parenthesis behind the label",
            })?;
            let label = self.label(self.at + 1, &rest[..end])?;
            self.at += end + 2;
            self.push(&content, label);
        } else if open == 0 && self.rest().starts_with(' ') {
            self.at += 1;
            self.out.speaker = Some(content);
        } else {
            let label = self.label(open + 1, &content)?;
            let value = value(self.rest());
            if value.is_empty() {
                self.push(&content, label);
            } else {
                self.out.text.push_str(&content);
                self.at += value.len();
                self.push(value, label);
            }
        }
        Ok(())
    }

    /// What stands in the bracket that opens here.
    fn content(&mut self) -> Result<String, Wrong> {
        let open = self.at;
        let mut content = String::new();
        self.at += 1;
        let mut chars = self.rest().char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                ']' if content.is_empty() => return Wrong::at(open, "a word in the brackets"),
                ']' => {
                    self.at += at + 1;
                    return Ok(content);
                }
                '[' => return Wrong::at(self.at + at, "\\[ inside brackets"),
                '\\' if chars.next_if(|(_, next)| *next == '[').is_some() => content.push('['),
                c => content.push(c),
            }
        }
        Wrong::at(open, "a closing bracket, or \\[ for a bracket in the text")
    }

    fn label(&self, at: usize, label: &str) -> Result<String, Wrong> {
        if is_label(label) {
            Ok(label.to_owned())
        } else {
            Wrong::at(at, "a label, one word")
        }
    }

    fn push(&mut self, text: &str, label: String) {
        let start = self.out.text.len();
        self.out.text.push_str(text);
        self.out
            .spans
            .push(Span::new(start, self.out.text.len(), label));
    }
}

/// Whether a character stands in an ASCII value.
fn is_ascii(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The value at the start of `text`, empty if there is none.
fn value(text: &str) -> &str {
    let class = if text.starts_with(is_ascii) {
        is_ascii
    } else {
        is_cjk
    };
    &text[..text.find(|c| !class(c)).unwrap_or(text.len())]
}

pub(crate) struct MarkupWriter {
    out: Output,
    rows: usize,
}

impl MarkupWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Ok(MarkupWriter {
            out: Output::create(path)?,
            rows: 0,
        })
    }
}

impl RowWriter for MarkupWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        if row.text.contains('\n') || row.text.ends_with('\r') || row.text.is_empty() {
            return Err(Error::unwritable(
                &row.id,
                format!("the text {}", shown(&row.text)),
                "one line, not empty",
            ));
        }
        let spoken = row
            .dialogue
            .as_ref()
            .and_then(|turn| turn.speaker.as_deref());
        let kept = row.extra.get(SPEAKER).and_then(Value::as_str);
        let speaker = spoken.or(kept).filter(|name| is_speaker(name));
        let rendered = Rendered::new(row, speaker);
        if rendered.spans < row.spans.len() {
            lost.add("spans");
        }
        let keeps_extra =
            row.extra.is_empty() || row.extra.len() == 1 && speaker == kept && kept.is_some();
        let held: &[&str] = if keeps_extra {
            &["spans", "extra"]
        } else {
            &["spans"]
        };
        lost.add_all_but(held, row);
        if row.id != self.rows.to_string() {
            lost.add("id");
        }
        let mark = "\u{feff}";
        // The first of two is taken for a byte order mark.
        let doubled = self.rows == 0 && rendered.line.starts_with(mark);
        self.rows += 1;
        self.out.text(if doubled { mark } else { "" })?;
        self.out.text(&rendered.line)?;
        self.out.text("\n")
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.out.finish()
    }
}

fn is_speaker(name: &str) -> bool {
    !name.is_empty() && !name.contains(['[', ']', '\\', '\n', '\0'])
}

/// A row as a line, with as many of its spans as the grammar has room for.
struct Rendered<'a> {
    text: &'a str,
    line: String,
    /// How many bytes of the text are in the line.
    at: usize,
    /// How many spans are in the line.
    spans: usize,
}

impl<'a> Rendered<'a> {
    fn new(row: &'a Utterance, speaker: Option<&str>) -> Self {
        let mut this = Rendered {
            text: &row.text,
            line: speaker.map_or(String::new(), |name| format!("[{name}] ")),
            at: 0,
            spans: 0,
        };
        for span in &row.spans {
            let written =
                this.behind_its_label(span) || this.as_its_label(span) || this.linked(span);
            this.spans += usize::from(written);
        }
        this.literal(row.text.len());
        this
    }

    /// Writes the text up to `end`.
    fn literal(&mut self, end: usize) {
        self.line
            .push_str(&self.text[self.at..end].replace('[', "\\["));
        self.at = end;
    }

    /// Whether an opening bracket at `start` would be one: a backslash before it makes it text.
    fn can_open(&self, start: usize) -> bool {
        let before = &self.text[self.at..start];
        let last = before.chars().next_back();
        last.map_or(!self.line.ends_with('\\'), |last| last != '\\')
    }

    /// Writes a value after its label: `[订单]12345`.
    fn behind_its_label(&mut self, span: &Span) -> bool {
        let label = span.label.as_str();
        let start = span.start.wrapping_sub(label.len());
        let fits = !label.contains(['[', ']', '\\'])
            && span.start >= self.at + label.len()
            && self.text[self.at..span.start].ends_with(label)
            && value(&self.text[span.start..]) == &self.text[span.range()]
            && self.can_open(start);
        if fits {
            self.literal(start);
            self.line
                .push_str(&format!("[{label}]{}", &self.text[span.range()]));
            self.at = span.end;
        }
        fits
    }

    /// Writes a text that is its own label: `[状态]`.
    fn as_its_label(&mut self, span: &Span) -> bool {
        let label = span.label.as_str();
        let rest = &self.text[span.end..];
        let names_speaker = self.line.is_empty() && span.start == 0 && rest.starts_with(' ');
        let fits = &self.text[span.range()] == label
            && !label.contains(['[', ']', '\\'])
            && value(rest).is_empty()
            && !rest.starts_with('(')
            && !names_speaker
            && self.can_open(span.start);
        if fits {
            self.literal(span.start);
            self.line.push_str(&format!("[{label}]"));
            self.at = span.end;
        }
        fits
    }

    /// Writes a text with its label beside it: `[12345](order_id)`.
    fn linked(&mut self, span: &Span) -> bool {
        let text = &self.text[span.range()];
        let fits =
            !text.contains(']') && !span.label.contains([')', '\0']) && self.can_open(span.start);
        if fits {
            self.literal(span.start);
            let text = text.replace('[', "\\[");
            self.line.push_str(&format!("[{text}]({})", span.label));
            self.at = span.end;
        }
        fits
    }
}
