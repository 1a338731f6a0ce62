//! The fields of a row as comment lines (`# intent = refund`), for formats whose lines hold only
//! tokens and tags.

use serde_json::{Map, Value};

use crate::text::{SOURCE, Span, Turn, Utterance, to_bytes};

use super::span_fields::SpanFields;

/// The keys that are known. Any other comment is kept in `extra` under [`OTHERS`].
const KEYS: [&str; 12] = [
    "id",
    "text",
    "intent",
    "sentiment",
    "reply",
    "dialogue_id",
    "turn",
    "speaker",
    "origin",
    "parent",
    "extra",
    SPANS,
];

/// Spans that tags cannot hold, as in JSON Lines.
pub(crate) const SPANS: &str = "spans";

const OTHERS: &str = "comments";

/// Key and value of a comment line with one of [`KEYS`]: `# key = value` or `# key: value`.
pub(crate) fn key_value(line: &str) -> Option<KeyValue<'_>> {
    let rest = line.strip_prefix('#')?;
    let (key, value) = rest.split_once(['=', ':'])?;
    let key = KEYS.into_iter().find(|known| *known == key.trim())?;
    Some((key, value.trim()))
}

/// A value as it is written: a JSON string where the plain text would not read back.
fn written(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value.trim() == value
        && !value.starts_with(['"', '\u{feff}'])
        && !value.contains(char::is_control);
    if is_plain {
        value.to_owned()
    } else {
        Value::from(value).to_string()
    }
}

/// What a written value says.
pub(crate) fn meant(value: &str) -> String {
    let quoted = value.starts_with('"').then(|| serde_json::from_str(value));
    match quoted {
        Some(Ok(text)) => text,
        _ => value.to_owned(),
    }
}

fn spans(json: &str, text: &str) -> Option<Vec<Span>> {
    let fields: Vec<SpanFields> = serde_json::from_str(json).ok()?;
    let mut spans: Vec<Span> = fields.into_iter().map(Span::from).collect();
    to_bytes(&mut spans, text).ok()?;
    Some(spans)
}

/// What is wrong with a comment's value.
pub(crate) struct BadValue {
    /// Which key; the value of another may be missing because of it.
    pub(crate) key: &'static str,
    pub(crate) expected: &'static str,
}

/// A key and the value that a comment line gives it.
pub(crate) type KeyValue<'a> = (&'static str, &'a str);

/// Fills all fields but `text` from the values found and from the `others`, the
/// comments with no known key. The id, where there is none, stays as it is.
pub(crate) fn read(
    row: &mut Utterance,
    values: &[KeyValue<'_>],
    others: &[&str],
) -> Result<(), BadValue> {
    let values = Values(values);
    values.check()?;
    if let Some(json) = values.get("extra") {
        let object = serde_json::from_str(&json);
        row.extra = object.map_err(|_| bad("extra", "a JSON object"))?;
    }
    if !others.is_empty() {
        row.extra.insert(OTHERS.into(), others.to_vec().into());
    }
    if let Some(json) = values.get(SPANS) {
        let expected = "a list of spans of the text with start, end (characters) and label";
        row.spans = spans(&json, &row.text).ok_or(bad(SPANS, expected))?;
        row.entity_free = row.spans.is_empty();
    }
    if let Some(id) = values.get("id") {
        row.id = id;
    }
    if let Some(sentiment) = values.get("sentiment") {
        let value = sentiment.parse().unwrap_or(f64::NAN);
        if !(0.0..=1.0).contains(&value) {
            return Err(bad("sentiment", "a number from 0 to 1"));
        }
        row.sentiment = Some(value as f32);
    }
    row.intent = values.get("intent").filter(|intent| !intent.is_empty());
    row.reply = values.get("reply");
    row.parent = values.get("parent");
    row.origin = values.get("origin").unwrap_or_else(|| SOURCE.into());
    values.read_turn(row)
}

/// The values of a row's comments.
struct Values<'a>(&'a [KeyValue<'a>]);

impl Values<'_> {
    fn get(&self, key: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| *known == key);
        found.map(|(_, value)| meant(value))
    }

    fn check(&self) -> Result<(), BadValue> {
        for &(key, _) in self.0 {
            if self.get(key).is_some_and(|value| value.contains('\0')) {
                return Err(bad(key, "no NUL character"));
            }
        }
        Ok(())
    }

    fn read_turn(&self, row: &mut Utterance) -> Result<(), BadValue> {
        let turn = match self.get("turn").map(|turn| turn.parse::<u32>()) {
            Some(Err(_)) => return Err(bad("turn", "a turn (a number from 0)")),
            turn => turn.and_then(Result::ok),
        };
        let speaker = self.get("speaker");
        match (self.get("dialogue_id"), turn) {
            (Some(_), None) => {
                return Err(bad("dialogue_id", "a turn (a number from 0) beside it"));
            }
            (Some(dialogue_id), Some(turn)) => {
                row.dialogue = Some(Turn {
                    dialogue_id,
                    turn,
                    speaker,
                });
            }
            // As in JSON Lines, they say nothing without a dialogue, and are kept.
            (None, turn) => {
                let turn = turn.map(|turn| ("turn".to_owned(), turn.into()));
                let speaker = speaker.map(|speaker| ("speaker".to_owned(), speaker.into()));
                row.extra.extend(turn.into_iter().chain(speaker));
            }
        }
        Ok(())
    }
}

