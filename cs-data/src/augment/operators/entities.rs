//! Entities replaced by others of their label.

use std::collections::HashMap;
use std::path::Path;

use crate::augment::augmenter::check_rate;
use crate::augment::{Augmenter, Generator, Row};
use crate::error::{Error, Result};
use crate::file::{TextFile, shown};
use crate::random::SplitMix;
use crate::text::{Edits, is_label};

/// A generator draws this often before it counts as having no other value.
const DRAWS: usize = 32;

/// Entity replacement by label. Entities of other labels stay.
///
/// A list has a value a line: `label<TAB>value`. A value that starts with `=` is a rule
/// ([`Generator`]): `order_id<TAB>=[A-Z]{2}\d{8}`, `=card`, `=date_zh`; `==` is a plain `=`. Empty
/// lines and lines that start with `#` are skipped. Each line is as likely as any other of its
/// label; the new value differs from the old one wherever another exists, and a value that occurs
/// twice in a row, with one label, is replaced by one and the same.
///
/// ```
/// use cs_data::Edits;
/// use cs_data::augment::{Augmenter, Entities, RowEntity, Row};
/// use cs_data::SplitMix;
/// let entities = Entities::new([("city", "北京"), ("city", "上海"), ("order_id", r"=\d{6}")])?;
/// let row = Row { text: "从北京发货吗", entities: &[RowEntity { range: 3..9, label: "city" }] };
/// let mut edits = Edits::default();
/// entities.edits(row, &mut SplitMix::new(1), &mut edits);
/// assert_eq!(edits.iter().next(), Some((3..9, "上海")));
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Entities {
    values: HashMap<String, Vec<Value>>,
    rate: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Plain(String),
    Made(Generator),
}

impl Value {
    fn parse(text: &str) -> Result<Self, (String, String)> {
        let text = text.trim();
        match text.strip_prefix('=') {
            _ if text.is_empty() => Err(("an empty value".into(), "label<TAB>value".into())),
            Some(plain) if plain.starts_with('=') => Ok(Value::Plain(plain.to_owned())),
            Some(_) => match Generator::parse(text) {
                Ok(made) => Ok(Value::Made(made)),
                Err(expected) => Err((shown(text), expected)),
            },
            None => Ok(Value::Plain(text.to_owned())),
        }
    }
}

impl Entities {
    /// Makes an operator of values as in a list, each with its label.
    ///
    /// # Errors
    ///
    /// No values; an empty value; a rule that is none; a label that is not one word.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut entities = Entities {
            values: HashMap::new(),
            rate: 1.0,
        };
        for (label, value) in values {
            let fail = |(found, expected)| Error::argument("values", found, expected);
            if !is_label(label) {
                return Err(fail((format!("the label {label:?}"), "one word".into())));
            }
            entities.add(label, Value::parse(value).map_err(fail)?);
        }
        if entities.values.is_empty() {
            return Err(Error::argument("values", "empty", "at least one value"));
        }
        Ok(entities)
    }

    /// Reads a list from a file.
    ///
    /// # Errors
    ///
    /// With line and column: a line without a tab, a label that is not one word, an empty value, a
    /// rule that is none; a list without values.
    pub fn open(path: &Path) -> Result<Self> {
        let source = TextFile::open(path)?;
        let mut entities = Entities {
            values: HashMap::new(),
            rate: 1.0,
        };
        for (at, line) in source.lines() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((label, value)) = line.split_once('\t') else {
                return Err(source.error(at, shown(line), "label<TAB>value"));
            };
            if !is_label(label) {
                let found = format!("the label {}", shown(label));
                return Err(source.error(at, found, "a word without white space"));
            }
            let start = at + label.len() + 1 + (value.len() - value.trim_start().len());
            let place = |(found, expected): (String, String)| source.error(start, found, expected);
            entities.add(label, Value::parse(value).map_err(place)?);
        }
        if entities.values.is_empty() {
            return Err(Error::file(
                path,
                "an empty entity list",
                "at least one label<TAB>value",
            ));
        }
        Ok(entities)
    }

    /// Replaces each entity with this probability (1 if never set).
    ///
    /// # Errors
    ///
    /// A rate outside 0 to 1.
    pub fn with_rate(mut self, rate: f64) -> Result<Self> {
        check_rate("rate", rate)?;
        self.rate = rate;
        Ok(self)
    }

    /// Adds a value; a list has each value once.
    fn add(&mut self, label: &str, value: Value) {
        let values = self.values.entry(label.to_owned()).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    }

    /// Another value than `old`; `None` if there is none.
    fn draw(&self, label: &str, old: &str, random: &mut SplitMix) -> Option<String> {
        let values = self.values.get(label)?;
        for _ in 0..DRAWS {
            let value = match random.pick(values)? {
                Value::Plain(value) => value.clone(),
                Value::Made(made) => made.generate(random),
            };
            if value != old && !value.is_empty() {
                return Some(value);
            }
        }
        // A list of one other value and many rules that make the old one is found here.
        values.iter().find_map(|value| match value {
            Value::Plain(value) if value != old => Some(value.clone()),
            _ => None,
        })
    }
}

impl Augmenter for Entities {
    fn name(&self) -> &str {
        "entities"
    }

    fn edits(&self, row: Row<'_>, random: &mut SplitMix, edits: &mut Edits) {
        let mut drawn: Vec<(&str, &str, Option<String>)> = Vec::new();
        for entity in row.entities {
            let old = &row.text[entity.range.clone()];
            let known = drawn
                .iter()
                .position(|(label, value, _)| (*label, *value) == (entity.label, old));
            let at = known.unwrap_or_else(|| {
                let new = match random.chance(self.rate) {
                    true => self.draw(entity.label, old, random),
                    false => None,
                };
                drawn.push((entity.label, old, new));
                drawn.len() - 1
            });
            if let Some(new) = &drawn[at].2 {
                edits.replace(entity.range.clone(), new);
            }
        }
    }
}
