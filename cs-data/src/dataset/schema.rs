//! Utterances to an Arrow record batch.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, AsArray, Float32Builder, ListArray, RecordBatch, StringBuilder, StructArray,
    UInt32Array, UInt32Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::text::{SOURCE, Span, Turn, Utterance};

use super::column::{RepeatedColumn, SparseColumn};

/// Arrow counts the bytes of a column in 31 bits.
const MAX_BYTES: usize = i32::MAX as usize;

/// The columns, in order; the numbers below are positions in it.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let dict = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let item = Field::new_list_field(DataType::Struct(span_fields()), false);
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("spans", DataType::List(Arc::new(item)), true),
        Field::new("intent", dict(), true),
        Field::new("sentiment", DataType::Float32, true),
        Field::new("reply", DataType::Utf8, true),
        Field::new("dialogue_id", DataType::Utf8, true),
        Field::new("turn", DataType::UInt32, true),
        Field::new("speaker", dict(), true),
        Field::new("origin", dict(), false),
        Field::new("parent", DataType::Utf8, true),
        Field::new("extra", DataType::Utf8, true),
    ]))
});

pub(super) const ID: usize = 0;
pub(super) const TEXT: usize = 1;
pub(super) const SPANS: usize = 2;
pub(super) const INTENT: usize = 3;
pub(super) const SENTIMENT: usize = 4;
pub(super) const REPLY: usize = 5;
pub(super) const DIALOGUE_ID: usize = 6;
pub(super) const TURN: usize = 7;
pub(super) const SPEAKER: usize = 8;
pub(super) const ORIGIN: usize = 9;
pub(super) const PARENT: usize = 10;
pub(super) const EXTRA: usize = 11;

fn span_fields() -> Fields {
    let dict = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Fields::from(vec![
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("label", dict, false),
    ])
}

/// A row whose strings stand elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    pub(crate) text: &'a str,
    pub(crate) spans: &'a [Span],
    /// Whether it has spans or is known to have none.
    pub(crate) tagged: bool,
    pub(crate) intent: Option<&'a str>,
    pub(crate) sentiment: Option<f32>,
    pub(crate) reply: Option<&'a str>,
    pub(crate) dialogue: Option<TurnRef<'a>>,
    pub(crate) origin: &'a str,
    pub(crate) parent: Option<&'a str>,
    /// The further fields, as a JSON object.
    pub(crate) extra: Option<&'a str>,
}

/// A row's place in a dialogue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnRef<'a> {
    pub(crate) dialogue_id: &'a str,
    pub(crate) turn: u32,
    pub(crate) speaker: Option<&'a str>,
}

impl<'a> From<&'a Turn> for TurnRef<'a> {
    fn from(turn: &'a Turn) -> Self {
        TurnRef {
            dialogue_id: &turn.dialogue_id,
            turn: turn.turn,
            speaker: turn.speaker.as_deref(),
        }
    }
}

impl<'a> Row<'a> {
    pub(crate) fn new(id: &'a str, text: &'a str) -> Self {
        Row {
            id,
            text,
            spans: &[],
            tagged: false,
            intent: None,
            sentiment: None,
            reply: None,
            dialogue: None,
            origin: SOURCE,
            parent: None,
            extra: None,
        }
    }

    /// Borrows an utterance as a row; `extra` is its own, as JSON.
    fn of(row: &'a Utterance, extra: Option<&'a str>) -> Self {
        Row {
            spans: &row.spans,
            tagged: row.is_tagged(),
            intent: row.intent.as_deref(),
            sentiment: row.sentiment,
            reply: row.reply.as_deref(),
            dialogue: row.dialogue.as_ref().map(TurnRef::from),
            origin: &row.origin,
            parent: row.parent.as_deref(),
            extra,
            ..Row::new(&row.id, &row.text)
        }
    }

    /// Length of all strings together, and a byte for each span.
    fn bytes(&self) -> usize {
        let dialogue = self.dialogue.map_or(0, |turn| turn.dialogue_id.len());
        let speaker = self.dialogue.and_then(|turn| turn.speaker);
        let optional = [self.intent, self.reply, self.parent, self.extra, speaker];
        let optional: usize = optional.into_iter().flatten().map(str::len).sum();
        let spans: usize = self.spans.iter().map(|span| span.label.len() + 1).sum();
        self.id.len() + self.text.len() + self.origin.len() + dialogue + optional + spans
    }
}

/// A batch takes no more rows once it has this many rows or bytes: small enough to keep and move,
/// and with room below Arrow's limit for any row.
pub(crate) const BATCH_ROWS: usize = 1 << 16;
pub(crate) const BATCH_BYTES: usize = 1 << 28;

