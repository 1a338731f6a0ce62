//! Changes to a text that take its spans along.

use std::ops::Range;

use super::utterance::{MAX_TEXT_BYTES, Span, Utterance};

/// A piece of a text and what stands there instead. An empty range inserts, an empty text deletes.
///
/// ```
/// use cs_data::{Edit, Span, Utterance};
/// let row = Utterance::new("1", "查询订单12345").with_spans(vec![Span::new(12, 17, "order_id")]);
/// let edited = row.edited(&[Edit::new(12..17, "AB99"), Edit::new(0..6, "看看")])?;
/// assert_eq!(edited.text, "看看订单AB99");
/// assert_eq!(edited.spans, [Span::new(12, 16, "order_id")]);
/// # Ok::<(), cs_data::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    /// The bytes to replace, in the text as it was.
    pub range: Range<usize>,
    /// The text that replaces them.
    pub text: String,
}

impl Edit {
    /// Makes an edit that puts `text` instead of the bytes `range`.
    pub fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Edit {
            range,
            text: text.into(),
        }
    }
}

/// Why edits cannot be applied; ranges are bytes of the text as it was.
///
/// ```
/// use cs_data::{Edit, EditError, Span, Utterance};
/// let row = Utterance::new("1", "订单12345").with_spans(vec![Span::new(6, 11, "order_id")]);
/// let error = row.edited(&[Edit::new(3..8, "x")]).unwrap_err();
/// assert_eq!(error, EditError::CutsSpan { edit: 3..8, span: 6..11 });
/// assert_eq!(error.to_string(), "the edit of 3..8 cuts the span 6..11");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// An edit ends past the text, or before it starts.
    #[error("an edit of {}..{}, expected a range within {len} bytes", edit.start, edit.end)]
    OutOfBounds {
        /// Bytes that the edit replaces.
        edit: Range<usize>,
        /// Length of the text in bytes.
        len: usize,
    },
    /// An edit's edge lies inside a character.
    #[error("the edit of {}..{} has an edge inside a character", edit.start, edit.end)]
    InsideCharacter {
        /// Bytes that the edit replaces.
        edit: Range<usize>,
    },
    /// Two edits replace the same bytes, or one inserts where another replaces.
    #[error("the edit of {}..{} overlaps the one before it", edit.start, edit.end)]
    Overlap {
        /// Bytes that the later edit replaces.
        edit: Range<usize>,
    },
    /// An edit reaches over the edge of a span.
    #[error("the edit of {}..{} cuts the span {}..{}", edit.start, edit.end, span.start, span.end)]
    CutsSpan {
        /// Bytes that the edit replaces.
        edit: Range<usize>,
        /// Bytes of the span.
        span: Range<usize>,
    },
    /// Nothing would be left of a span.
    #[error("the edits leave nothing of the span {}..{}", span.start, span.end)]
    EmptiesSpan {
        /// Bytes of the span.
        span: Range<usize>,
    },
    /// A replacement contains a NUL character.
    #[error("the edit of {}..{} brings in a NUL character", edit.start, edit.end)]
    Nul {
        /// Bytes that the edit replaces.
        edit: Range<usize>,
    },
    /// The result is longer than [`MAX_TEXT_BYTES`].
    #[error("an edited text of {len} bytes, expected at most {}", MAX_TEXT_BYTES)]
    TooLong {
        /// Length of the result in bytes.
        len: usize,
    },
}

impl Utterance {
    /// Copies the row with these edits, all of them relative to the text as it is, in any order (of
    /// several insertions at one position the first given comes first). Spans move along: one that
    /// an edit covers exactly, or that has edits inside, takes the new extent; an insertion at a
    /// span's edge stays outside. The other fields are copied.
    ///
    /// # Errors
    ///
    /// Edits that overlap, leave the text, cut a span's edge or empty a span; a result longer than
    /// [`MAX_TEXT_BYTES`]; a NUL character.
    pub fn edited(&self, edits: &[Edit]) -> Result<Utterance, EditError> {
        let mut sorted: Vec<&Edit> = edits.iter().collect();
        sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut text = String::with_capacity(self.text.len());
        let mut spans: Vec<Range<usize>> = self.spans.iter().map(Span::range).collect();
        let edits = sorted
            .iter()
            .map(|edit| (edit.range.clone(), edit.text.as_str()));
        apply(&self.text, edits, &mut spans, &mut text)?;
        let spans = self.spans.iter().zip(spans);
        Ok(Utterance {
            spans: spans
                .map(|(span, range)| Span::new(range.start, range.end, span.label.as_str()))
                .collect(),
            text,
            ..self.clone()
        })
    }
}

/// Appends `text` with `edits` (by start, then end) to `out` and moves `spans` (in order,
/// disjoint). O(text + edits + spans), allocates nothing else. After an error `out` and `spans` are
/// of no use.
pub(crate) fn apply<'e>(
    text: &str,
    edits: impl IntoIterator<Item = (Range<usize>, &'e str)>,
    spans: &mut [Range<usize>],
    out: &mut String,
) -> Result<(), EditError> {
    let base = out.len();
    let mut copied = 0;
    let mut spans = spans.iter_mut().map(Moving::new);
    let mut span = spans.next();
    for (edit, replacement) in edits {
        check(text, &edit, copied, replacement)?;
        // A span that ends where this edit starts is done: nothing later can touch it.
        while let Some(moving) = span.take_if(|moving| moving.source.end <= edit.start) {
            moving.finish(copied, out.len() - base)?;
            span = spans.next();
        }
        if let Some(moving) = &mut span {
            moving.meet(&edit, copied, out.len() - base)?;
        }
        out.push_str(&text[copied..edit.start]);
        out.push_str(replacement);
        copied = edit.end;
    }
    while let Some(moving) = span {
        moving.finish(copied, out.len() - base)?;
        span = spans.next();
    }
    out.push_str(&text[copied..]);
    match out.len() - base {
        len if len > MAX_TEXT_BYTES => Err(EditError::TooLong { len }),
        _ => Ok(()),
    }
}

