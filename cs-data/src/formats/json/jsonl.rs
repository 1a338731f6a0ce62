//! JSON Lines: one object a row.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::dataset::{Row, TurnRef, json_of};
use crate::error::Result;
use crate::file::{Output, TextSlice};
use crate::formats::blocks::{Block, Cut, Records, Rows};
use crate::formats::row_reader::Place;
use crate::formats::row_writer::{Losses, RowWriter};
use crate::formats::span_fields::SpanFields;
use crate::text::{SOURCE, Span, Utterance, check_text, to_bytes};

use super::object;

/// Blank lines are skipped. A line goes the short way, which borrows what it can; one that fails
/// there, or has something unusual, goes the careful way, which knows the column of an error.
pub(crate) struct Jsonl;

impl Records for Jsonl {
    fn cut(&self, bytes: &[u8], last: bool) -> Cut {
        let end = match memchr::memrchr(b'\n', bytes) {
            _ if last => bytes.len(),
            found => found.map_or(0, |at| at + 1),
        };
        let rows = lines(&bytes[..end]).filter(|(_, line)| !is_blank(line));
        Cut {
            end,
            rows: rows.count(),
        }
    }

    fn parse(&self, block: &Block, rows: &mut Rows) -> Result<()> {
        let path = &*block.path;
        let text = Some(&block.bytes).filter(|bytes| memchr::memchr(0, bytes).is_none());
        let text = text.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let mut row = block.first_row;
        for (number, (start, bytes)) in lines(&block.bytes).enumerate() {
            if is_blank(bytes) {
                continue;
            }
            let line = block.first_line + number;
            let place = Place { line, row };
            row += 1;
            let short = text.and_then(|text| Line::parse(&text[start..start + bytes.len()]));
            if let Some(line) = short {
                line.push(rows, place)?;
                continue;
            }
            let piece = TextSlice { path, line, bytes };
            match object::parse(piece, place.row) {
                Ok(row) => rows.push_utterance(&row, place)?,
                Err(fault) => {
                    if !rows.skip(fault) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Where each line starts, and the line without its end.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest);
        let at = start;
        start += end.map_or(rest.len(), |end| end + 1);
        let line = &rest[..end.unwrap_or(rest.len())];
        Some((at, line.strip_suffix(b"\r").unwrap_or(line)))
    })
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// A line whose strings stand in the file where they have no escapes.
#[derive(Default)]
struct Line<'a> {
    text: Option<Text<'a>>,
    id: Option<&'a RawValue>,
    spans: Option<Vec<Span>>,
    intent: Option<Text<'a>>,
    sentiment: Option<f64>,
    reply: Option<Text<'a>>,
    dialogue_id: Option<Text<'a>>,
    turn: Option<u32>,
    speaker: Option<Text<'a>>,
    origin: Option<Text<'a>>,
    parent: Option<Text<'a>>,
    extra: Map<String, Value>,
}

impl<'a> Line<'a> {
    /// `None`: look closer.
    fn parse(line: &'a str) -> Option<Self> {
        let mut row: Self = serde_json::from_str(line).ok()?;
        let text = row.text.as_ref()?;
        check_text(text).ok()?;
        to_bytes(row.spans.as_deref_mut().unwrap_or_default(), text).ok()?;
        let dialogue = row.dialogue_id.is_some();
        let fine = row
            .sentiment
            .is_none_or(|value| (0.0..=1.0).contains(&value))
            && dialogue == row.turn.is_some()
            && (dialogue || row.speaker.is_none());
        fine.then_some(row)
    }