/// Collects rows into columns.
#[derive(Default)]
pub(crate) struct Builder {
    rows: usize,
    /// Length of all strings together, in bytes.
    bytes: usize,
    id: StringBuilder,
    text: StringBuilder,
    span_counts: Vec<usize>,
    tagged: Vec<bool>,
    span_starts: Vec<u32>,
    span_ends: Vec<u32>,
    span_labels: RepeatedColumn,
    intent: RepeatedColumn,
    sentiment: SparseColumn<Float32Builder>,
    reply: SparseColumn<StringBuilder>,
    dialogue_id: SparseColumn<StringBuilder>,
    turn: SparseColumn<UInt32Builder>,
    speaker: RepeatedColumn,
    origin: RepeatedColumn,
    parent: SparseColumn<StringBuilder>,
    extra: SparseColumn<StringBuilder>,
}

impl Builder {
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Whether the batch should be finished before another row comes.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Checks and adds a row. An empty intent counts as none.
    pub(crate) fn push(&mut self, row: &Utterance) -> Result<()> {
        row.validate().map_err(|source| Error::Row {
            row: self.rows,
            id: row.id.clone(),
            source,
        })?;
        let extra = (!row.extra.is_empty()).then(|| json_of(&row.extra));
        self.push_row(&Row::of(row, extra.as_deref()))
    }

    /// Adds a row that a reader has checked. An empty intent counts as none.
    pub(crate) fn push_row(&mut self, row: &Row) -> Result<()> {
        self.bytes += row.bytes();
        check_bytes(self.bytes, self.rows)?;
        self.rows += 1;
        self.id.append_value(row.id);
        self.text.append_value(row.text);
        self.span_counts.push(row.spans.len());
        self.tagged.push(row.tagged || !row.spans.is_empty());
        for span in row.spans {
            // Texts are at most 64 KiB.
            self.span_starts.push(span.start as u32);
            self.span_ends.push(span.end as u32);
            self.span_labels.push(Some(&span.label))?;
        }
        self.intent
            .push(row.intent.filter(|intent| !intent.is_empty()))?;
        self.sentiment.push(row.sentiment);
        self.reply.push(row.reply);
        self.dialogue_id
            .push(row.dialogue.map(|turn| turn.dialogue_id));
        self.turn.push(row.dialogue.map(|turn| turn.turn));
        self.speaker
            .push(row.dialogue.and_then(|turn| turn.speaker))?;
        self.origin.push(Some(row.origin))?;
        self.parent.push(row.parent);
        self.extra.push(row.extra);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<RecordBatch> {
        let spans = span_lists(
            OffsetBuffer::from_lengths(self.span_counts),
            self.tagged,
            vec![
                Arc::new(UInt32Array::from(self.span_starts)),
                Arc::new(UInt32Array::from(self.span_ends)),
                Arc::new(self.span_labels.finish()?),
            ],
        )?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            Arc::new(self.text.finish()),
            spans,
            Arc::new(self.intent.finish()?),
            Arc::new(self.sentiment.finish()),
            Arc::new(self.reply.finish()),
            Arc::new(self.dialogue_id.finish()),
            Arc::new(self.turn.finish()),
            Arc::new(self.speaker.finish()?),
            Arc::new(self.origin.finish()?),
            Arc::new(self.parent.finish()),
            Arc::new(self.extra.finish()),
        ];
        Ok(RecordBatch::try_new(SCHEMA.clone(), columns)?)
    }
}

/// A map of values always serialises.
pub(crate) fn json_of(extra: &Map<String, Value>) -> String {
    serde_json::to_string(extra).unwrap_or_default()
}

/// Keeps every column below Arrow's limit.
fn check_bytes(bytes: usize, row: usize) -> Result<()> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Error::argument(
        "rows",
        format!("{bytes} bytes at row {row}"),
        format!("at most {MAX_BYTES} in one dataset"),
    ))
}

pub(super) fn span_lists(
    offsets: OffsetBuffer<i32>,
    tagged: Vec<bool>,
    fields: Vec<ArrayRef>,
) -> Result<ArrayRef> {
    let tagged = Some(NullBuffer::from(tagged)).filter(|nulls| nulls.null_count() > 0);
    let spans = StructArray::try_new(span_fields(), fields, None)?;
    let item = Field::new_list_field(DataType::Struct(span_fields()), false);
    let lists = ListArray::try_new(Arc::new(item), offsets, Arc::new(spans), tagged)?;
    Ok(Arc::new(lists))
}

/// The batch with `[]` for spans where it has null.
pub(crate) fn all_tagged(batch: &RecordBatch) -> Result<RecordBatch> {
    let lists: &ListArray = batch.column(SPANS).as_list();
    let (field, offsets, spans, _) = lists.clone().into_parts();
    let mut columns = batch.columns().to_vec();
    columns[SPANS] = Arc::new(ListArray::try_new(field, offsets, spans, None)?);
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}
