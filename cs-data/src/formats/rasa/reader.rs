//! Rasa's training data for understanding, in YAML.
//!
//! Examples stand under `nlu`, grouped by intent, as lines of a block or as a list of objects with
//! `text` and `metadata`. What an entity has beside its name (`role`, `group`, `value`) is kept in
//! `extra` as `entity_attributes`, an object for each span in order; an example's metadata as
//! `metadata`, its intent's as `intent_metadata`. Synonyms, lookup tables, regular expressions and
//! other sections are no rows; they are kept in `extra` of the row after them (or the last one) as
//! `rasa_sections`. Aliases are refused, as are keys that stand twice. The file is read as a whole.

use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::file::position::Position;
use crate::file::yaml::{self, Content, Node, Style, Wrong};
use crate::file::{TextFile, TextSlice, shown};
use crate::formats::input;
use crate::formats::input::Charset;
use crate::formats::row_reader::{Fault, RowReader};
use crate::text::{Utterance, check_text};

use super::example::Example;

pub(crate) const ATTRIBUTES: &str = "entity_attributes";
pub(crate) const METADATA: &str = "metadata";
const INTENT_METADATA: &str = "intent_metadata";
pub(crate) const SECTIONS: &str = "rasa_sections";
/// What Rasa strips from an example.
pub(crate) const STRIPPED: [char; 3] = ['\n', '\r', ' '];

pub(crate) struct RasaReader {
    rows: VecDeque<ReadRow>,
    line: usize,
}

/// A row, or why there is none, and the line on which it begins.
struct ReadRow {
    line: usize,
    row: Result<Utterance, Fault>,
}

impl RasaReader {
    /// `path` is a file, or several of which each with `nlu` is read: sections of one without an
    /// example are kept by a row of the next.
    pub(crate) fn open(paths: &[PathBuf], charset: Option<Charset>) -> Result<Self> {
        let (mut rows, mut sections) = (VecDeque::new(), Vec::new());
        for path in paths {
            let source = source(path, charset)?;
            if paths.len() > 1 && !source.text().lines().any(begins_nlu) {
                continue;
            }
            let mut parser = Parser {
                path,
                lines: source.text().lines().collect(),
                rows,
                sections,
            };
            let parsed = yaml::parse(source.text()).and_then(|root| match root {
                Some(root) => parser.file(&root),
                None => Ok(()),
            });
            if let Err(wrong) = parsed {
                let error = parser.error(wrong);
                parser.rows.push_back(ReadRow {
                    line: 0,
                    row: Err(Fault::File(error)),
                });
            }
            parser.keep_sections();
            (rows, sections) = (parser.rows, parser.sections);
        }
        Ok(RasaReader { rows, line: 0 })
    }
}

/// Whether a line begins the section with the examples.
fn begins_nlu(line: &str) -> bool {
    line.trim_start_matches('"').starts_with("nlu")
}

fn source(path: &Path, charset: Option<Charset>) -> Result<TextFile> {
    let mut bytes = Vec::new();
    let read = input::open(path, charset)?.read_to_end(&mut bytes);
    read.map_err(|error| input::failed(path, error))?;
    let piece = TextSlice {
        path,
        line: 1,
        bytes: &bytes,
    };
    piece.text()?;
    TextFile::new(path, bytes)
}

impl RowReader for RasaReader {
    fn next(&mut self) -> Option<Result<Utterance, Fault>> {
        let ReadRow { line, row } = self.rows.pop_front()?;
        self.line = line;
        Some(row)
    }

    fn line(&self) -> Option<usize> {
        Some(self.line)
    }
}

struct Parser<'a> {
    path: &'a Path,
    lines: Vec<&'a str>,
    rows: VecDeque<ReadRow>,
    /// Sections that no row keeps yet.
    sections: Vec<Value>,
}

