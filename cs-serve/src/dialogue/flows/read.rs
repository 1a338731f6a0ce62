//! A file of flows, read.

use std::collections::{BTreeMap, BTreeSet};

use cs_data::file::yaml::{self, Content, Node};
use regex::RegexBuilder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::check;
use super::fields::{Fields, Members, shown};
use super::flow::{Choice, Flow, FlowId, Rules, Slot};
use super::steps::{Names, steps};
use super::texts::Texts;
use super::{Flows, Problem};
use crate::reply::Language;

const MOST_FLOWS: usize = 1_000;
const MOST_SLOTS: usize = 100;
const MOST_CHOICES: usize = 200;
/// The most patterns of a file, as each takes memory.
const MOST_PATTERNS: usize = 1_000;
/// The longest pattern, in bytes, and the most memory that a compiled one takes.
const MOST_PATTERN: usize = 500;
const PATTERN_BYTES: usize = 256 << 10;
/// Wrong answers that are borne, if a slot does not say.
const RETRIES: u32 = 2;
const MOST_RETRIES: u32 = 20;

/// Reads flows, or finds all that is wrong with them.
pub(super) fn flows(text: &str) -> Result<Flows, Vec<Problem>> {
    let mut reader = Reader::default();
    let flows = match yaml::parse(text) {
        Ok(Some(root)) => reader.file(&root),
        Ok(None) => {
            let (line, column) = (1, 1);
            let problem = "an empty file, expected version and flows".into();
            reader.fields.problems.push(Problem {
                line,
                column,
                problem,
            });
            None
        }
        Err(wrong) => {
            reader.fields.wrong(&wrong);
            None
        }
    };
    let mut problems = reader.fields.problems;
    problems.sort();
    problems.dedup();
    match flows {
        Some(flows) if problems.is_empty() => Ok(flows),
        _ => Err(problems),
    }
}

#[derive(Default)]
struct Reader {
    fields: Fields,
    patterns: usize,
}

impl Reader {
    fn file(&mut self, root: &Node) -> Option<Flows> {
        let known = ["version", "flows", "handover", "texts"];
        let members = self.fields.members(root, &known)?;
        self.version(&members);
        let mut flows = Flows {
            rules: members
                .get("handover")
                .map(|node| self.rules(node))
                .unwrap_or_default(),
            texts: members
                .get("texts")
                .map(|node| self.texts(node))
                .unwrap_or_default(),
            ..Flows::default()
        };
        let Some(node) = members.get("flows") else {
            self.fields.at(root, "no flows, expected an object of them");
            return None;
        };
        let named = self.fields.object(node, "an object of flows by name")?;
        if named.iter().count() > MOST_FLOWS {
            self.fields
                .at(node, format!("more than {MOST_FLOWS} flows"));
            return None;
        }
        let ids = named.iter().enumerate();
        flows.by_name = ids.map(|(id, (key, _))| (key.text.clone(), id)).collect();
        for (id, (key, node)) in named.iter().enumerate() {
            self.fields.name(key, "a flow");
            let flow = self.flow(&key.text, node, &flows.by_name);
            flows.flows.push(flow);
            self.starts(id, node, &mut flows);
        }
        if self.fields.problems.is_empty() {
            check::calls(&flows, &named, &mut self.fields);
        }
        Some(flows)
    }

    fn version(&mut self, members: &Members<'_>) {
        match members.get("version") {
            None => self
                .fields
                .at(members.node, "no version, expected version: 1"),
            Some(node) if node.json() != 1 => {
                self.fields
                    .at(node, "another version, expected 1, which is the latest");
            }
            Some(_) => {}
        }
    }

    fn rules(&mut self, node: &Node) -> Rules {
        let known = ["sentiment_below", "low_confidence_twice", "intents"];
        let Some(members) = self.fields.members(node, &known) else {
            return Rules::default();
        };
        let intents = members.get("intents");
        let intents = intents.map(|node| self.fields.strings(node, "an intent"));
        Rules {
            sentiment_below: self.fields.share(members.get("sentiment_below")),
            low_confidence_twice: self.fields.share(members.get("low_confidence_twice")),
            intents: intents.unwrap_or_default().into_iter().collect(),
        }
    }

