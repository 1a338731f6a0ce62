//! Plain texts, one a line.

use crate::error::{Error, Result};
use crate::file::{Output, shown};
use crate::text::{Utterance, check_text};

use super::row_reader::{Fault, LineSource, RowReader};
use super::row_writer::{Losses, RowWriter};

/// Blank lines are skipped.
pub(crate) struct TextReader {
    lines: LineSource,
    rows: usize,
}

impl TextReader {
    pub(crate) fn new(lines: LineSource, rows: usize) -> Self {
        Self { lines, rows }
    }
}

impl RowReader for TextReader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        loop {
            let line = self.lines.advance()?;
            let text = self.lines.line();
            if line.is_ok() && text.trim().is_empty() {
                continue;
            }
            let id = self.rows.to_string();
            self.rows += 1;
            let checked = line.and_then(|()| {
                check_text(text).map_err(|rule| Fault::Row(self.lines.broken(0, &rule)))
            });
            return Some(checked.map(|()| Utterance::new(id, text)));
        }
    }

    fn line(&self) -> Option<usize> {
        Some(self.lines.number())
    }
}

/// Writes texts alone.
pub(crate) struct TextWriter(pub(crate) Output);

impl RowWriter for TextWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        if row.text.contains(['\n', '\r']) || row.text.trim().is_empty() {
            return Err(Error::unwritable(
                &row.id,
                format!("the text {}", shown(&row.text)),
                "one line, not blank",
            ));
        }
        lost.add("id");
        lost.add_all_but(&[], row);
        self.0.text(&row.text)?;
        self.0.text("\n")
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}