    fn push(self, rows: &mut Rows, place: Place) -> Result<()> {
        let id = self.id.and_then(id_of);
        let extra = (!self.extra.is_empty()).then(|| json_of(&self.extra));
        let dialogue = self.dialogue_id.as_deref().zip(self.turn);
        let dialogue = dialogue.map(|(dialogue_id, turn)| TurnRef {
            dialogue_id,
            turn,
            speaker: self.speaker.as_deref(),
        });
        let row = Row {
            spans: self.spans.as_deref().unwrap_or_default(),
            tagged: self.spans.is_some(),
            intent: self.intent.as_deref(),
            sentiment: self.sentiment.map(|value| value as f32),
            reply: self.reply.as_deref(),
            dialogue,
            origin: self.origin.as_deref().unwrap_or(SOURCE),
            parent: self.parent.as_deref(),
            extra: extra.as_deref(),
            ..Row::new("", self.text.as_deref().unwrap_or_default())
        };
        rows.push(id.as_deref(), row, place)
    }
}

/// A string, or a number in its own digits.
fn id_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Text>(raw.get()).ok().map(|id| id.0),
        Some(b'n') | None => None,
        Some(_) => Some(raw.get().into()),
    }
}

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Line<'de>, M::Error> {
        let mut row = Line::default();
        // A bit for each field, since a null leaves no trace, and one that is always set.
        let mut seen = 1u32 << 31;
        while let Some(key) = map.next_key::<Text>()? {
            let bit = match &*key {
                "text" => read(&mut row.text, &mut map, 0)?,
                "id" => read_id(&mut row.id, &mut map, 1)?,
                "intent" => read(&mut row.intent, &mut map, 2)?,
                "sentiment" => read(&mut row.sentiment, &mut map, 3)?,
                "reply" => read(&mut row.reply, &mut map, 4)?,
                "dialogue_id" => read(&mut row.dialogue_id, &mut map, 5)?,
                "turn" => read(&mut row.turn, &mut map, 6)?,
                "speaker" => read(&mut row.speaker, &mut map, 7)?,
                "origin" => read(&mut row.origin, &mut map, 8)?,
                "parent" => read(&mut row.parent, &mut map, 9)?,
                "spans" => {
                    let spans: Option<Vec<SpanFields>> = map.next_value()?;
                    row.spans = spans.map(|spans| spans.into_iter().map(Span::from).collect());
                    1 << 10
                }
                _ => {
                    let before = row.extra.insert(key.0.into_owned(), map.next_value()?);
                    if before.is_some() { seen } else { 0 }
                }
            };
            if seen & bit != 0 {
                return Err(M::Error::custom("a key stands twice"));
            }
            seen |= bit;
        }
        Ok(row)
    }
}

/// Reads a value and gives the field's bit.
fn read<'de, M: MapAccess<'de>, T: Deserialize<'de>>(
    field: &mut Option<T>,
    map: &mut M,
    bit: u32,
) -> Result<u32, M::Error> {
    *field = map.next_value()?;
    Ok(1 << bit)
}

/// A number, null, or a string without NUL; the careful way has to see anything else.
fn read_id<'de, M: MapAccess<'de>>(
    field: &mut Option<&'de RawValue>,
    map: &mut M,
    bit: u32,
) -> Result<u32, M::Error> {
    let raw: &RawValue = map.next_value()?;
    let fine = match raw.get().as_bytes().first() {
        Some(b'"') => id_of(raw).is_some(),
        Some(byte) => matches!(byte, b'-' | b'0'..=b'9' | b'n'),
        None => false,
    };
    *field = Some(raw);
    fine.then_some(1 << bit)
        .ok_or_else(|| M::Error::custom("an id"))
}

/// A string without NUL, borrowed where it has no escape.
struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                // The line has no NUL, so only an escape could bring one.
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                if text.contains('\0') {
                    return Err(E::custom("a NUL character"));
                }
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// Writes what [`Jsonl`] reads; holds everything.
pub(crate) struct JsonlWriter(pub(crate) Output);

impl RowWriter for JsonlWriter {
    fn write(&mut self, row: &Utterance, _: &mut Losses) -> Result<()> {
        let object: Map<String, Value> = row.to_json();
        self.0.text(&json_of(&object))?;
        self.0.text("\n")
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}