    fn texts(&mut self, node: &Node) -> Texts {
        let mut texts = Texts::default();
        let known: Vec<&str> = Texts::names().collect();
        let members = self.fields.members(node, &known);
        for (key, node) in members.iter().flat_map(Members::iter) {
            if let Some(text) = self.fields.text(node, Texts::places(&key.text)) {
                texts.set(&key.text, text);
            }
        }
        texts
    }

    fn flow(&mut self, name: &str, node: &Node, flows: &BTreeMap<String, FlowId>) -> Flow {
        let mut flow = Flow {
            name: name.to_owned(),
            meaning: meaning(node),
            slots: Vec::new(),
            steps: Vec::new(),
        };
        let Some(members) = self.fields.members(node, &["starts", "slots", "steps"]) else {
            return flow;
        };
        if let Some(node) = members.get("slots") {
            flow.slots = self.slots(node);
        }
        match members.get("steps") {
            Some(node) => {
                let names = Names {
                    slots: &flow.slots,
                    flows,
                };
                flow.steps = steps(&mut self.fields, node, &names);
            }
            None => self.fields.at(node, "no steps, expected a list of them"),
        }
        flow
    }

    /// The intents that start a flow.
    fn starts(&mut self, id: FlowId, node: &Node, flows: &mut Flows) {
        let Some(starts) = node.get("starts") else {
            return;
        };
        let Some(members) = self.fields.members(starts, &["intent", "intents"]) else {
            return;
        };
        let mut named: Vec<(&Node, &str)> = Vec::new();
        if let Some(node) = members.get("intent") {
            named.extend(self.fields.string(node, "an intent").map(|it| (node, it)));
        }
        if let Some(node) = members.get("intents") {
            for item in self.fields.list(node, "a list of intents") {
                named.extend(self.fields.string(item, "an intent").map(|it| (item, it)));
            }
        }
        if named.is_empty() {
            self.fields
                .at(starts, "no intent, expected one that starts the flow");
        }
        for (node, intent) in named {
            if flows.by_intent.insert(intent.to_owned(), id).is_some() {
                self.fields.at(
                    node,
                    format!("{} again, expected one flow for it", shown(intent)),
                );
            }
            if flows.rules.intents.contains(intent) {
                let problem = format!("{}, which a person answers by `handover`", shown(intent));
                self.fields.at(node, problem);
            }
        }
    }

    fn slots(&mut self, node: &Node) -> Vec<Slot> {
        let Some(members) = self.fields.object(node, "an object of slots by name") else {
            return Vec::new();
        };
        let count = members.iter().count();
        if count > MOST_SLOTS {
            let problem = format!("{count} slots, expected at most {MOST_SLOTS} in a flow");
            self.fields.at(node, problem);
            return Vec::new();
        }
        let names: Vec<&str> = members.iter().map(|(key, _)| key.text.as_str()).collect();
        let mut slots = Vec::new();
        for (key, node) in members.iter() {
            self.fields.name(key, "a slot");
            slots.push(self.slot(&key.text, node, &names));
        }
        slots
    }

    fn slot(&mut self, name: &str, node: &Node, names: &[&str]) -> Slot {
        let known = [
            "ask", "invalid", "pattern", "choices", "text", "entity", "required", "remember",
            "retries",
        ];
        let mut slot = Slot {
            name: name.to_owned(),
            ask: None,
            invalid: None,
            pattern: None,
            choices: Vec::new(),
            entity: name.to_owned(),
            is_required: true,
            is_remembered: false,
            is_text: false,
            retries: RETRIES,
        };
        let Some(members) = self.fields.members(node, &known) else {
            return slot;
        };
        let fields = &mut self.fields;
        let text = |fields: &mut Fields, key| {
            let node = members.get(key)?;
            fields.text(node, names)
        };
        slot.ask = text(fields, "ask");
        slot.invalid = text(fields, "invalid");
        slot.is_required = fields.truth(members.get("required"), true);
        slot.is_remembered = fields.truth(members.get("remember"), false);
        slot.is_text = fields.truth(members.get("text"), false);
        slot.retries = fields.count(members.get("retries"), MOST_RETRIES, RETRIES);
        if let Some(node) = members.get("entity") {
            let entity = fields.string(node, "the label of an entity");
            slot.entity = entity.unwrap_or(name).to_owned();
        }
        self.kind(&members, &mut slot);
        slot
    }

