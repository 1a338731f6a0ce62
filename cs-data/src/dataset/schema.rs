//! Utterances to an Arrow record batch and back.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Float32Builder, ListArray, RecordBatch, StringArray,
    StringBuilder, StructArray, UInt32Array, UInt32Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Field, Fields, Float32Type, Int32Type, Schema, SchemaRef, UInt32Type,
};
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

const ID: usize = 0;
const TEXT: usize = 1;
const SPANS: usize = 2;
const INTENT: usize = 3;
const SENTIMENT: usize = 4;
const REPLY: usize = 5;
const DIALOGUE_ID: usize = 6;
const TURN: usize = 7;
const SPEAKER: usize = 8;
const ORIGIN: usize = 9;
const PARENT: usize = 10;
const EXTRA: usize = 11;

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

fn span_lists(
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

/// Typed access to a batch that [`Builder`] made (or rows taken from one).
#[derive(Clone, Copy)]
pub(crate) struct View<'a>(pub(crate) &'a RecordBatch);

impl<'a> View<'a> {
    fn strings(self, column: usize) -> &'a StringArray {
        self.0.column(column).as_string()
    }

    fn string(self, column: usize, row: usize) -> Option<&'a str> {
        let strings = self.strings(column);
        strings.is_valid(row).then(|| strings.value(row))
    }

    fn word(self, column: usize, row: usize) -> Option<&'a str> {
        word(self.0.column(column).as_dictionary(), row)
    }

    pub(crate) fn ids(self) -> &'a StringArray {
        self.strings(ID)
    }

    pub(crate) fn texts(self) -> &'a StringArray {
        self.strings(TEXT)
    }

    pub(crate) fn span_lists(self) -> &'a ListArray {
        self.0.column(SPANS).as_list()
    }

    pub(crate) fn intents(self) -> &'a DictionaryArray<Int32Type> {
        self.0.column(INTENT).as_dictionary()
    }

    pub(crate) fn origins(self) -> &'a DictionaryArray<Int32Type> {
        self.0.column(ORIGIN).as_dictionary()
    }

    pub(crate) fn extras(self) -> &'a StringArray {
        self.strings(EXTRA)
    }

    pub(crate) fn intent(self, row: usize) -> Option<&'a str> {
        self.word(INTENT, row)
    }

    pub(crate) fn id(self, row: usize) -> &'a str {
        self.strings(ID).value(row)
    }

    pub(crate) fn has_sentiment(self) -> bool {
        let column = self.0.column(SENTIMENT);
        column.null_count() < column.len()
    }

    pub(crate) fn is_tagged(self, row: usize) -> bool {
        self.0.column(SPANS).is_valid(row)
    }

    /// Rows that have spans, rows known to have none, and rows of which nobody says.
    pub(crate) fn count_tagged(self) -> [usize; 3] {
        let lists: &ListArray = self.0.column(SPANS).as_list();
        let lengths = lists.offsets().windows(2).map(|pair| pair[1] > pair[0]);
        let mut counts = [0; 3];
        for (row, has_spans) in lengths.enumerate() {
            let kind = match has_spans {
                true => 0,
                false if lists.is_valid(row) => 1,
                false => 2,
            };
            counts[kind] += 1;
        }
        counts
    }

    /// Each span of the row.
    pub(crate) fn spans(self, row: usize) -> impl Iterator<Item = (usize, usize, &'a str)> {
        let lists: &ListArray = self.0.column(SPANS).as_list();
        let fields = lists.values().as_struct();
        let starts = fields.column(0).as_primitive::<UInt32Type>();
        let ends = fields.column(1).as_primitive::<UInt32Type>();
        let labels = fields.column(2).as_dictionary();
        let offsets = lists.value_offsets();
        (offsets[row] as usize..offsets[row + 1] as usize).map(move |at| {
            let label = word(labels, at).unwrap_or_default();
            (starts.value(at) as usize, ends.value(at) as usize, label)
        })
    }

    pub(crate) fn utterance(self, row: usize) -> Utterance {
        let sentiment = self.0.column(SENTIMENT).as_primitive::<Float32Type>();
        let turn = self.0.column(TURN).as_primitive::<UInt32Type>();
        let spans = self
            .spans(row)
            .map(|(start, end, label)| Span::new(start, end, label));
        let mut out = Utterance::new(self.id(row), self.strings(TEXT).value(row));
        out.spans = spans.collect();
        out.entity_free = self.is_tagged(row) && out.spans.is_empty();
        out.intent = self.intent(row).map(str::to_owned);
        out.sentiment = sentiment.is_valid(row).then(|| sentiment.value(row));
        out.reply = self.string(REPLY, row).map(str::to_owned);
        out.dialogue = self.string(DIALOGUE_ID, row).map(|dialogue_id| Turn {
            dialogue_id: dialogue_id.to_owned(),
            turn: turn.value(row),
            speaker: self.word(SPEAKER, row).map(str::to_owned),
        });
        out.origin = self.word(ORIGIN, row).unwrap_or_default().to_owned();
        out.parent = self.string(PARENT, row).map(str::to_owned);
        let extra = self.string(EXTRA, row);
        out.extra = extra
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        out
    }
}