impl Parser<'_> {
    fn file(&mut self, root: &Node) -> Result<(), Wrong> {
        let Content::Map(members) = &root.content else {
            return Err(root.wrong("no object", "the keys version and nlu"));
        };
        for (key, node) in members {
            match (key.text.as_str(), &node.content) {
                ("version", _) => {}
                ("nlu", Content::List(items)) => {
                    items.iter().try_for_each(|item| self.item(item))?
                }
                ("nlu", _) => return Err(node.wrong("no list under nlu", "a list")),
                _ => self
                    .sections
                    .push(Value::from_iter([(key.text.clone(), node.json())])),
            }
        }
        Ok(())
    }

    fn item(&mut self, item: &Node) -> Result<(), Wrong> {
        let Content::Map(_) = &item.content else {
            return Err(item.wrong("no object", "an object with intent and examples"));
        };
        let Some(intent) = item.get("intent") else {
            self.sections.push(item.json());
            return Ok(());
        };
        let name = intent.text().filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| intent.wrong("an intent without a name", "a name"))?;
        let examples = item.get("examples");
        let examples =
            examples.ok_or_else(|| item.wrong("an intent without examples", "examples"))?;
        let metadata = item.get(METADATA).map(Node::json);
        let extra = metadata.map(|metadata| (INTENT_METADATA.to_owned(), metadata));
        let extra = Map::from_iter(extra);
        match &examples.content {
            Content::Scalar(text, style) => self.block(examples, text, *style, name, &extra),
            Content::List(items) => items
                .iter()
                .for_each(|item| self.listed(item, name, &extra)),
            Content::Map(_) => {
                return Err(examples.wrong("an object", "a block or list of examples"));
            }
        }
        Ok(())
    }

    /// Examples as lines that begin with `-`.
    fn block(
        &mut self,
        node: &Node,
        text: &str,
        style: Style,
        intent: &str,
        extra: &Map<String, Value>,
    ) {
        let first = self.first_line(node, text);
        for (at, line) in text.lines().enumerate() {
            let (number, indent) = match style {
                Style::Literal => {
                    let source = self.lines.get(first + at - 1).copied().unwrap_or_default();
                    (
                        first + at,
                        source.chars().count().saturating_sub(line.chars().count()),
                    )
                }
                _ => (node.line, node.column - 1),
            };
            if line.trim().is_empty() {
                continue;
            }
            let place = |byte: usize| match style {
                Style::Literal => indent + line[..byte].chars().count() + 1,
                _ => indent + 1,
            };
            let Some(example) = line.strip_prefix('-') else {
                let place = Position {
                    line: number,
                    column: place(0),
                };
                self.skip(place, line, "- in front of an example");
                continue;
            };
            let start = line.len() - example.trim_start_matches(STRIPPED).len();
            let example = example.trim_matches(STRIPPED);
            self.example(
                example,
                number,
                |byte| place(start + byte),
                intent,
                extra.clone(),
            );
        }
    }

    /// An item of a list of examples: a text, or an object with one.
    fn listed(&mut self, item: &Node, intent: &str, extra: &Map<String, Value>) {
        let node = item.get("text").unwrap_or(item);
        let Some(text) = node.text() else {
            let place = Position {
                line: item.line,
                column: item.column,
            };
            return self.skip(place, "", "a text, or an object with one");
        };
        let mut extra = extra.clone();
        extra.extend(
            item.get(METADATA)
                .map(|node| (METADATA.to_owned(), node.json())),
        );
        let column = node.column;
        self.example(
            text.trim_matches(STRIPPED),
            node.line,
            |_| column,
            intent,
            extra,
        );
    }

    fn example(
        &mut self,
        example: &str,
        line: usize,
        column: impl Fn(usize) -> usize,
        intent: &str,
        extra: Map<String, Value>,
    ) {
        let start = Position {
            line,
            column: column(0),
        };
        if example.is_empty() {
            return self.skip(start, "", "an example");
        }
        let parsed = match Example::parse(example) {
            Ok(parsed) => parsed,
            Err(wrong) => {
                let error = self.error(Wrong {
                    line,
                    column: column(wrong.at),
                    found: shown(&example[wrong.at..]),
                    expected: wrong.expected.into(),
                });
                let fault = Fault::Row(error.of_labels());
                return self.push(line, Err(fault));
            }
        };
        if let Err(rule) = check_text(&parsed.text) {
            let (found, expected) = (rule.found(), rule.expected());
            return self.fault(start, found, expected);
        }
        let mut row = Utterance::new(self.rows.len().to_string(), parsed.text).with_intent(intent);
        row.spans = parsed.spans;
        row.extra = extra;
        if parsed
            .attributes
            .iter()
            .any(|attributes| !attributes.is_empty())
        {
            row.extra
                .insert(ATTRIBUTES.into(), parsed.attributes.into());
        }
        let sections = std::mem::take(&mut self.sections);
        if !sections.is_empty() {
            row.extra.insert(SECTIONS.into(), sections.into());
        }
        self.push(line, Ok(row));
    }

    fn push(&mut self, line: usize, row: Result<Utterance, Fault>) {
        self.rows.push_back(ReadRow { line, row });
    }

    /// Gives sections after the last row to that row.
    fn keep_sections(&mut self) {
        let sections = std::mem::take(&mut self.sections);
        let last = self
            .rows
            .iter_mut()
            .rev()
            .find_map(|read| read.row.as_mut().ok());
        let Some(row) = last else {
            self.sections = sections;
            return;
        };
        if !sections.is_empty() {
            let kept = row
                .extra
                .entry(SECTIONS)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(kept) = kept {
                kept.extend(sections);
            }
        }
    }

    /// On which line of the file a block begins: that of its mark, or the next.
    fn first_line(&self, node: &Node, text: &str) -> usize {
        let (at, line) = text
            .lines()
            .enumerate()
            .find(|(_, line)| !line.is_empty())
            .unwrap_or((0, ""));
        let mut lines = node.line..node.line + 3;
        let first = lines.find(|first| {
            let source = self.lines.get(first + at - 1);
            source.is_some_and(|source| source.trim_start() == line.trim_start())
        });
        first.unwrap_or(node.line)
    }

    fn skip(&mut self, place: Position, found: &str, expected: &str) {
        self.fault(place, shown(found), expected);
    }

    fn fault(
        &mut self,
        Position { line, column }: Position,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let (found, expected) = (found.into(), expected.into());
        let error = self.error(Wrong {
            line,
            column,
            found,
            expected,
        });
        self.push(line, Err(Fault::Row(error)));
    }

    fn error(&self, wrong: Wrong) -> Error {
        Error::Text {
            path: self.path.into(),
            line: wrong.line,
            column: wrong.column,
            found: wrong.found,
            expected: wrong.expected,
            labels: false,
        }
    }
}
