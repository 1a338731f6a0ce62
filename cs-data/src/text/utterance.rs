//! One labelled turn of a conversation.

use serde_json::{Map, Value, json};

use super::offsets::{Offsets, floor};
use super::span_error::SpanError;

/// The longest text of an utterance, in bytes (64 KiB). Longer ones are almost always a broken
/// file, and no model here reads that far.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The `origin` of a row that no augmenter made.
pub const SOURCE: &str = "source";

/// A labelled piece of a text, in bytes of UTF-8.
///
/// ```
/// use cs_data::Span;
/// let span = Span::new(6, 11, "order_id");
/// assert_eq!(&"订单12345"[span.range()], "12345");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte of the piece.
    pub start: usize,
    /// One past the last byte of the piece.
    pub end: usize,
    /// What the piece is, as one word such as `order_id`.
    pub label: String,
}

impl Span {
    /// Labels the bytes `start..end` as `label`.
    pub fn new(start: usize, end: usize, label: impl Into<String>) -> Self {
        Span {
            start,
            end,
            label: label.into(),
        }
    }

    /// The bytes of the span as a range.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// Where in a dialogue an utterance was said.
///
/// ```
/// use cs_data::Turn;
/// let turn = Turn { dialogue_id: "d1".into(), turn: 0, speaker: Some("user".into()) };
/// assert_eq!(turn.turn, 0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Id of the dialogue, which its turns share.
    pub dialogue_id: String,
    /// Position of the turn in the dialogue, from 0.
    pub turn: u32,
    /// Who spoke; `None` if nobody says.
    pub speaker: Option<String>,
}

/// One row: a text and what is known about it.
///
/// ```
/// use cs_data::{Span, Utterance};
/// let row = Utterance::new("7", "查询订单12345")
///     .with_intent("order_status")
///     .with_spans(vec![Span::new(12, 17, "order_id")])
///     .with_sentiment(0.5);
/// row.validate()?;
/// assert_eq!(&row.text[row.spans[0].range()], "12345");
/// assert_eq!(row.to_json()["spans"][0]["start"], 4); // characters in JSON
/// # Ok::<(), cs_data::SpanError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Id of the row; not necessarily unique.
    pub id: String,
    /// What was said.
    pub text: String,
    /// Entities of the text, in order and disjoint.
    pub spans: Vec<Span>,
    /// Whether the text is known to have no entities. A row with neither this nor spans is not
    /// labelled; see [`is_tagged`](Self::is_tagged).
    pub entity_free: bool,
    /// What the customer wants; `None` if nobody says.
    pub intent: Option<String>,
    /// Sentiment from 0 (negative) to 1 (positive); `None` if nobody says.
    pub sentiment: Option<f32>,
    /// A good answer to the text.
    pub reply: Option<String>,
    /// The turn of a dialogue that the row is, if it is one.
    pub dialogue: Option<Turn>,
    /// Where the row comes from: [`SOURCE`], or the operators that made it.
    pub origin: String,
    /// Id of the row that this one was made from.
    pub parent: Option<String>,
    /// Fields of the file that have no meaning here; they are kept when rows are written again.
    pub extra: Map<String, Value>,
}