fn word(words: &DictionaryArray<Int32Type>, row: usize) -> Option<&str> {
    let values: &StringArray = words.values().as_string();
    words.key(row).map(|key| values.value(key))
}

/// A batch takes no more rows once it has this many rows or bytes: small enough to keep and move,
/// and with room below Arrow's limit for any row.
pub(crate) const BATCH_ROWS: usize = 1 << 16;
pub(crate) const BATCH_BYTES: usize = 1 << 28;

impl Builder {
    /// Whether the batch should be finished before another row comes.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

impl<'a> View<'a> {
    pub(crate) fn text(self, row: usize) -> &'a str {
        self.strings(TEXT).value(row)
    }

    /// The `extra` of a row, as JSON.
    pub(crate) fn extra(self, row: usize) -> Option<&'a str> {
        self.string(EXTRA, row)
    }

    pub(crate) fn dialogue_id(self, row: usize) -> Option<&'a str> {
        self.string(DIALOGUE_ID, row)
    }

    pub(crate) fn parent(self, row: usize) -> Option<&'a str> {
        self.string(PARENT, row)
    }

    /// Length of the strings that a dictionary does not share.
    pub(crate) fn bytes(self, row: usize) -> usize {
        let columns = [ID, TEXT, REPLY, DIALOGUE_ID, PARENT, EXTRA].into_iter();
        columns
            .map(|column| self.strings(column).value_length(row) as usize)
            .sum()
    }
}

/// The rows at `places` (a batch and a row of it), in that order, in one batch whose dictionaries
/// have no words but theirs.
pub(crate) fn gather(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch> {
    let column = |at: usize| -> Result<ArrayRef> {
        match SCHEMA.field(at).data_type() {
            DataType::Dictionary(..) => {
                let mut words = RepeatedColumn::default();
                for &(batch, row) in places {
                    words.push(View(batches[batch]).word(at, row))?;
                }
                Ok(Arc::new(words.finish()?))
            }
            DataType::List(_) => gather_spans(batches, places),
            _ => {
                let parts: Vec<&dyn Array> =
                    batches.iter().map(|b| b.column(at).as_ref()).collect();
                Ok(arrow::compute::interleave(&parts, places)?)
            }
        }
    };
    let columns = (0..SCHEMA.fields().len()).map(column);
    Ok(RecordBatch::try_new(
        SCHEMA.clone(),
        columns.collect::<Result<_>>()?,
    )?)
}

fn gather_spans(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<ArrayRef> {
    let (mut counts, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut labels = RepeatedColumn::default();
    let mut tagged = Vec::with_capacity(places.len());
    for &(batch, row) in places {
        let before = starts.len();
        tagged.push(View(batches[batch]).is_tagged(row));
        for (start, end, label) in View(batches[batch]).spans(row) {
            starts.push(start as u32);
            ends.push(end as u32);
            labels.push(Some(label))?;
        }
        counts.push(starts.len() - before);
    }
    let fields: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(starts)),
        Arc::new(UInt32Array::from(ends)),
        Arc::new(labels.finish()?),
    ];
    span_lists(OffsetBuffer::from_lengths(counts), tagged, fields)
}
