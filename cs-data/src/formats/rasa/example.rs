//! A training example of Rasa:
//! `from [Denver]{"entity": "city", "role": "departure"} to [LA](city)`.

use serde_json::{Map, Value};

use crate::text::{Span, is_label};

const OBJECT: &str = "a JSON object with \"entity\"";

/// The key of the entities after the first.
pub(crate) const FURTHER: &str = "entities";

/// An example taken apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
    /// For each span what it is beside its label: `role`, `group`, `value`, and under `entities`
    /// the further entities that Rasa has for it.
    pub(crate) attributes: Vec<Map<String, Value>>,
}

/// What is wrong at a byte of the example.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

impl Example {
    /// Reads a line as Rasa does: `[text](entity)`, `[text](entity:value)`, `[text]{…}` with a JSON
    /// object or `[text][{…}, {…}]` with several, of which the first is the label; brackets that
    /// none of these follows are text.
    pub(crate) fn parse(line: &str) -> Result<Self, Wrong> {
        let mut example = Example::default();
        let mut rest = line;
        while let Some(open) = rest.find('[') {
            example.text.push_str(&rest[..open]);
            rest = &rest[open..];
            let at = line.len() - rest.len();
            let close = rest.find(']').filter(|close| *close > 1);
            let after = close.map_or("", |close| &rest[close + 1..]);
            let (Some(close), true) = (close, is_annotation(after)) else {
                example.text.push('[');
                rest = &rest[1..];
                continue;
            };
            let annotation = annotation(after).map_err(|expected| Wrong {
                at: at + close + 1,
                expected,
            })?;
            let start = example.text.len();
            example.text.push_str(&rest[1..close]);
            example
                .spans
                .push(Span::new(start, example.text.len(), annotation.label));
            example.attributes.push(annotation.attributes);
            rest = &after[annotation.length..];
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
                line.push_str(&written(&span.label, attributes.clone()).to_string());
            }
        }
        line.push_str(&self.text[at..]);
        Example::parse(&line)
            .is_ok_and(|read| read == *self)
            .then_some(line)
    }
}

/// Whether what follows a bracket says what is in it.
fn is_annotation(text: &str) -> bool {
    let inside = text.strip_prefix('[').unwrap_or_default();
    text.starts_with(['(', '{']) || inside.trim_start().starts_with('{')
}

/// The object, or list of such, of a label and its attributes.
fn written(label: &str, mut attributes: Map<String, Value>) -> Value {
    let further = attributes.remove(FURTHER);
    attributes.insert("entity".into(), label.into());
    match further {
        Some(Value::Array(further)) => {
            let first = std::iter::once(Value::Object(attributes));
            first.chain(further).collect()
        }
        further => {
            attributes.extend(further.map(|value| (FURTHER.to_owned(), value)));
            Value::Object(attributes)
        }
    }
}

/// What follows a bracket.
struct Annotation {
    label: String,
    attributes: Map<String, Value>,
    length: usize,
}

fn annotation(text: &str) -> Result<Annotation, &'static str> {
    let mut attributes = Map::new();
    if let Some(inside) = text.strip_prefix('(') {
        let end = inside.find(')').ok_or("a closing parenthesis")?;
        let (label, value) = inside[..end]
            .split_once(':')
            .unwrap_or((&inside[..end], ""));
        if !value.is_empty() {
            attributes.insert("value".into(), value.into());
        }
        return Ok(Annotation {
            label: named(label)?,
            attributes,
            length: end + 2,
        });
    }
    if text.starts_with('[') {
        return listed(text);
    }
    let length = text.find('}').ok_or("a closing brace")? + 1;
    let object = serde_json::from_str(&text[..length]).map_err(|_| OBJECT)?;
    let (label, attributes) = entity(object)?;
    Ok(Annotation {
        label,
        attributes,
        length,
    })
}

/// An annotation that is a list of objects.
fn listed(text: &str) -> Result<Annotation, &'static str> {
    let mut list = serde_json::Deserializer::from_str(text).into_iter::<Vec<Map<String, Value>>>();
    let Some(Ok(objects)) = list.next() else {
        return Err("a list of JSON objects with \"entity\"");
    };
    let length = list.byte_offset();
    // Rasa takes the first bracket for the end.
    if text.find(']') != Some(length - 1) {
        return Err("a list without a bracket in its texts");
    }
    let mut further = Vec::new();
    for object in objects.iter().skip(1) {
        entity(object.clone())?;
        further.push(Value::Object(object.clone()));
    }
    let (label, mut attributes) = entity(objects.into_iter().next().unwrap_or_default())?;
    attributes.insert(FURTHER.into(), further.into());
    Ok(Annotation {
        label,
        attributes,
        length,
    })
}

/// Label and attributes of an object.
fn entity(
    mut attributes: Map<String, Value>,
) -> Result<(String, Map<String, Value>), &'static str> {
    let mut values = attributes.values();
    if !values.all(|value| value.is_string() || value.is_number()) {
        return Err("texts or numbers as attributes");
    }
    match attributes.remove("entity") {
        Some(Value::String(label)) => named(&label).map(|label| (label, attributes)),
        _ => Err(OBJECT),
    }
}

fn named(label: &str) -> Result<String, &'static str> {
    is_label(label)
        .then(|| label.to_owned())
        .ok_or("an entity, one word")
}
