//! Conversations to play, from a file of YAML.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::file::read_at_most;
use cs_data::file::yaml::{self, Content, Key, Node, Wrong};
use cs_serve::reply::Source;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// What a customer says turn by turn, and what the service should make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The name that a failure is told under.
    pub name: String,
    /// The turns, in order: one at least.
    pub turns: Vec<Line>,
}

/// A turn of a [`Script`].
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What the customer says.
    pub say: String,
    /// What is expected of the answer.
    pub expect: Expected,
}

/// What is expected of an answer; what is absent may be anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Expected {
    /// The intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The values of slots, some of those that there are; without a value, a slot is to be empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, Option<String>>,
    /// Where the reply comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What is in the reply's text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contains: Vec<String>,
}

impl Script {
    /// Reads the conversations of a file: a list of `{name, turns: [{say, expect: {intent?, slots?, source?,
    /// contains?}}]}`, where `contains` is a text or a list of them.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read, [`Error::Yaml`] for one that holds something else, or
    /// nothing.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let bytes = read_at_most(path, MOST_BYTES).map_err(Error::io(path))?;
        let bytes = bytes.ok_or_else(|| Error::Unfit {
            path: path.to_owned(),
            found: format!("more than {MOST_BYTES} bytes"),
            expected: "at most 16 MiB",
        })?;
        let text = String::from_utf8(bytes).map_err(|_| Error::Unfit {
            path: path.to_owned(),
            found: "bytes that are no UTF-8".to_owned(),
            expected: "conversations in YAML",
        })?;
        Self::parse(&text).map_err(|wrong| Error::Yaml {
            path: path.to_owned(),
            wrong,
        })
    }

    /// Reads conversations from the text of a file.
    ///
    /// # Errors
    /// The first place that is none.
    pub fn parse(text: &str) -> Result<Vec<Self>, Wrong> {
        let nothing = || Wrong {
            line: 1,
            column: 1,
            found: "no conversation".to_owned(),
            expected: "a list of conversations".to_owned(),
        };
        let root = yaml::parse(text)?.ok_or_else(nothing)?;
        let mut scripts: Vec<Self> = Vec::new();
        for node in list(&root, "a list of conversations")? {
            let script = conversation(node)?;
            if scripts.iter().any(|it| it.name == script.name) {
                let found = format!("the name {:?} again", script.name);
                return Err(node.wrong(found, "another name"));
            }
            scripts.push(script);
        }
        match scripts.is_empty() {
            true => Err(nothing()),
            false => Ok(scripts),
        }
    }
}

fn conversation(node: &Node) -> Result<Script, Wrong> {
    object(node, &["name", "turns"])?;
    let turns = needed(node, "turns")?;
    let lines: Vec<Line> = list(turns, "a list of turns")?
        .iter()
        .map(line)
        .collect::<Result<_, _>>()?;
    if lines.is_empty() {
        return Err(turns.wrong("no turn", "one at least"));
    }
    Ok(Script {
        name: text(needed(node, "name")?)?,
        turns: lines,
    })
}

fn line(node: &Node) -> Result<Line, Wrong> {
    object(node, &["say", "expect"])?;
    Ok(Line {
        say: text(needed(node, "say")?)?,
        expect: node
            .get("expect")
            .map(expected)
            .transpose()?
            .unwrap_or_default(),
    })
}

fn expected(node: &Node) -> Result<Expected, Wrong> {
    object(node, &["intent", "slots", "source", "contains"])?;
    let mut slots = BTreeMap::new();
    if let Some(given) = node.get("slots") {
        for (key, value) in members(given, "an object of slots")? {
            let value = match value.json().is_null() {
                true => None,
                false => Some(text(value)?),
            };
            slots.insert(key.text.clone(), value);
        }
    }
    Ok(Expected {
        intent: node.get("intent").map(text).transpose()?,
        slots,
        source: node.get("source").map(source).transpose()?,
        contains: node
            .get("contains")
            .map(texts)
            .transpose()?
            .unwrap_or_default(),
    })
}