    /// What values a slot may have.
    fn kind(&mut self, members: &Members<'_>, slot: &mut Slot) {
        let kinds = ["pattern", "choices", "text"];
        let given: Vec<_> = kinds.iter().filter_map(|key| members.entry(key)).collect();
        if let [_, (key, _), ..] = given.as_slice() {
            let problem = format!(
                "{} beside another one of pattern, choices, text",
                shown(&key.text)
            );
            self.fields.at_key(key, problem);
        }
        if let Some(node) = members.get("pattern") {
            slot.pattern = self.pattern(node);
        }
        if let Some(node) = members.get("choices") {
            slot.choices = self.choices(node);
        }
    }

    fn pattern(&mut self, node: &Node) -> Option<regex::Regex> {
        let source = self.fields.string(node, "a regular expression")?;
        self.patterns += 1;
        if source.len() > MOST_PATTERN || self.patterns > MOST_PATTERNS {
            let problem = format!(
                "a pattern of {} bytes, the file's {}th, expected at most {MOST_PATTERN} bytes and {MOST_PATTERNS} patterns",
                source.len(),
                self.patterns
            );
            self.fields.at(node, problem);
            return None;
        }
        let built = RegexBuilder::new(source)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build();
        match built {
            Ok(pattern) if pattern.is_match("") => {
                let problem = "a pattern that matches nothing at all, expected a value";
                self.fields.at(node, problem);
                None
            }
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default();
                let last = last.strip_prefix("error: ").unwrap_or(last);
                self.fields
                    .at(node, format!("no regular expression: {last}"));
                None
            }
        }
    }

    fn choices(&mut self, node: &Node) -> Vec<Choice> {
        let mut choices = match &node.content {
            Content::List(_) => {
                let values = self.fields.strings(node, "a value");
                let choice = |value: String| Choice {
                    words: BTreeMap::from([(Language::En, vec![value.replace('_', " ")])]),
                    value,
                };
                values.into_iter().map(choice).collect()
            }
            _ => self.worded_choices(node),
        };
        if choices.is_empty() || choices.len() > MOST_CHOICES {
            let problem = format!("{} choices, expected 1 to {MOST_CHOICES}", choices.len());
            self.fields.at(node, problem);
            choices.clear();
        }
        choices
    }

    fn worded_choices(&mut self, node: &Node) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let members = self
            .fields
            .object(node, "a list of values, or an object of them");
        for (key, node) in members.iter().flat_map(Members::iter) {
            let mut words = BTreeMap::new();
            let members = self.fields.members(node, &["zh", "en"]);
            for (language, node) in members.iter().flat_map(Members::iter) {
                let found = self.fields.strings(node, "a word");
                for word in found.iter().filter(|word| !taken.insert((*word).clone())) {
                    let problem =
                        format!("{} again, expected it for one value or words", shown(word));
                    self.fields.at(node, problem);
                }
                let language = match language.text.as_str() {
                    "zh" => Language::Zh,
                    _ => Language::En,
                };
                words.insert(language, found);
            }
            choices.push(Choice {
                value: key.text.clone(),
                words,
            });
        }
        choices
    }
}

/// A sum of a flow's structure. Its wording may change without a change of meaning.
fn meaning(node: &Node) -> u64 {
    let digest = Sha256::digest(without_wording(&node.json()).to_string());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

fn without_wording(value: &Value) -> Value {
    let is_wording = |key: &str, value: &Value| {
        let is_text = match value {
            Value::String(_) => true,
            Value::Object(map) => map.keys().all(|key| matches!(key.as_str(), "zh" | "en")),
            _ => false,
        };
        is_text && matches!(key, "ask" | "invalid" | "say" | "confirm")
    };
    match value {
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                let value = if is_wording(key, value) {
                    Value::Null
                } else {
                    without_wording(value)
                };
                (key.clone(), value)
            };
            Value::Object(map.iter().map(entry).collect())
        }
        Value::Array(items) => items.iter().map(without_wording).collect(),
        value => value.clone(),
    }
}