/// What can be said of an edit without the spans; everything before `copied` is already replaced.
fn check(
    text: &str,
    edit: &Range<usize>,
    copied: usize,
    replacement: &str,
) -> Result<(), EditError> {
    let edit = || edit.clone();
    let Range { start, end } = edit();
    if start > end || end > text.len() {
        let len = text.len();
        return Err(EditError::OutOfBounds { edit: edit(), len });
    }
    if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
        return Err(EditError::InsideCharacter { edit: edit() });
    }
    if start < copied {
        return Err(EditError::Overlap { edit: edit() });
    }
    if replacement.as_bytes().contains(&0) {
        return Err(EditError::Nul { edit: edit() });
    }
    Ok(())
}

/// A span on its way to the new text.
struct Moving<'a> {
    source: Range<usize>,
    moved: &'a mut Range<usize>,
    started: bool,
}

impl<'a> Moving<'a> {
    fn new(span: &'a mut Range<usize>) -> Self {
        Moving {
            source: span.clone(),
            moved: span,
            started: false,
        }
    }

    /// Sees an edit that starts before the span's end. `copied` bytes of the source stand as
    /// `written` in the new text.
    fn meet(
        &mut self,
        edit: &Range<usize>,
        copied: usize,
        written: usize,
    ) -> Result<(), EditError> {
        let before = edit.end <= self.source.start;
        let inside = edit.start >= self.source.start && edit.end <= self.source.end;
        if !before && !inside {
            return Err(EditError::CutsSpan {
                edit: edit.clone(),
                span: self.source.clone(),
            });
        }
        if !before {
            self.start(copied, written);
        }
        Ok(())
    }

    fn start(&mut self, copied: usize, written: usize) {
        if !self.started {
            self.started = true;
            self.moved.start = written + self.source.start - copied;
        }
    }

    fn finish(mut self, copied: usize, written: usize) -> Result<(), EditError> {
        self.start(copied, written);
        // A text after the span's end may have been copied already only if an edit ended there.
        self.moved.end = written + self.source.end - copied;
        if self.moved.start < self.moved.end {
            Ok(())
        } else {
            Err(EditError::EmptiesSpan { span: self.source })
        }
    }
}

/// Edits as an augmenter collects them: one buffer for all replacements, to be cleared and used
/// again.
///
/// ```
/// use cs_data::Edits;
/// let mut edits = Edits::default();
/// edits.replace(0..6, "看看");
/// edits.insert(12, "嗯");
/// assert_eq!(edits.iter().collect::<Vec<_>>(), [(0..6, "看看"), (12..12, "嗯")]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits {
    edits: Vec<PackedEdit>,
    texts: String,
}

/// The bytes that an edit replaces, and where its replacement begins among the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PackedEdit {
    start: usize,
    end: usize,
    text: usize,
}

impl Edits {
    /// Adds an edit that puts `text` instead of the bytes `range`.
    pub fn replace(&mut self, range: Range<usize>, text: &str) {
        self.edits.push(PackedEdit {
            start: range.start,
            end: range.end,
            text: self.texts.len(),
        });
        self.texts.push_str(text);
    }

    /// Adds an edit that inserts `text` before the byte `at`.
    pub fn insert(&mut self, at: usize, text: &str) {
        self.replace(at..at, text);
    }

    /// Adds an edit that deletes the bytes `range`.
    pub fn delete(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Appends `text` to the last edit's replacement; does nothing if there is no edit.
    pub fn append(&mut self, text: &str) {
        if !self.edits.is_empty() {
            self.texts.push_str(text);
        }
    }

    /// Whether there are no edits.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Forgets the edits and keeps the memory.
    pub fn clear(&mut self) {
        self.edits.clear();
        self.texts.clear();
    }

    /// Gives the edits in the order in which they were added, each with its bytes and its
    /// replacement.
    pub fn iter(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.edits.iter().enumerate().map(|(index, edit)| {
            let next = self.edits.get(index + 1);
            let stop = next.map_or(self.texts.len(), |next| next.text);
            (edit.start..edit.end, &self.texts[edit.text..stop])
        })
    }

    /// Applies them as [`Utterance::edited`] does, to the text and the spans alone.
    #[cfg(feature = "arrow")] // only augmentation does
    pub(crate) fn apply(
        &self,
        text: &str,
        spans: &mut [Range<usize>],
        out: &mut String,
    ) -> Result<(), EditError> {
        if self.edits.is_sorted_by_key(|edit| (edit.start, edit.end)) {
            return apply(text, self.iter(), spans, out);
        }
        let mut sorted: Vec<(Range<usize>, &str)> = self.iter().collect();
        sorted.sort_by_key(|(range, _)| (range.start, range.end));
        apply(text, sorted, spans, out)
    }
}
