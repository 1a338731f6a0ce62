//! The three-file form: `seq.in`, `seq.out` (optional) and `label`, a row a line.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::{Output, OutputFolder, shown};
use crate::tags::{IobError, Scheme};
use crate::text::{Span, Utterance, check_text, whitespace_tokens};

use super::input::Charset;
use super::options::ReadOptions;
use super::row_reader::{Fault, LineSource, RowReader, no_rows};
use super::row_writer::{Losses, RowWriter};

/// The numbers of rows, from 0, are their ids. The text of a row is its tokens joined with one
/// space.
///
/// The files are read twice: once to see that they have as many lines as each other.
pub(crate) fn reader(folder: &Path, options: &ReadOptions) -> Result<Box<dyn RowReader>> {
    let sentences = Part::open(folder.join("seq.in"), options)?;
    let labels = Part::open(folder.join("label"), options)?;
    let out = folder.join("seq.out");
    let tags = if out.exists() {
        Some(Part::open(out, options)?)
    } else {
        None
    };
    for part in [Some(&labels), tags.as_ref()].into_iter().flatten() {
        part.check_length(sentences.count)?;
    }
    Ok(Box::new(Seq {
        sentences,
        labels,
        tags,
        scheme: options.scheme.unwrap_or(Scheme::Iob2),
        row: 0,
    }))
}

struct Seq {
    sentences: Part,
    labels: Part,
    tags: Option<Part>,
    scheme: Scheme,
    row: usize,
}

impl RowReader for Seq {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        if self.row == self.sentences.count {
            return None;
        }
        self.row += 1;
        // All stand on the same line before anything is said about one of them.
        let parts = [
            Some(&mut self.sentences),
            Some(&mut self.labels),
            self.tags.as_mut(),
        ];
        let advanced = parts.map(|part| part.and_then(|part| part.lines.advance()));
        let fault = advanced.into_iter().flatten().find_map(Result::err);
        Some(match fault {
            Some(fault) => Err(fault),
            None => self.row().map_err(Fault::Row),
        })
    }

    fn line(&self) -> Option<usize> {
        Some(self.row)
    }
}

impl Seq {
    fn row(&self) -> Result<Utterance> {
        let lines = &self.sentences.lines;
        let text = lines
            .line()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        check_text(&text).map_err(|rule| lines.broken(0, &rule))?;
        if text.is_empty() {
            return Err(lines.error(0, "an empty line", "a sentence"));
        }
        let mut row = Utterance::new((self.row - 1).to_string(), text);
        row.intent = Some(self.labels.label()?);
        if let Some(tags) = &self.tags {
            row.spans = tags.spans(&row.text, self.scheme)?;
        }
        Ok(row)
    }
}

/// One of the three files.
struct Part {
    path: PathBuf,
    encoding: Option<Charset>,
    lines: LineSource,
    /// Number of lines; blank ones at the end of the file are left off.
    count: usize,
}

impl Part {
    fn open(path: PathBuf, options: &ReadOptions) -> Result<Self> {
        let encoding = options.encoding;
        let mut lines = LineSource::open(&path, encoding)?;
        let mut count = 0;
        while let Some(advanced) = lines.advance() {
            match advanced {
                Err(Fault::Row(_)) if options.lenient => count = lines.number(),
                Err(fault) => return Err(fault.into_error()),
                Ok(()) if lines.line().trim().is_empty() => {}
                Ok(()) => count = lines.number(),
            }
        }
        if count == 0 {
            return Err(no_rows(&path));
        }
        let lines = LineSource::open(&path, encoding)?;
        Ok(Part {
            path,
            encoding,
            lines,
            count,
        })
    }

    fn check_length(&self, expected: usize) -> Result<()> {
        if self.count == expected {
            return Ok(());
        }
        let mut lines = LineSource::open(&self.path, self.encoding)?;
        for _ in 0..self.count.min(expected + 1) {
            // What is wrong with these lines is not the matter here.
            drop(lines.advance());
        }
        let place = if self.count > expected {
            0
        } else {
            lines.line().len()
        };
        let found = format!("{} lines", self.count);
        Err(lines.error(place, found, format!("{expected}, as in seq.in")))
    }

    fn label(&self) -> Result<String> {
        let label = self.lines.line().trim();
        if label.is_empty() {
            return Err(self.lines.error(0, "an empty line", "an intent"));
        }
        Ok(label.to_owned())
    }

