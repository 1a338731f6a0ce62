//! CoNLL: a token and its tag a line, a blank line between sentences.
//!
//! Columns are separated by tabs or, in a line without a tab, by spaces; the first is the token,
//! the last its tag, those between are not read. A line with `-DOCSTART-` for a token ends a
//! sentence and is skipped, unless `# text` says that it is a token. Also read, and told apart by
//! the first line: a sentence a line, `token:tag token:tag`, with perhaps ` <=> intent` after it
//! (`<NULL>`: none).
//!
//! Comment lines above a sentence hold the other fields of its row: `# intent = refund`. Under
//! `# text = …` the text, and with it the positions of the tokens, is what it says. Otherwise
//! tokens are joined: with nothing if all are single characters, else with a space, but with
//! nothing beside a Chinese or Japanese character. The writer adds the text where that would not
//! give it back, so nothing is lost. Spans with white space at their ends stand in `# spans`, which
//! overrides tags.

use std::path::Path;

use crate::error::{Error, Result};
use crate::file::{Output, shown};
use crate::formats::comments;
use crate::formats::comments::Held;
use crate::formats::row_reader::{Fault, LineSource, MAX_LINE_BYTES, RowReader};
use crate::formats::row_writer::{Losses, RowWriter};
use crate::tags::Scheme;
use crate::text::{Span, Utterance, check_text};

use super::block::{Block, Comments, columns, is_other_comment, is_sentence, pairs};
use super::tagging::Tagging;
use super::tokens;

const DOCSTART: &str = "-DOCSTART-";

/// Reads sentences; in `scheme`, or in the one that all sentences so far allow.
pub(crate) struct ConllReader {
    lines: LineSource,
    tagging: Tagging,
    /// Whether a line is a sentence; known from the first line with a token.
    is_inline: Option<bool>,
    rows: usize,
    block: Block,
}

impl ConllReader {
    pub(crate) fn new(lines: LineSource, scheme: Option<Scheme>, rows: usize) -> Self {
        Self {
            lines,
            tagging: Tagging::new(scheme),
            is_inline: None,
            rows,
            block: Block::default(),
        }
    }

    /// Collects the lines of the next sentence; `None` at the end.
    fn collect(&mut self) -> Option<Result<(), Fault>> {
        self.block = Block::default();
        let mut broken = None;
        while let Some(result) = self.lines.advance() {
            match result {
                Err(Fault::Row(error)) => {
                    broken.get_or_insert(error);
                    if self.is_inline == Some(true) {
                        break;
                    }
                    continue;
                }
                Err(fault) => return Some(Err(fault)),
                Ok(()) => {}
            }
            let line = self.lines.line();
            if line.chars().all(|c| matches!(c, ' ' | '\t')) || self.is_boundary(line) {
                if broken.is_some() || !self.block.is_empty() {
                    break;
                }
                continue;
            }
            if let Err(error) = self.add_line() {
                broken.get_or_insert(error);
            }
            if self.is_inline == Some(true) && (broken.is_some() || !self.block.items.is_empty()) {
                break;
            }
        }
        match broken {
            Some(error) => Some(Err(Fault::Row(error))),
            None => (!self.block.is_empty()).then_some(Ok(())),
        }
    }

    /// Whether a line begins a document. Where the text is told, such a token may be in it.
    fn is_boundary(&self, line: &str) -> bool {
        !self.block.says_text && line.split([' ', '\t']).next() == Some(DOCSTART)
    }

    fn add_line(&mut self) -> Result<()> {
        let line = self.lines.line();
        if self.block.raw.len() + line.len() > MAX_LINE_BYTES {
            let found = "a sentence that goes on and on";
            let expected = format!("a blank line within {MAX_LINE_BYTES} bytes");
            return Err(self.lines.error(0, found, expected));
        }
        if self.block.items.is_empty() {
            let key = comments::key_value(line).map(|(key, _)| key);
            if key.is_some() || is_other_comment(line) {
                self.block.says_text |= key == Some("text");
                self.block.push(&self.lines);
                return Ok(());
            }
        }
        let is_inline = *self.is_inline.get_or_insert_with(|| is_sentence(line));
        let columns = if is_inline {
            Ok(pairs(line))
        } else {
            columns(line).map(|item| vec![item])
        };
        let items = columns.map_err(|at| {
            let found = shown(line);
            self.lines
                .error(at, found, "a token and its tag")
                .of_labels()
        })?;
        self.block.push_items(&self.lines, items);
        Ok(())
    }

