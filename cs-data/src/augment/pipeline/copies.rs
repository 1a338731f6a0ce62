//! Rows in the making.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{Array, AsArray, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, UInt32Type};

use crate::augment::augmenter::{Row, RowEntity};
use crate::dataset::View;
use crate::text::{EditError, Edits};

/// What augmentation reads of a data set's columns.
pub(crate) struct Sources<'a> {
    pub(crate) ids: &'a StringArray,
    pub(crate) texts: &'a StringArray,
    pub(crate) spans: &'a ListArray,
    starts: &'a [u32],
    ends: &'a [u32],
    label_keys: &'a [i32],
    labels: Vec<&'a str>,
}

impl<'a> Sources<'a> {
    /// Views on a data set's batch.
    pub(crate) fn of(batch: &'a RecordBatch) -> Self {
        let view = View(batch);
        let spans = view.span_lists();
        let fields = spans.values().as_struct();
        let labels = fields.column(2).as_dictionary::<Int32Type>();
        let values = labels.values().as_string::<i32>();
        Sources {
            ids: view.ids(),
            texts: view.texts(),
            spans,
            starts: fields.column(0).as_primitive::<UInt32Type>().values(),
            ends: fields.column(1).as_primitive::<UInt32Type>().values(),
            label_keys: labels.keys().values(),
            labels: (0..values.len()).map(|at| values.value(at)).collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Where the row's spans are among all.
    pub(crate) fn span_range(&self, row: u32) -> Range<usize> {
        let offsets = self.spans.value_offsets();
        offsets[row as usize] as usize..offsets[row as usize + 1] as usize
    }

    /// The bytes of a span.
    pub(crate) fn range(&self, span: usize) -> Range<usize> {
        self.starts[span] as usize..self.ends[span] as usize
    }

    fn label(&self, span: usize) -> &'a str {
        self.labels[self.label_keys[span] as usize]
    }
}

/// A copy to be made of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Draft {
    pub(crate) row: u32,
    pub(crate) copy: u32,
}

/// Copies as far as they are made; every list but the spans has an entry a draft.
#[derive(Default)]
pub(crate) struct Drafts {
    texts: String,
    text_ends: Vec<usize>,
    /// The spans of all drafts, as many for each as its row has.
    spans: Vec<Range<u32>>,
    span_ends: Vec<usize>,
    /// A bit for each operator that changed the draft.
    pub(crate) operators: Vec<u64>,
    /// Whether the text differs from the row's.
    pub(crate) changed: Vec<bool>,
    /// By position, the number of drafts that an operator on many rows was asked about.
    pub(crate) asked: BTreeMap<usize, usize>,
    /// Every time that an operator was not applied.
    pub(crate) refused: Vec<Refused>,
}

/// An operator that was not applied to a draft.
pub(crate) struct Refused {
    /// Position of the operator.
    pub(crate) step: usize,
    pub(crate) reason: &'static str,
}

impl Drafts {
    pub(crate) fn with_capacity(drafts: usize) -> Self {
        Drafts {
            texts: String::with_capacity(drafts * 64),
            text_ends: Vec::with_capacity(drafts),
            spans: Vec::with_capacity(drafts),
            span_ends: Vec::with_capacity(drafts),
            operators: Vec::with_capacity(drafts),
            changed: Vec::with_capacity(drafts),
            asked: BTreeMap::new(),
            refused: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.text_ends.len()
    }

    pub(crate) fn text(&self, draft: usize) -> &str {
        let start = draft.checked_sub(1).map_or(0, |last| self.text_ends[last]);
        &self.texts[start..self.text_ends[draft]]
    }

    pub(crate) fn spans(&self, draft: usize) -> &[Range<u32>] {
        let start = draft.checked_sub(1).map_or(0, |last| self.span_ends[last]);
        &self.spans[start..self.span_ends[draft]]
    }

    pub(crate) fn push(&mut self, state: &State<'_>, changed: bool) {
        self.texts.push_str(&state.text);
        self.text_ends.push(self.texts.len());
        let spans = state.entities.iter().map(|entity| &entity.range);
        self.spans
            .extend(spans.map(|range| range.start as u32..range.end as u32));
        self.span_ends.push(self.spans.len());
        self.operators.push(state.operators);
        self.changed.push(changed);
    }

    pub(crate) fn append(&mut self, other: Drafts) {
        let (texts, spans) = (self.texts.len(), self.spans.len());
        self.texts.push_str(&other.texts);
        self.spans.extend(other.spans);
        self.text_ends
            .extend(other.text_ends.iter().map(|end| texts + end));
        self.span_ends
            .extend(other.span_ends.iter().map(|end| spans + end));
        self.operators.extend(other.operators);
        self.changed.extend(other.changed);
        self.asked.extend(other.asked);
        self.refused.extend(other.refused);
    }
}

/// One draft while operators work on it; memory is used again for the next.
#[derive(Default)]
pub(crate) struct State<'a> {
    pub(crate) text: String,
    pub(crate) entities: Vec<RowEntity<'a>>,
    pub(crate) operators: u64,
    next: String,
    ranges: Vec<Range<usize>>,
}

impl<'a> State<'a> {
    /// Takes up a draft where `made` has left it, or its row if that is `None`.
    pub(crate) fn load(
        &mut self,
        sources: &Sources<'a>,
        draft: Draft,
        made: Option<(&Drafts, usize)>,
    ) {
        self.text.clear();
        self.entities.clear();
        let all = sources.span_range(draft.row);
        match made {
            Some((made, at)) => {
                self.operators = made.operators[at];
                self.text.push_str(made.text(at));
                let entities = all.zip(made.spans(at)).map(|(span, range)| RowEntity {
                    range: range.start as usize..range.end as usize,
                    label: sources.label(span),
                });
                self.entities.extend(entities);
            }
            None => {
                self.operators = 0;
                self.text.push_str(sources.texts.value(draft.row as usize));
                let entities = all.map(|span| RowEntity {
                    range: sources.starts[span] as usize..sources.ends[span] as usize,
                    label: sources.label(span),
                });
                self.entities.extend(entities);
            }
        }
    }

    pub(crate) fn row(&self) -> Row<'_> {
        Row {
            text: &self.text,
            entities: &self.entities,
        }
    }

    /// Applies the edits of an operator.
    pub(crate) fn apply(&mut self, operator: usize, edits: &Edits) -> Result<(), EditError> {
        self.next.clear();
        self.ranges.clear();
        self.ranges
            .extend(self.entities.iter().map(|entity| entity.range.clone()));
        edits.apply(&self.text, &mut self.ranges, &mut self.next)?;
        std::mem::swap(&mut self.text, &mut self.next);
        for (entity, range) in self.entities.iter_mut().zip(self.ranges.drain(..)) {
            entity.range = range;
        }
        self.operators |= 1 << operator;
        Ok(())
    }
}
