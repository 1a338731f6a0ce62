//! The steps of a flow, read.

use std::collections::BTreeMap;

use cs_data::file::yaml::{Key, Node};
use serde_json::Value;

use super::check;
use super::fields::{Fields, Members, shown};
use super::flow::{FlowId, Otherwise, Slot, Step, Task, Then};

const MOST_STEPS: usize = 200;
const KINDS: [&str; 8] = [
    "collect", "confirm", "action", "say", "call", "goto", "end", "handover",
];
/// What is told of an action that fails without `failed`.
const ACTION_FAILED: &str = "action_failed";

/// What a step may name.
pub(super) struct Names<'a> {
    pub(super) slots: &'a [Slot],
    pub(super) flows: &'a BTreeMap<String, FlowId>,
}

impl Names<'_> {
    fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }
}

/// Reads steps, and checks that each can be reached and left.
pub(super) fn steps(fields: &mut Fields, node: &Node, names: &Names<'_>) -> Vec<Step> {
    let items = fields.list(node, "a list of steps");
    if items.is_empty() || items.len() > MOST_STEPS {
        fields.at(
            node,
            format!("{} steps, expected 1 to {MOST_STEPS}", items.len()),
        );
        return Vec::new();
    }
    let before = fields.problems.len();
    let ids = ids(fields, items);
    let mut reader = Reader {
        names,
        slots: names.slots.iter().map(|slot| slot.name.as_str()).collect(),
        ids,
        fields,
    };
    let read = items.iter().filter_map(|item| reader.step(item));
    let steps: Vec<Step> = read.collect();
    if fields.problems.len() == before {
        check::steps(&steps, items, fields);
    }
    steps
}

fn ids(fields: &mut Fields, items: &[Node]) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let Some(node) = item.get("id") else {
            continue;
        };
        let Some(id) = fields.string(node, "the name of a step") else {
            continue;
        };
        if ids.insert(id.to_owned(), at).is_some() {
            fields.at(
                node,
                format!("the id {} again, expected it once", shown(id)),
            );
        }
    }
    ids
}

struct Reader<'a> {
    names: &'a Names<'a>,
    slots: Vec<&'a str>,
    ids: BTreeMap<String, usize>,
    fields: &'a mut Fields,
}

