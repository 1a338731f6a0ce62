//! One object of a JSON Lines file, with the care that its errors need.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::file::{TextSlice, shown};
use crate::formats::span_fields::SpanFields;
use crate::text::{SOURCE, Span, Turn, Utterance, check_sentiment, check_text, to_bytes};

/// The fields of one object, not yet interpreted.
struct Object<'a> {
    piece: TextSlice<'a>,
    line: &'a str,
    fields: Vec<(String, &'a RawValue)>,
}

/// The row of a line; without an id, `number` becomes its id.
pub(crate) fn parse(piece: TextSlice, number: usize) -> Result<Utterance> {
    let line = piece.text()?;
    let object = Object {
        piece,
        line,
        fields: Vec::new(),
    };
    let Fields(fields) = object.json(line, "a JSON object")?;
    Object { fields, ..object }.utterance(number)
}

impl<'a> Object<'a> {
    fn utterance(mut self, number: usize) -> Result<Utterance> {
        let Some(raw) = self.take("text") else {
            return Err(self
                .piece
                .error(0, "an object without \"text\"", "one with it"));
        };
        let text: String = self.json(raw.get(), "a string")?;
        check_text(&text).map_err(|rule| self.piece.broken(self.at(raw.get()), &rule))?;
        let dialogue = self.dialogue()?;
        let spans = self.spans(&text)?;
        let sentiment = self.sentiment()?;
        let mut row = Utterance::new(self.id()?.unwrap_or_else(|| number.to_string()), text);
        row.entity_free = spans.as_ref().is_some_and(Vec::is_empty);
        row.spans = spans.unwrap_or_default();
        row.sentiment = sentiment;
        row.dialogue = dialogue;
        row.intent = self.string("intent")?.filter(|intent| !intent.is_empty());
        row.reply = self.string("reply")?;
        row.origin = self.string("origin")?.unwrap_or_else(|| SOURCE.into());
        row.parent = self.string("parent")?;
        row.extra = self.extra()?;
        Ok(row)
    }

    /// The field's value, `None` if absent or null.
    fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.fields.iter().position(|(name, _)| name == key)?;
        Some(self.fields.remove(at).1).filter(|raw| raw.get() != "null")
    }

    fn string(&mut self, key: &str) -> Result<Option<String>> {
        let Some(raw) = self.take(key) else {
            return Ok(None);
        };
        let value: String = self.json(raw.get(), "a string or null")?;
        if value.contains('\0') {
            return Err(self.error(raw.get(), "no NUL character"));
        }
        Ok(Some(value))
    }

    /// A string, or a number in its own digits.
    fn id(&mut self) -> Result<Option<String>> {
        match self.fields.iter().find(|(name, _)| name == "id") {
            Some((_, raw))
                if raw
                    .get()
                    .starts_with(|c: char| c == '-' || c.is_ascii_digit()) =>
            {
                Ok(self.take("id").map(|raw| raw.get().to_owned()))
            }
            _ => self.string("id"),
        }
    }

    fn sentiment(&mut self) -> Result<Option<f32>> {
        let Some(raw) = self.take("sentiment") else {
            return Ok(None);
        };
        let value: f64 = self.json(raw.get(), "a number from 0 to 1")?;
        // Compared before rounding, which would let 1.00000001 pass.
        if !(0.0..=1.0).contains(&value) || check_sentiment(value as f32).is_err() {
            return Err(self.error(raw.get(), "a number from 0 to 1"));
        }
        Ok(Some(value as f32))
    }

    fn spans(&mut self, text: &str) -> Result<Option<Vec<Span>>> {
        let Some(raw) = self.take("spans") else {
            return Ok(None);
        };
        let expected = "a list of objects with start, end (characters) and label";
        let List(items) = self.json(raw.get(), expected).map_err(Error::of_labels)?;
        let mut spans = Vec::with_capacity(items.len());
        for item in &items {
            let span = self.json::<SpanFields>(item.get(), expected);
            spans.push(Span::from(span.map_err(Error::of_labels)?));
        }
        to_bytes(&mut spans, text).map_err(|rule| {
            let raw = rule
                .index()
                .and_then(|index| items.get(index))
                .unwrap_or(&raw);
            self.piece.broken(self.at(raw.get()), &rule)
        })?;
        Ok(Some(spans))
    }

    /// Without a `dialogue_id`, `turn` and `speaker` stay among the unknown fields.
    fn dialogue(&mut self) -> Result<Option<Turn>> {
        let Some(raw) = self.fields.iter().find(|(name, _)| name == "dialogue_id") else {
            return Ok(None);
        };
        let place = raw.1.get();
        let Some(dialogue_id) = self.string("dialogue_id")? else {
            return Ok(None);
        };
        let expected = "a turn (a number from 0) beside dialogue_id";
        let Some(raw) = self.take("turn") else {
            return Err(self.error(place, expected));
        };
        let turn = self.json(raw.get(), expected)?;
        Ok(Some(Turn {
            dialogue_id,
            turn,
            speaker: self.string("speaker")?,
        }))
    }

    fn extra(&mut self) -> Result<Map<String, Value>> {
        let mut extra = Map::new();
        for (key, raw) in std::mem::take(&mut self.fields) {
            let value = self.json(raw.get(), "JSON")?;
            extra.insert(key, value);
        }
        Ok(extra)
    }

    /// Where a part of the line starts in it.
    fn at(&self, piece: &str) -> usize {
        (piece.as_ptr() as usize).saturating_sub(self.line.as_ptr() as usize)
    }

    fn error(&self, piece: &str, expected: &str) -> Error {
        self.piece.error(self.at(piece), shown(piece), expected)
    }

    /// Interprets a piece of the line.
    fn json<'b, T: Deserialize<'b>>(&self, piece: &'b str, expected: &str) -> Result<T> {
        serde_json::from_str(piece).map_err(|error| {
            // Data errors report the end of the value; its start says more.
            let within = match error.classify() {
                Category::Data => 0,
                Category::Eof => piece.len(),
                _ => error.column().saturating_sub(1),
            };
            let message = error.to_string();
            let message = message
                .rsplit_once(" at line ")
                .map_or(&*message, |(text, _)| text);
            let found = format!("{} ({message})", shown(piece));
            self.piece.error(self.at(piece) + within, found, expected)
        })
    }
}

/// The elements of an array as they stand in the line.
#[derive(Deserialize)]
struct List<'a>(#[serde(borrow)] Vec<&'a RawValue>);

/// The members of an object as they stand in the line; refuses a key that stands twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut seen = std::collections::HashSet::new();
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if !seen.insert(key.clone()) {
                        return Err(M::Error::custom(format!("the key {key:?} stands twice")));
                    }
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
