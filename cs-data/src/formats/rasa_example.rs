//! A training example of Rasa: `from [Denver]{"entity": "city", "role": "departure"} to [LA](city)`.

use serde_json::{Map, Value};

use crate::utterance::{Span, is_label};

/// An example taken apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
    /// For each span what it is beside its label: `role`, `group`, `value`.
    pub(crate) attributes: Vec<Map<String, Value>>,
}

/// What is wrong at a byte of the example.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

impl Example {
    /// As Rasa reads it: `[text](entity)`, `[text](entity:value)` or `[text]{…}` with a JSON object;
    /// brackets that none of these follows are text.
    pub(crate) fn parse(line: &str) -> Result<Self, Wrong> {
        let mut example = Example::default();
        let mut rest = line;
        while let Some(open) = rest.find('[') {
            example.text.push_str(&rest[..open]);
            rest = &rest[open..];
            let at = line.len() - rest.len();
            let close = rest.find(']').filter(|close| *close > 1);
            let after = close.map_or("", |close| &rest[close + 1..]);
            let (Some(close), true) = (close, after.starts_with(['(', '{'])) else {
                example.text.push('[');
                rest = &rest[1..];
                continue;
            };
            let (label, attributes, length) = annotation(after).map_err(|expected| Wrong {
                at: at + close + 1,
                expected,
            })?;
            let start = example.text.len();
            example.text.push_str(&rest[1..close]);
            example
                .spans
                .push(Span::new(start, example.text.len(), label));
            example.attributes.push(attributes);
            rest = &after[length..];
        }
        example.text.push_str(rest);
        Ok(example)
    }

    /// The line that reads as this example, if one does.
    pub(crate) fn line(&self) -> Option<String> {
        let mut line = String::new();
        let mut at = 0;
        for (span, attributes) in self.spans.iter().zip(&self.attributes) {
            line.push_str(&self.text[at..span.start]);
            line.push_str(&format!("[{}]", &self.text[span.range()]));
            at = span.end;
            if attributes.is_empty() && !span.label.contains([':', ')']) {
                line.push_str(&format!("({})", span.label));
            } else {
                let mut object = attributes.clone();
                object.insert("entity".into(), span.label.as_str().into());
                line.push_str(&Value::Object(object).to_string());
            }
        }
        line.push_str(&self.text[at..]);
        Example::parse(&line)
            .is_ok_and(|read| read == *self)
            .then_some(line)
    }
}

/// Label, attributes and length of what follows the bracket.
fn annotation(text: &str) -> Result<(String, Map<String, Value>, usize), &'static str> {
    let mut attributes = Map::new();
    if let Some(inside) = text.strip_prefix('(') {
        let end = inside.find(')').ok_or("a closing parenthesis")?;
        let (label, value) = inside[..end]
            .split_once(':')
            .unwrap_or((&inside[..end], ""));
        if !value.is_empty() {
            attributes.insert("value".into(), value.into());
        }
        return named(label).map(|label| (label, attributes, end + 2));
    }
    let end = text.find('}').ok_or("a closing brace")? + 1;
    attributes = serde_json::from_str(&text[..end]).map_err(|_| "a JSON object with \"entity\"")?;
    let is_word = |value: &Value| value.is_string() || value.is_number();
    if !attributes.values().all(is_word) {
        return Err("texts or numbers as attributes");
    }
    match attributes.remove("entity") {
        Some(Value::String(label)) => named(&label).map(|label| (label, attributes, end)),
        _ => Err("a JSON object with \"entity\""),
    }
}

fn named(label: &str) -> Result<String, &'static str> {
    is_label(label)
        .then(|| label.to_owned())
        .ok_or("an entity, one word")
}