impl Reader<'_> {
    fn step(&mut self, node: &Node) -> Option<Step> {
        let known: Vec<&str> = KINDS
            .into_iter()
            .chain(["id", "when", "saves", "reads", "failed", "denied"])
            .collect();
        let members = self.fields.members(node, &known)?;
        let mut kinds = members
            .iter()
            .filter(|(key, _)| KINDS.contains(&key.text.as_str()));
        let Some((key, value)) = kinds.next() else {
            self.fields.at(
                node,
                format!(
                    "a step without a task, expected one of {}",
                    KINDS.join(", ")
                ),
            );
            return None;
        };
        if let Some((other, _)) = kinds.next() {
            let problem = format!(
                "{} beside {}, expected one task a step",
                other.text, key.text
            );
            self.fields.at_key(other, problem);
        }
        self.heeded(&members, &key.text);
        let when = members.get("when").map(|node| self.when(node));
        let task = self.task(&members, key, value)?;
        Some(Step {
            when: when.unwrap_or_default(),
            task,
        })
    }

    /// Refuses what a step of this kind would not heed.
    fn heeded(&mut self, members: &Members<'_>, kind: &str) {
        for (key, of) in [
            ("saves", "action"),
            ("reads", "action"),
            ("failed", "action"),
            ("denied", "confirm"),
        ] {
            if let Some((key, _)) = members.entry(key).filter(|_| of != kind) {
                let problem = format!("{} at a step of {kind}, expected it at {of}", key.text);
                self.fields.at_key(key, problem);
            }
        }
    }

    fn task(&mut self, members: &Members<'_>, key: &Key, node: &Node) -> Option<Task> {
        Some(match key.text.as_str() {
            "collect" => Task::Collect(self.collect(node)),
            "confirm" => Task::Confirm {
                question: self.fields.text(node, &self.slots)?,
                denied: match members.get("denied") {
                    Some(node) => Some(self.otherwise(node)?),
                    None => None,
                },
            },
            "action" => Task::Act {
                action: self.action(node)?,
                saves: members
                    .get("saves")
                    .map(|node| self.saves(node))
                    .unwrap_or_default(),
                reads: self.fields.truth(members.get("reads"), false),
                failed: match members.get("failed") {
                    Some(node) => self.otherwise(node)?,
                    None => Otherwise {
                        say: None,
                        clear: Vec::new(),
                        then: Then::Handover(ACTION_FAILED.to_owned()),
                    },
                },
            },
            "say" => Task::Say(self.fields.text(node, &self.slots)?),
            "call" => {
                let name = self.fields.string(node, "the name of a flow")?;
                let Some(&id) = self.names.flows.get(name) else {
                    let problem = format!("no flow {}, expected the name of one", shown(name));
                    self.fields.at(node, problem);
                    return None;
                };
                Task::Call(id)
            }
            "goto" => Task::Goto(self.target(node)?),
            "end" => {
                self.end(node);
                Task::End
            }
            _ => Task::Handover(self.reason(node)?),
        })
    }

    fn collect(&mut self, node: &Node) -> Vec<String> {
        let found = self.slot_list(node);
        if found.is_empty() {
            self.fields
                .at(node, "nothing to collect, expected names of slots");
        }
        for name in &found {
            if self.names.slot(name).is_some_and(|slot| slot.ask.is_none()) {
                let problem = format!("the slot {}, which has no `ask`", shown(name));
                self.fields.at(node, problem);
            }
        }
        found
    }

    fn slot_list(&mut self, node: &Node) -> Vec<String> {
        let mut found = self.fields.strings(node, "the name of a slot");
        found.retain(|name| self.is_slot(node, name));
        found
    }

    fn is_slot(&mut self, node: &Node, name: &str) -> bool {
        let is_slot = self.names.slot(name).is_some();
        if !is_slot {
            let problem = format!("no slot {}, expected one of the flow's", shown(name));
            self.fields.at(node, problem);
        }
        is_slot
    }

    /// The name of an action, which becomes part of an address.
    fn action(&mut self, node: &Node) -> Option<String> {
        let name = self.fields.string(node, "the name of an action")?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !name.chars().all(is_word) || name.len() > 64 {
            let problem = format!(
                "the action {}, expected up to 64 ASCII letters, digits, - and _",
                shown(name)
            );
            self.fields.at(node, problem);
            return None;
        }
        Some(name.to_owned())
    }

    fn saves(&mut self, node: &Node) -> Vec<(String, String)> {
        let mut saves = Vec::new();
        let members = self
            .fields
            .object(node, "an object of keys of the answer by slot");
        for (key, value) in members.iter().flat_map(Members::iter) {
            let known = self.names.slot(&key.text).is_some();
            if !known {
                let problem = format!("no slot {}, expected one of the flow's", shown(&key.text));
                self.fields.at_key(key, problem);
            }
            if let Some(name) = self.fields.string(value, "a key of the action's answer") {
                saves.push((key.text.clone(), name.to_owned()));
            }
        }
        saves
    }

    fn when(&mut self, node: &Node) -> Vec<(String, Option<String>)> {
        let mut when = Vec::new();
        let members = self.fields.object(node, "an object of values by slot");
        for (key, node) in members.iter().flat_map(Members::iter) {
            let Some(slot) = self.names.slot(&key.text) else {
                let problem = format!("no slot {}, expected one of the flow's", shown(&key.text));
                self.fields.at_key(key, problem);
                continue;
            };
            let value = match (node.json(), node.text()) {
                (Value::Null, _) => None,
                (_, Some(text)) => Some(text.to_owned()),
                (_, None) => {
                    let problem = "a list or an object, expected one value, or null for none";
                    self.fields.at(node, problem);
                    continue;
                }
            };
            if let Some(value) = &value {
                let is_choice = slot.choices.iter().any(|choice| choice.value == *value);
                if !slot.choices.is_empty() && !is_choice {
                    let problem = format!("{}, expected one of the slot's choices", shown(value));
                    self.fields.at(node, problem);
                }
            }
            when.push((key.text.clone(), value));
        }
        when
    }

    fn target(&mut self, node: &Node) -> Option<usize> {
        let id = self.fields.string(node, "the id of a step")?;
        let target = self.ids.get(id).copied();
        if target.is_none() {
            let problem = format!(
                "no step {}, expected the id of one of the flow's",
                shown(id)
            );
            self.fields.at(node, problem);
        }
        target
    }

    fn end(&mut self, node: &Node) {
        if node.json() != Value::Bool(true) {
            self.fields.at(node, "no truth, expected end: true");
        }
    }

    fn reason(&mut self, node: &Node) -> Option<String> {
        self.fields.string(node, "a reason").map(str::to_owned)
    }

    fn otherwise(&mut self, node: &Node) -> Option<Otherwise> {
        let members = self
            .fields
            .members(node, &["say", "clear", "goto", "end", "handover"])?;
        let mut ways = members
            .iter()
            .filter(|(key, _)| matches!(key.text.as_str(), "goto" | "end" | "handover"));
        let way = ways.next();
        if let Some((other, _)) = ways.next() {
            self.fields.at_key(
                other,
                "a second way to go on, expected one of goto, end, handover",
            );
        }
        let then = match way {
            None => Then::End,
            Some((key, node)) => match key.text.as_str() {
                "goto" => Then::Goto(self.target(node)?),
                "handover" => Then::Handover(self.reason(node)?),
                _ => {
                    self.end(node);
                    Then::End
                }
            },
        };
        let clear = members.get("clear");
        Some(Otherwise {
            clear: clear.map(|node| self.slot_list(node)).unwrap_or_default(),
            say: match members.get("say") {
                Some(node) => Some(self.fields.text(node, &self.slots)?),
                None => None,
            },
            then,
        })
    }
}