fn source(node: &Node) -> Result<Source, Wrong> {
    Source::deserialize(node.json()).map_err(|_| {
        let found = node
            .text()
            .map_or_else(|| "no text".to_owned(), |it| format!("{it:?}"));
        node.wrong(found, "template, faq, knowledge, generated or handover")
    })
}

fn texts(node: &Node) -> Result<Vec<String>, Wrong> {
    match &node.content {
        Content::List(items) => items.iter().map(text).collect(),
        _ => Ok(vec![text(node)?]),
    }
}

fn text(node: &Node) -> Result<String, Wrong> {
    let text = node.text().filter(|it| !it.trim().is_empty());
    let text = text.ok_or_else(|| node.wrong("no text", "a text"))?;
    Ok(text.to_owned())
}

fn list<'a>(node: &'a Node, what: &str) -> Result<&'a [Node], Wrong> {
    match &node.content {
        Content::List(items) => Ok(items),
        _ => Err(node.wrong("something else", what)),
    }
}

fn members<'a>(node: &'a Node, what: &str) -> Result<&'a [(Key, Node)], Wrong> {
    match &node.content {
        Content::Map(members) => Ok(members),
        _ => Err(node.wrong("something else", what)),
    }
}

fn object(node: &Node, keys: &[&str]) -> Result<(), Wrong> {
    let expected = format!("an object of {}", keys.join(", "));
    for (key, _) in members(node, &expected)? {
        if !keys.contains(&&*key.text) {
            return Err(Wrong {
                line: key.line,
                column: key.column,
                found: format!("the key {:?}", key.text),
                expected: format!("one of {}", keys.join(", ")),
            });
        }
    }
    Ok(())
}

fn needed<'a>(node: &'a Node, key: &str) -> Result<&'a Node, Wrong> {
    node.get(key)
        .ok_or_else(|| node.wrong(format!("no {key:?}"), "it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_conversations_with_what_is_expected() {
        let text = "
- name: a refund
  turns:
    - say: 退款
      expect: { intent: refund_request, slots: { order_id: 12345, reason: ~ }, source: template, contains: 订单号 }
    - say: never mind
- name: facts
  turns: [{ say: how much?, expect: { contains: [129, yuan] } }]
";
        let scripts = Script::parse(text).unwrap();
        let first = &scripts[0].turns[0].expect;
        assert_eq!(first.intent.as_deref(), Some("refund_request"));
        assert_eq!(first.slots["order_id"].as_deref(), Some("12345"));
        assert_eq!(first.slots["reason"], None);
        assert_eq!(first.source, Some(Source::Template));
        assert_eq!(scripts[0].turns[1].expect, Expected::default());
        assert_eq!(scripts[1].turns[0].expect.contains, ["129", "yuan"]);
    }

    #[test]
    fn what_is_none_is_told_with_its_place() {
        for (text, expected) in [
            ("", "1:1: no conversation, expected a list of conversations"),
            ("[]", "1:1: no conversation"),
            (
                "name: a",
                "1:1: something else, expected a list of conversations",
            ),
            ("- turns: []", "1:10: no turn, expected one at least"),
            ("- turns: [{say: a}]", "1:3: no \"name\", expected it"),
            (
                "- name: a\n  turns: [{say: ''}]",
                "2:17: no text, expected a text",
            ),
            (
                "- name: a\n  turns: [{say: a, expects: {}}]",
                "2:20: the key \"expects\", expected one of say, expect",
            ),
            (
                "- name: a\n  turns: [{say: a, expect: {source: book}}]",
                "2:37: \"book\", expected template, faq",
            ),
            (
                "- name: a\n  turns: [{say: a}]\n- name: a\n  turns: [{say: a}]",
                "3:3: the name \"a\" again",
            ),
        ] {
            let wrong = Script::parse(text).unwrap_err().to_string();
            assert!(wrong.starts_with(expected), "{wrong} instead of {expected}");
        }
    }
}
