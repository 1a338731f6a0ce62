//! The three-file form: `seq.in`, `seq.out` (optional) and `label`, a row a line.

use std::path::Path;

use crate::error::{Error, IobError, Result};
use crate::iob;
use crate::source::{Source, shown};
use crate::utterance::{Utterance, check_text};

/// The rows of a folder, named by their numbers from 0. The text of a row is its tokens joined
/// with one space.
pub(crate) fn read(folder: &Path) -> Result<Vec<Utterance>> {
    let sentences = Part::open(&folder.join("seq.in"))?;
    let labels = Part::open(&folder.join("label"))?;
    let out = folder.join("seq.out");
    let tags = if out.exists() {
        Some(Part::open(&out)?)
    } else {
        None
    };
    for part in [Some(&labels), tags.as_ref()].into_iter().flatten() {
        part.check_length(sentences.lines.len())?;
    }
    let mut rows = Vec::with_capacity(sentences.lines.len());
    for number in 0..sentences.lines.len() {
        let text = sentences
            .tokens(number)
            .map(|(_, token)| token)
            .collect::<Vec<_>>()
            .join(" ");
        let (place, _) = sentences.lines[number];
        check_text(&text).map_err(|rule| sentences.source.broken(place, &rule))?;
        if text.is_empty() {
            return Err(sentences.source.error(place, "an empty line", "a sentence"));
        }
        let mut row = Utterance::new(number.to_string(), text);
        row.intent = Some(labels.label(number)?);
        if let Some(tags) = &tags {
            row.spans = tags.spans(number, &row.text)?;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// One of the three files.
struct Part {
    source: Source,
    /// Where each line starts and ends; blank lines at the end of the file are left off.
    lines: Vec<(usize, usize)>,
}

impl Part {
    fn open(path: &Path) -> Result<Self> {
        let source = Source::open(path)?;
        let mut lines: Vec<_> = source
            .lines()
            .map(|(start, line)| (start, start + line.len()))
            .collect();
        while lines
            .last()
            .is_some_and(|&(start, end)| source.text()[start..end].trim().is_empty())
        {
            lines.pop();
        }
        Ok(Part { source, lines })
    }

    fn check_length(&self, expected: usize) -> Result<()> {
        if self.lines.len() == expected {
            return Ok(());
        }
        let place = match self.lines.get(expected) {
            Some(&(start, _)) => start,
            None => self.lines.last().map_or(0, |&(_, end)| end),
        };
        let found = format!("{} lines", self.lines.len());
        Err(self
            .source
            .error(place, found, format!("{expected}, as in seq.in")))
    }

    /// The words of a line and where each starts in the file.
    fn tokens(&self, number: usize) -> impl Iterator<Item = (usize, &str)> {
        let (start, end) = self.lines[number];
        let line = &self.source.text()[start..end];
        iob::whitespace_tokens(line)
            .into_iter()
            .map(move |at| (start + at.start, &line[at]))
    }

    fn label(&self, number: usize) -> Result<String> {
        let (start, end) = self.lines[number];
        let label = self.source.text()[start..end].trim();
        if label.is_empty() {
            return Err(self.source.error(start, "an empty line", "an intent"));
        }
        Ok(label.to_owned())
    }

    fn spans(&self, number: usize, text: &str) -> Result<Vec<crate::Span>> {
        let words = iob::whitespace_tokens(text);
        let (places, tags): (Vec<usize>, Vec<&str>) = self.tokens(number).unzip();
        iob::decode(&words, &tags).map_err(|error| self.bad_tags(number, &places, &error))
    }

    fn bad_tags(&self, number: usize, places: &[usize], error: &IobError) -> Error {
        let end = self.lines[number].1;
        match error {
            IobError::Length { tokens, tags } => {
                let place = places.get(*tokens).copied().unwrap_or(end);
                self.source.error(
                    place,
                    format!("{tags} tags"),
                    format!("{tokens}, as in seq.in"),
                )
            }
            IobError::StartsInside {
                index,
                tag,
                previous,
            } => {
                let after = previous.as_deref().unwrap_or("the start");
                let found = format!("{} after {after}", shown(tag));
                let label = tag.strip_prefix("I-").unwrap_or(tag);
                let expected = format!("B-{label} before it or in its place");
                self.source
                    .error(places.get(*index).copied().unwrap_or(end), found, expected)
            }
            IobError::Malformed { index, tag, .. } => {
                let place = places.get(*index).copied().unwrap_or(end);
                self.source
                    .error(place, shown(tag), "O, B-label or I-label")
            }
            other => self.source.error(end, other.to_string(), "IOB2 tags"),
        }
    }
}