fn bad(key: &'static str, expected: &'static str) -> BadValue {
    BadValue { key, expected }
}

/// Which fields comment lines hold besides those that they always do.
pub(crate) struct Held {
    pub(crate) id: bool,
    pub(crate) text: bool,
}

/// The comment lines of a row, each with its line end: `id` and `text` if `held`, every other field
/// that is set. Comments that would not read back are written with the rest of `extra`;
/// `is_comment` knows whether a line of no known key does.
pub(crate) fn write(row: &Utterance, held: &Held, is_comment: impl Fn(&str) -> bool) -> String {
    let mut extra = row.extra.clone();
    let mut lines = String::new();
    for line in take_others(&mut extra, is_comment) {
        lines.push_str(&format!("{line}\n"));
    }
    let turn = row.dialogue.as_ref();
    let fields = [
        ("id", Some(row.id.as_str()).filter(|_| held.id)),
        ("text", Some(row.text.as_str()).filter(|_| held.text)),
        ("intent", row.intent.as_deref()),
        ("reply", row.reply.as_deref()),
        ("dialogue_id", turn.map(|turn| turn.dialogue_id.as_str())),
        ("speaker", turn.and_then(|turn| turn.speaker.as_deref())),
        (
            "origin",
            Some(row.origin.as_str()).filter(|origin| *origin != SOURCE),
        ),
        ("parent", row.parent.as_deref()),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            lines.push_str(&format!("# {key} = {}\n", written(value)));
        }
    }
    if let Some(turn) = turn {
        lines.push_str(&format!("# turn = {}\n", turn.turn));
    }
    if let Some(sentiment) = row.sentiment {
        lines.push_str(&format!("# sentiment = {sentiment}\n"));
    }
    if !extra.is_empty() {
        lines.push_str(&format!("# extra = {}\n", Value::Object(extra)));
    }
    lines
}

/// The comments of no known key, if all of them can stand as lines.
fn take_others(extra: &mut Map<String, Value>, is_comment: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = extra.get(OTHERS).and_then(Value::as_array);
    let lines = lines.filter(|lines| !lines.is_empty()).map(|lines| {
        let lines = lines.iter().map(Value::as_str);
        let lines = lines.map(|line| line.filter(|line| can_stand(line) && is_comment(line)));
        lines.map(|line| line.map(str::to_owned)).collect()
    });
    let lines: Option<Vec<String>> = lines.flatten();
    if lines.is_some() {
        extra.remove(OTHERS);
    }
    lines.unwrap_or_default()
}

/// Whether a line is one, and gives no known key a value.
fn can_stand(line: &str) -> bool {
    line.trim_end() == line && !line.contains(char::is_control) && key_value(line).is_none()
}
