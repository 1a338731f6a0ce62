//! A small tree of a YAML file (feature `yaml`): every value with its line and column, no aliases, no
//! key twice.
//!
//! ```
//! let tree = cs_data::file::yaml::parse("flows:\n  refund: {}\n")?.unwrap();
//! let refund = tree.get("flows").and_then(|flows| flows.get("refund")).unwrap();
//! assert_eq!((refund.line, refund.column), (2, 11));
//! assert!(cs_data::file::yaml::parse("a: &x [1]\nb: *x\n").is_err());
//! # Ok::<(), cs_data::file::yaml::Wrong>(())
//! ```

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::Value;

/// Deeper nesting is an attack.
const MAX_DEPTH: usize = 64;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The line on which the value begins, from 1.
    pub line: usize,
    /// The column at which the value begins, from 1, in characters.
    pub column: usize,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text, and how it is written.
    Scalar(String, Style),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The key itself.
    pub text: String,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A word without quotes, which may be a number, a truth value or nothing.
    Plain,
    /// The lines of the file, without their indentation.
    Literal,
    /// In quotes, or folded.
    Other,
}

/// What is wrong at a line and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {found}, expected {expected}")]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
}

/// Gives the only document of `text`, `None` if it holds nothing. Takes several times its size.
///
/// # Errors
/// The first place that is no YAML, nested more than 64 deep, an alias, or a key that stands twice.
pub fn parse(text: &str) -> Result<Option<Node>, Wrong> {
    let mut tree = Tree {
        parser: Parser::new_from_str(text),
    };
    loop {
        match tree.next()? {
            (Event::StreamEnd, _) => return Ok(None),
            (
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing,
                _,
            ) => {}
            (event, place) => {
                let root = tree.node(event, place, 0)?;
                return tree.end().map(|()| Some(root));
            }
        }
    }
}

struct Tree<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Tree<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Marker), Wrong> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start)),
            Some(Err(error)) => Err(wrong(*error.marker(), error.info(), "YAML")),
            None => Ok((Event::StreamEnd, Marker::default())),
        }
    }

    /// Refuses what would be passed over after the first document.
    fn end(&mut self) -> Result<(), Wrong> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentEnd | Event::Nothing, _) => {}
                (_, place) => return Err(wrong(place, "a second document", "one document a file")),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, place: Marker, depth: usize) -> Result<Node, Wrong> {
        if depth == MAX_DEPTH {
            return Err(wrong(place, "a value inside 64 others", "at most 64"));
        }
        let content = match event {
            Event::Scalar(text, style, ..) => Content::Scalar(
                text.into_owned(),
                match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::Literal => Style::Literal,
                    _ => Style::Other,
                },
            ),
            Event::SequenceStart(..) => Content::List(self.list(depth)?),
            Event::MappingStart(..) => Content::Map(self.map(depth)?),
            // A few aliases of aliases can stand for gigabytes.
            Event::Alias(_) => return Err(wrong(place, "an alias", "the value itself")),
            _ => return Err(wrong(place, "the end", "a value")),
        };
        Ok(Node {
            line: place.line(),
            column: place.col() + 1,
            content,
        })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, place) => items.push(self.node(event, place, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Wrong> {
        let mut seen = std::collections::HashSet::new();
        let mut members = Vec::new();
        loop {
            let (key, place) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(members),
                (Event::Scalar(key, ..), place) => (key.into_owned(), place),
                (_, place) => return Err(wrong(place, "a key that is no text", "a text")),
            };
            if !seen.insert(key.clone()) {
                return Err(wrong(place, format!("the key {key:?} again"), "it once"));
            }
            let key = Key {
                line: place.line(),
                column: place.col() + 1,
                text: key,
            };
            let (event, place) = self.next()?;
            members.push((key, self.node(event, place, depth + 1)?));
        }
    }
}

fn wrong(place: Marker, found: impl Into<String>, expected: impl Into<String>) -> Wrong {
    Wrong {
        line: place.line().max(1),
        column: place.col() + 1,
        found: found.into(),
        expected: expected.into(),
    }
}

impl Node {
    /// Says what is wrong with it.
    #[must_use]
    pub fn wrong(&self, found: impl Into<String>, expected: impl Into<String>) -> Wrong {
        Wrong {
            line: self.line,
            column: self.column,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// Gives the text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Gives the value of a key, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(members) => members
                .iter()
                .find(|(name, _)| name.text == key)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// Gives the value as JSON; plain words are numbers, truth values and null where JSON has the same.
    #[must_use]
    pub fn json(&self) -> Value {
        match &self.content {
            Content::Scalar(text, Style::Plain) => match &**text {
                "" | "~" | "null" => Value::Null,
                word => match serde_json::from_str(word) {
                    Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
                    _ => word.into(),
                },
            },
            Content::Scalar(text, _) => text.as_str().into(),
            Content::List(items) => items.iter().map(Node::json).collect(),
            Content::Map(members) => members
                .iter()
                .map(|(key, node)| (key.text.clone(), node.json()))
                .collect(),
        }
    }
}