impl Utterance {
    /// Makes a source row without labels.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Utterance {
            id: id.into(),
            text: text.into(),
            spans: Vec::new(),
            entity_free: false,
            intent: None,
            sentiment: None,
            reply: None,
            dialogue: None,
            origin: SOURCE.into(),
            parent: None,
            extra: Map::new(),
        }
    }

    /// Sets the intent.
    #[must_use]
    pub fn with_intent(mut self, intent: impl Into<String>) -> Self {
        self.intent = Some(intent.into());
        self
    }

    /// Sets the entities: the text has these and no others.
    #[must_use]
    pub fn with_spans(mut self, spans: Vec<Span>) -> Self {
        self.entity_free = spans.is_empty();
        self.spans = spans;
        self
    }

    /// Sets the sentiment, a number from 0 to 1.
    #[must_use]
    pub fn with_sentiment(mut self, sentiment: f32) -> Self {
        self.sentiment = Some(sentiment);
        self
    }

    /// Whether the entities of the row are labelled: it has spans, or is known to have none. Other
    /// rows do not teach entities and are not scored for them.
    ///
    /// ```
    /// use cs_data::Utterance;
    /// let row = Utterance::new("1", "hello");
    /// assert!(!row.is_tagged() && row.with_spans(vec![]).is_tagged());
    /// ```
    pub fn is_tagged(&self) -> bool {
        self.entity_free || !self.spans.is_empty()
    }

    /// Checks the text (no NUL, at most [`MAX_TEXT_BYTES`]), the spans (in bounds, on character
    /// boundaries, not empty, in order, disjoint, labels of one word) and the sentiment (0 to 1).
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn validate(&self) -> Result<(), SpanError> {
        check_text(&self.text)?;
        check_spans(&self.spans, self.text.len(), |byte| {
            self.text.is_char_boundary(byte)
        })?;
        self.sentiment.map_or(Ok(()), check_sentiment)
    }

    /// Gives the row as an object of a JSONL file: offsets in Unicode scalar values, absent fields
    /// left out, `extra` beside the others. An offset inside a character moves to the character's
    /// start.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut row = self.extra.clone();
        let mut put = |key: &str, value: Value| drop(row.insert(key.into(), value));
        put("id", json!(self.id));
        put("text", json!(self.text));
        put("origin", json!(self.origin));
        if self.is_tagged() {
            put("spans", self.spans_json());
        }
        if let Some(intent) = &self.intent {
            put("intent", json!(intent));
        }
        if let Some(sentiment) = self.sentiment {
            // By its shortest decimal: 0.1 as a file says it, not 0.10000000149011612.
            let decimal = sentiment.to_string().parse::<f64>().unwrap_or(f64::NAN);
            put("sentiment", json!(decimal));
        }
        if let Some(reply) = &self.reply {
            put("reply", json!(reply));
        }
        if let Some(parent) = &self.parent {
            put("parent", json!(parent));
        }
        if let Some(turn) = &self.dialogue {
            put("dialogue_id", json!(turn.dialogue_id));
            put("turn", json!(turn.turn));
            if let Some(speaker) = &turn.speaker {
                put("speaker", json!(speaker));
            }
        }
        row
    }

    fn spans_json(&self) -> Value {
        let offsets = Offsets::new(&self.text);
        let char = |byte| offsets.char(floor(&self.text, byte));
        let span = |s: &Span| json!({"start": char(s.start), "end": char(s.end), "label": s.label});
        self.spans.iter().map(span).collect()
    }
}

pub(crate) fn check_text(text: &str) -> Result<(), SpanError> {
    check_length(text)?;
    text.find('\0')
        .map_or(Ok(()), |offset| Err(SpanError::Nul { offset }))
}

/// All of [`check_text`] for a text that is known to have no NUL.
pub(crate) fn check_length(text: &str) -> Result<(), SpanError> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    Err(SpanError::TooLong {
        len: text.len(),
        max: MAX_TEXT_BYTES,
    })
}

pub(crate) fn check_sentiment(value: f32) -> Result<(), SpanError> {
    // NaN lies in no range.
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(SpanError::Sentiment { value })
    }
}

/// Whatever the unit of offsets: `len` is the text's length in it.
pub(crate) fn check_spans(
    spans: &[Span],
    len: usize,
    is_boundary: impl Fn(usize) -> bool,
) -> Result<(), SpanError> {
    let mut last: Option<&Span> = None;
    for (index, span) in spans.iter().enumerate() {
        let &Span {
            start,
            end,
            ref label,
        } = span;
        if start >= end {
            return Err(SpanError::Empty { index, start, end });
        }
        if end > len {
            return Err(SpanError::OutOfBounds {
                index,
                start,
                end,
                len,
            });
        }
        if let Some(offset) = [start, end]
            .into_iter()
            .find(|&offset| !is_boundary(offset))
        {
            return Err(SpanError::InsideCharacter { index, offset });
        }
        if !is_label(label) {
            return Err(SpanError::Label {
                index,
                label: label.clone(),
            });
        }
        if let Some(last) = last {
            if start < last.start {
                return Err(SpanError::Order {
                    index,
                    start,
                    previous: last.start,
                });
            }
            if start < last.end {
                return Err(SpanError::Overlap {
                    index,
                    start,
                    previous: last.end,
                });
            }
        }
        last = Some(span);
    }
    Ok(())
}

pub(crate) fn is_label(label: &str) -> bool {
    !label.is_empty() && !label.contains(char::is_whitespace)
}

/// Checks spans in characters, as files have them, and turns them into bytes. Errors speak of
/// the file's numbers.
#[cfg(feature = "arrow")]
pub(crate) fn to_bytes(spans: &mut [Span], text: &str) -> Result<(), SpanError> {
    if spans.is_empty() {
        return Ok(());
    }
    let offsets = Offsets::new(text);
    check_spans(spans, offsets.chars(), |_| true)?;
    for span in spans {
        span.start = offsets.byte(span.start).unwrap_or(text.len());
        span.end = offsets.byte(span.end).unwrap_or(text.len());
    }
    Ok(())
}