    fn spans(&self, text: &str, scheme: Scheme) -> Result<Vec<Span>> {
        let words = whitespace_tokens(text);
        let line = self.lines.line();
        let places = whitespace_tokens(line);
        let tags: Vec<&str> = places.iter().map(|at| &line[at.clone()]).collect();
        let starts: Vec<usize> = places.iter().map(|at| at.start).collect();
        scheme
            .decode(&words, &tags)
            .map_err(|error| self.bad_tags(&starts, &error).of_labels())
    }

    fn bad_tags(&self, starts: &[usize], error: &IobError) -> Error {
        let end = self.lines.line().len();
        let index = match error {
            IobError::Length { tokens, .. } => Some(*tokens),
            other => other.index(),
        };
        let at = index.and_then(|index| starts.get(index).copied());
        let at = at.unwrap_or(end);
        match error {
            IobError::Length { tokens, tags } => {
                let expected = format!("{tokens}, as in seq.in");
                self.lines.error(at, format!("{tags} tags"), expected)
            }
            IobError::StartsInside { tag, previous, .. } => {
                let after = previous.as_deref().unwrap_or("the start");
                let found = format!("{} after {after}", shown(tag));
                let label = tag.strip_prefix("I-").unwrap_or(tag);
                let expected = format!("B-{label} before it or in its place");
                self.lines.error(at, found, expected)
            }
            IobError::Malformed { tag, .. } => {
                self.lines.error(at, shown(tag), "O, B-label or I-label")
            }
            other => self.lines.error(at, other.to_string(), "well-formed tags"),
        }
    }
}

/// Writes a folder. A row must have a word and an intent; spans that cut a word are lost, and white
/// space other than single spaces between words is.
pub(crate) struct SeqWriter {
    folder: OutputFolder,
    sentences: Output,
    labels: Output,
    tags: Output,
    scheme: Scheme,
    row: usize,
}

impl SeqWriter {
    pub(crate) fn create(path: &Path, scheme: Scheme) -> Result<Self> {
        let folder = OutputFolder::create(path)?;
        Ok(SeqWriter {
            sentences: Output::create(&folder.path().join("seq.in"))?,
            labels: Output::create(&folder.path().join("label"))?,
            tags: Output::create(&folder.path().join("seq.out"))?,
            folder,
            scheme,
            row: 0,
        })
    }
}

impl RowWriter for SeqWriter {
    fn write(&mut self, row: &Utterance, lost: &mut Losses) -> Result<()> {
        let tokens = whitespace_tokens(&row.text);
        let text = row.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            let expected = "one with a word for seq.in";
            return Err(Error::unwritable(
                &row.id,
                "a text without a word",
                expected,
            ));
        }
        let intent = row.intent.as_deref().unwrap_or_default();
        let label = intent.trim();
        if label.is_empty() || label.contains('\n') {
            let expected = "an intent of one line for label";
            return Err(Error::unwritable(&row.id, shown(intent), expected));
        }
        let (spans, cut): (Vec<Span>, Vec<Span>) = row.spans.iter().cloned().partition(|span| {
            Scheme::Iob2
                .encode(&tokens, std::slice::from_ref(span))
                .is_ok()
        });
        let tags = self.scheme.encode(&tokens, &spans).map_err(|error| {
            Error::unwritable(&row.id, error.to_string(), "spans of whole words")
        })?;
        let mut texts = spans.iter().map(|span| &row.text[span.range()]);
        let is_trimmed = texts.any(|text| text.trim() != text);
        self.sentences.text(&(text.clone() + "\n"))?;
        self.labels.text(&format!("{label}\n"))?;
        self.tags.text(&(tags.join(" ") + "\n"))?;

        lost.add_all_but(&["spans", "intent"], row);
        let losses = [
            ("id", row.id != self.row.to_string()),
            ("text", text != row.text),
            ("intent", label != intent),
            ("spans", !cut.is_empty() || is_trimmed),
        ];
        losses
            .into_iter()
            .filter(|(_, is_lost)| *is_lost)
            .for_each(|(field, _)| lost.add(field));
        self.row += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.sentences.finish()?;
        self.labels.finish()?;
        self.tags.finish()?;
        self.folder.finish()
    }
}