    /// The row of the collected sentence; `None` for comments that stand alone.
    fn row(&mut self) -> Result<Option<Utterance>> {
        let block = &self.block;
        let Comments { values, others } = block.comments(&self.lines)?;
        if block.items.is_empty() && values.is_empty() {
            return Ok(None);
        }
        let (text, tokens) = block.text(&self.lines, &values)?;
        check_text(&text).map_err(|rule| {
            let (found, expected) = (rule.found(), rule.expected());
            block.error(&self.lines, 0, found, expected)
        })?;
        let tags: Vec<&str> = block
            .items
            .iter()
            .map(|item| &block.raw[item.tag.clone()])
            .collect();
        let spans = self
            .tagging
            .decode(&tokens, &tags, block.first)
            .map_err(|wrong| {
                let item = wrong.index.and_then(|index| block.items.get(index));
                let at = item.map_or(block.raw.len(), |item| item.tag.start);
                block
                    .error(&self.lines, at, wrong.found, wrong.expected)
                    .of_labels()
            })?;
        let mut row = Utterance::new(self.rows.to_string(), text);
        row.spans = spans;
        let pairs: Vec<_> = values
            .iter()
            .map(|value| (value.key, &block.raw[value.range.clone()]))
            .collect();
        comments::read(&mut row, &pairs, &others).map_err(|bad| {
            let value = values.iter().find(|value| value.key == bad.key);
            let range = value.map_or(0..0, |value| value.range.clone());
            let found = shown(&block.raw[range.clone()]);
            block.error(&self.lines, range.start, found, bad.expected)
        })?;
        if let Some(intent) = &block.intent {
            row.intent = Some(block.raw[intent.clone()].to_owned());
        }
        Ok(Some(row))
    }
}

impl RowReader for ConllReader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        loop {
            if let Err(fault) = self.collect()? {
                self.rows += 1;
                return Some(Err(fault));
            }
            match self.row() {
                Ok(None) => {}
                row => {
                    self.rows += 1;
                    return row.map_err(Fault::Row).transpose();
                }
            }
        }
    }

    fn line(&self) -> Option<usize> {
        Some(self.block.first)
    }
}

/// Writes sentences, with `# text` and other comments where they say more than the tokens.
pub(crate) struct ConllWriter {
    out: Output,
    scheme: Scheme,
    rows: usize,
}

impl ConllWriter {
    pub(crate) fn create(path: &Path, scheme: Scheme) -> Result<Self> {
        Ok(ConllWriter {
            out: Output::create(path)?,
            scheme,
            rows: 0,
        })
    }
}

impl RowWriter for ConllWriter {
    fn write(&mut self, row: &Utterance, _: &mut Losses) -> Result<()> {
        let spans = row.spans.iter();
        let spans = spans.filter(|span| can_hold(span, &row.text));
        let spans: Vec<Span> = spans.cloned().collect();
        let tokens = tokens::split(&row.text, &spans);
        let tags = self.scheme.encode(&tokens, &spans).map_err(|error| {
            Error::unwritable(&row.id, error.to_string(), "spans of whole tokens")
        })?;
        let words: Vec<&str> = tokens
            .iter()
            .map(|token| &row.text[token.clone()])
            .collect();
        let held = Held {
            id: row.id != self.rows.to_string(),
            text: words.is_empty()
                || words.contains(&DOCSTART)
                || tokens::join(&words).0 != row.text,
        };
        let mut block = comments::write(row, &held, is_other_comment);
        if spans.len() < row.spans.len() {
            let all = &row.to_json()[comments::SPANS];
            block.push_str(&format!("# {} = {all}\n", comments::SPANS));
        }
        for (word, tag) in words.iter().zip(&tags) {
            block.push_str(&format!("{word}\t{tag}\n"));
        }
        block.push('\n');
        self.rows += 1;
        self.out.text(&block)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.out.finish()
    }
}

/// Whether tags can hold a span.
fn can_hold(span: &Span, text: &str) -> bool {
    let text = &text[span.range()];
    text.trim() == text && !span.label.contains('\0')
}
