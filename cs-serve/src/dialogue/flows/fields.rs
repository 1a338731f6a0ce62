//! Values of a YAML tree, and all that is wrong with them.

use std::collections::BTreeMap;

use cs_data::file::yaml::{Content, Key, Node, Wrong};
use serde_json::Value;

use super::Problem;
use crate::reply::{Language, Text};

/// The longest name, in bytes.
const MOST_NAME: usize = 64;
/// The longest part of what stands in a file that is repeated, in characters.
const MOST_SHOWN: usize = 40;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) problems: Vec<Problem>,
}

/// The values of an object, by key.
pub(super) struct Members<'a> {
    /// Where the object itself begins.
    pub(super) node: &'a Node,
    members: &'a [(Key, Node)],
}

impl<'a> Members<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|(_, node)| node)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'a (Key, Node)> {
        self.members.iter().find(|(name, _)| name.text == key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a (Key, Node)> {
        self.members.iter()
    }
}

/// What stands in a file, in quotes and cut.
pub(super) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(MOST_SHOWN).collect();
    if chars.next().is_some() {
        format!("{head:?}…")
    } else {
        format!("{head:?}")
    }
}

impl Fields {
    pub(super) fn at(&mut self, node: &Node, problem: impl Into<String>) {
        self.place(node.line, node.column, problem);
    }

    pub(super) fn at_key(&mut self, key: &Key, problem: impl Into<String>) {
        self.place(key.line, key.column, problem);
    }

    pub(super) fn wrong(&mut self, wrong: &Wrong) {
        let problem = format!("{}, expected {}", wrong.found, wrong.expected);
        self.place(wrong.line, wrong.column, problem);
    }

    fn place(&mut self, line: usize, column: usize, problem: impl Into<String>) {
        let problem = problem.into();
        self.problems.push(Problem {
            line,
            column,
            problem,
        });
    }

    /// An object with any keys.
    pub(super) fn object<'a>(&mut self, node: &'a Node, what: &str) -> Option<Members<'a>> {
        match &node.content {
            Content::Map(members) => Some(Members { node, members }),
            _ => {
                self.at(node, format!("no object, expected {what}"));
                None
            }
        }
    }

    /// An object with some of these keys, and no other.
    pub(super) fn members<'a>(&mut self, node: &'a Node, known: &[&str]) -> Option<Members<'a>> {
        let members = self.object(node, &format!("an object of {}", known.join(", ")))?;
        for (key, _) in members.iter() {
            if !known.contains(&key.text.as_str()) {
                let problem = format!(
                    "the key {}, expected one of {}",
                    shown(&key.text),
                    known.join(", ")
                );
                self.at_key(key, problem);
            }
        }
        Some(members)
    }

    pub(super) fn list<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Node] {
        match &node.content {
            Content::List(items) => items,
            _ => {
                self.at(node, format!("no list, expected {what}"));
                &[]
            }
        }
    }

    pub(super) fn string<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a str> {
        match node.text().filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(text),
            None => {
                self.at(node, format!("no text, expected {what}"));
                None
            }
        }
    }

    /// A list of strings, each of them once.
    pub(super) fn strings(&mut self, node: &Node, what: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for item in self.list(node, &format!("a list, each {what}")) {
            let Some(text) = self.string(item, what) else {
                continue;
            };
            if found.iter().any(|it| it == text) {
                self.at(item, format!("{} again, expected it once", shown(text)));
            } else {
                found.push(text.to_owned());
            }
        }
        found
    }

    pub(super) fn truth(&mut self, node: Option<&Node>, default: bool) -> bool {
        match node.map(|node| (node, node.json())) {
            None => default,
            Some((_, Value::Bool(truth))) => truth,
            Some((node, _)) => {
                self.at(node, "no truth value, expected true or false");
                default
            }
        }
    }

    /// A number from 0 to `most`.
    pub(super) fn count(&mut self, node: Option<&Node>, most: u32, default: u32) -> u32 {
        let Some(node) = node else {
            return default;
        };
        let number = node
            .json()
            .as_u64()
            .and_then(|number| u32::try_from(number).ok());
        number.filter(|&number| number <= most).unwrap_or_else(|| {
            self.at(node, format!("no number from 0 to {most}"));
            default
        })
    }

    /// A number from 0 to 1.
    pub(super) fn share(&mut self, node: Option<&Node>) -> Option<f32> {
        let node = node?;
        let share = node
            .json()
            .as_f64()
            .filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            self.at(node, "no number from 0 to 1");
        }
        share.map(|share| share as f32)
    }

    /// A name of ours: letters, digits and `_`, not beginning with a digit.
    pub(super) fn name(&mut self, key: &Key, what: &str) {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = key.text.chars().all(word)
            && !key.text.is_empty()
            && !key.text.starts_with(|c: char| c.is_ascii_digit())
            && key.text.len() <= MOST_NAME;
        if !is_name {
            let problem = format!(
                "{} as the name of {what}, expected up to {MOST_NAME} ASCII letters, digits and _",
                shown(&key.text)
            );
            self.at_key(key, problem);
        }
    }

    /// A text whose places are `slots`.
    pub(super) fn text(&mut self, node: &Node, slots: &[&str]) -> Option<Text> {
        let sources = match &node.content {
            Content::Map(_) => self.by_language(node)?,
            _ => {
                let text = self.string(node, "a text, or an object of texts in zh and en")?;
                BTreeMap::from([(Language::of(text).unwrap_or(Language::En), text.to_owned())])
            }
        };
        let text = match Text::new(sources) {
            Ok(text) => text,
            Err(error) => {
                self.at(
                    node,
                    format!("no template: {error}, expected one in Jinja's notation"),
                );
                return None;
            }
        };
        for name in text
            .names()
            .iter()
            .filter(|name| !slots.contains(&name.as_str()))
        {
            self.at(
                node,
                format!(
                    "the place {}, expected the name of a slot of the flow",
                    shown(name)
                ),
            );
        }
        Some(text)
    }

    fn by_language(&mut self, node: &Node) -> Option<BTreeMap<Language, String>> {
        let members = self.members(node, &["zh", "en"])?;
        let mut sources = BTreeMap::new();
        for (key, language) in [("zh", Language::Zh), ("en", Language::En)] {
            if let Some(node) = members.get(key) {
                sources.insert(language, self.string(node, "a text")?.to_owned());
            }
        }
        if sources.is_empty() {
            self.at(node, "no text, expected one under zh or en");
            return None;
        }
        Some(sources)
    }
}
