//! A line of a list, as people write them: `text⇥category⇥severity⇥action`.

use std::path::Path;

use cs_data::file::{Position, line_column};

use super::action::{Action, Severity};
use super::error::ListError;

/// What is to be done where the text of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Nothing: it is innocent.
    Allow,
    Act(Action),
}

/// What a line of a list has to be.
pub(super) struct Shape {
    /// What its text is called.
    pub(super) what: &'static str,
    /// The most characters of its text.
    pub(super) max_chars: usize,
    /// The same in words.
    pub(super) expected: &'static str,
    /// Its columns.
    pub(super) columns: &'static str,
    /// What is to be done if it does not say.
    pub(super) action: Action,
}

/// A line that has been read.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) category: &'a str,
    pub(super) severity: Severity,
    pub(super) rule: Rule,
}

impl<'a> Line<'a> {
    /// Reads a line that begins at a byte of the file; none if there is nothing on it.
    pub(super) fn read(
        source: &Source<'_>,
        at: usize,
        line: &'a str,
        shape: &Shape,
    ) -> Result<Option<Self>, ListError> {
        if line.is_empty() {
            return Ok(None);
        }
        let cell_at = |cell: &str| at + (cell.as_ptr() as usize - line.as_ptr() as usize);
        let mut cells = line.split('\t').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (text, category, severity, rule) = (next(), next(), next(), next());
        if let Some(found) = shape.problem(text) {
            return Err(source.error(at, found, shape.expected));
        }
        let severity = match severity {
            "" => Severity::DEFAULT,
            name => Severity::named(name).ok_or_else(|| {
                let found = format!("the severity {}", shown(name));
                source.error(cell_at(name), found, Severity::EXPECTED)
            })?,
        };
        let rule = match rule {
            "" => Rule::Act(shape.action),
            "allow" => Rule::Allow,
            name => Rule::Act(Action::named(name).ok_or_else(|| {
                let found = format!("the action {}", shown(name));
                source.error(cell_at(name), found, Action::EXPECTED)
            })?),
        };
        if let Some(cell) = cells.next() {
            let found = format!("a fifth column, {}", shown(cell));
            return Err(source.error(cell_at(cell), found, shape.columns));
        }
        Ok(Some(Self {
            text,
            category,
            severity,
            rule,
        }))
    }
}

impl Shape {
    /// What is wrong with a text.
    fn problem(&self, text: &str) -> Option<String> {
        let what = self.what;
        match text.chars().take(self.max_chars + 1).count() {
            0 => Some(format!("no {what}")),
            chars if chars > self.max_chars => {
                Some(format!("a {what} of {} characters", text.chars().count()))
            }
            _ => text.contains('\0').then(|| "a NUL character".to_owned()),
        }
    }
}

/// The lines of a file, without their ends and comments, each with the byte that it begins at.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut next = mark;
    text[mark..].split_inclusive('\n').map(move |line| {
        let at = next;
        next += line.len();
        (at, uncommented(line))
    })
}

/// A file that is being read.
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) path: &'a Path,
}

impl<'a> Source<'a> {
    /// Its bytes as text.
    pub(super) fn text(&self) -> Result<&'a str, ListError> {
        std::str::from_utf8(self.bytes).map_err(|fault| {
            let at = fault.valid_up_to();
            self.error(at, format!("the byte 0x{:02x}", self.bytes[at]), "UTF-8")
        })
    }

    /// An error at a byte.
    pub(super) fn error(&self, at: usize, found: String, expected: &'static str) -> ListError {
        let Position { line, column } = line_column(self.bytes, at);
        ListError::List {
            path: self.path.into(),
            line,
            column,
            found,
            expected,
        }
    }
}

/// A line without its end and its comment.
fn uncommented(line: &str) -> &str {
    let line = line.trim_end();
    let comment = line.match_indices('#').find(|&(at, _)| {
        line[..at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace)
    });
    comment.map_or(line, |(at, _)| line[..at].trim_end())
}

/// A value for an error message: quoted, cut.
fn shown(value: &str) -> String {
    let mut chars = value.chars();
    let head: String = chars.by_ref().take(40).collect();
    match chars.next() {
        None => format!("{head:?}"),
        Some(_) => format!("{head:?}…"),
    }
}
