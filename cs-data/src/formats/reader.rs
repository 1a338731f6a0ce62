//! Reading any file in pieces.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use crate::dataset::{Dataset, View, all_tagged};
use crate::error::{Error, Result};
use crate::text::Utterance;

use super::format::Format;
use super::json::Unmapped;
use super::open;
use super::options::ReadOptions;
use super::row_reader::{Chunk, ChunkReader};

/// Reads a file piece by piece in constant memory: an iterator of [`Dataset`]s in the order of the
/// file, each of at most [`batch_rows`](Self::batch_rows) rows.
///
/// Reading is strict by default: the first broken row, or the second with an id, is an error that
/// says where it is, and the last item. With [`ReadOptions::lenient`] such rows are left out and
/// kept as errors in [`skipped`](Self::skipped). Rows without an id get their number in the file as
/// one, from 0, broken rows included.
///
/// Fields that look like labels (`label`, `entities`, `tags` and so on) and fill nothing are told
/// by `tracing::warn`, once each, at the end of the file.
///
/// JSONL, CSV and TSV are parsed on all cores. To know an id again takes about 20 bytes for each
/// row that brings one other than its number.
///
/// ```
/// use cs_data::{ReadOptions, Reader};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("rows.jsonl");
/// std::fs::write(&path, "{\"text\": \"你好\"}\n{\"text\": 5}\n{\"text\": \"bye\"}\n")?;
///
/// assert!(Reader::open(&path, &ReadOptions::default())?.any(|piece| piece.is_err()));
///
/// let lenient = ReadOptions { lenient: true, ..ReadOptions::default() };
/// let mut reader = Reader::open(&path, &lenient)?.batch_rows(1);
/// let mut ids = Vec::new();
/// for piece in &mut reader {
///     ids.extend(piece?.iter().map(|row| row.id));
/// }
/// assert_eq!(ids, ["0", "2"]);
/// let reason = reader.skipped()[0].to_string();
/// assert!(reason.contains("rows.jsonl:2:10: \"5\" (invalid type: integer `5`"), "{reason}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader {
    path: PathBuf,
    /// The format; `None` for a folder of files.
    format: Option<Format>,
    source: Box<dyn ChunkReader>,
    lenient: bool,
    batch_rows: usize,
    ids: Ids,
    rows: usize,
    skipped: Vec<Error>,
    unmapped: Unmapped,
    /// Whether a row that was handed out had a span, in a format that cannot say of one that it has
    /// none.
    spans_seen: bool,
    /// Batches that are read, but not handed out.
    ready: VecDeque<RecordBatch>,
    ended: bool,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("rows", &self.rows)
            .field("skipped", &self.skipped.len())
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file, or a folder: for [`Format::Seq`](crate::Format::Seq) and partitioned
    /// [`Format::Parquet`](crate::Format::Parquet) as these have it, else all files of one format
    /// in it and below, by name.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, an unknown ending, a header without the mapped columns.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        let source = open::open(path, options)?;
        Ok(Reader {
            path: path.into(),
            format: options.format.or_else(|| Format::of(path).ok()),
            source,
            lenient: options.lenient,
            batch_rows: 8192,
            ids: Ids::default(),
            rows: 0,
            skipped: Vec::new(),
            unmapped: Unmapped::default(),
            spans_seen: false,
            ready: VecDeque::new(),
            ended: false,
        })
    }

    /// Sets the most rows of a piece (at least 1; 8192 if never set).
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Why rows that were read so far are left out, in order; empty unless reading is lenient.
    pub fn skipped(&self) -> &[Error] {
        &self.skipped
    }

    /// Gives what [`skipped`](Self::skipped) gives, and forgets it: for files with very many broken
    /// rows.
    pub fn take_skipped(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.skipped)
    }

    /// Reads the rest of the file into one data set.
    ///
    /// A row without spans is labelled as having none where the file says so (`"spans": []`). Where
    /// no row of a file says so and some have spans, as in formats that cannot and in files whose
    /// writer leaves empty fields out, all rows count as labelled; the log warns of it if the
    /// format can.
    ///
    /// # Errors
    ///
    /// The errors that the iterator gives.
    pub fn read_all(&mut self) -> Result<Dataset> {
        let mut batches: Vec<RecordBatch> = std::mem::take(&mut self.ready).into();
        while let Some(batch) = self.next_batch() {
            batches.push(batch?);
        }
        self.settle_tagged(&mut batches)?;
        Ok(Dataset::from_batches(batches))
    }

    /// Decides what rows without spans are in a file that does not say.
    fn settle_tagged(&self, batches: &mut [RecordBatch]) -> Result<()> {
        let counts = batches.iter().map(|batch| View(batch).count_tagged());
        let [some, none, unsaid] = counts.fold([0; 3], |sum, add| {
            [0, 1, 2].map(|kind| sum[kind] + add[kind])
        });
        let says = self.says_tagged();
        let some_seen = some > 0 || self.spans_seen;
        if !some_seen || (says && none > 0) || unsaid == 0 {
            return Ok(());
        }
        if says {
            tracing::warn!(
                "{}: {unsaid} rows say nothing of spans beside {some} that have some, and count as rows without \
                 entities; with \"spans\": [] in those, rows that say nothing count as not labelled",
                self.path.display()
            );
        }
        for batch in batches {
            *batch = all_tagged(batch)?;
        }
        Ok(())
    }

    fn says_tagged(&self) -> bool {
        self.format.is_none_or(Format::says_tagged)
    }

    /// From the first piece with a span on, rows of a format that cannot say so have no entities
    /// where they have no spans.
    fn tag_piece(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.says_tagged() {
            return Ok(batch);
        }
        self.spans_seen |= View(&batch).count_tagged()[0] > 0;
        if self.spans_seen {
            return all_tagged(&batch);
        }
        Ok(batch)
    }

    /// Gives the rest of the file, row by row.
    pub fn rows(self) -> impl Iterator<Item = Result<Utterance>> {
        self.flat_map(|piece| {
            let (rows, error) = match piece {
                Ok(rows) => (Some(rows), None),
                Err(error) => (None, Some(error)),
            };
            let rows = rows.into_iter().flat_map(|rows| {
                let view = rows.clone();
                (0..rows.len()).filter_map(move |row| view.utterance(row))
            });
            rows.map(Ok).chain(error.map(Err))
        })
    }

    /// The next rows, however many.
    fn next_batch(&mut self) -> Option<Result<RecordBatch>> {
        while !self.ended {
            let read = self.source.next_chunk();
            let accepted = match read {
                Some(chunk) => chunk.and_then(|chunk| self.accept(chunk)),
                None => {
                    self.ended = true;
                    self.unmapped.warn(&self.path);
                    if self.rows == 0 && self.skipped.is_empty() {
                        return Some(Err(self.source.no_rows()));
                    }
                    return None;
                }
            };
            match accepted {
                Ok(batch) if batch.num_rows() == 0 => {}
                other => {
                    self.ended = other.is_err();
                    return Some(other);
                }
            }
        }
        None
    }

    /// Leaves out what is broken, or fails with it.
    fn accept(&mut self, mut chunk: Chunk) -> Result<RecordBatch> {
        if !self.lenient && !chunk.faults.is_empty() {
            return Err(chunk.faults.swap_remove(0));
        }
        let batch = self.without_duplicates(&mut chunk)?;
        self.rows += batch.num_rows();
        let view = View(&batch);
        (0..batch.num_rows())
            .filter_map(|row| view.extra(row))
            .for_each(|extra| self.unmapped.see(extra));
        self.skipped.append(&mut chunk.faults);
        Ok(batch)
    }

    fn without_duplicates(&mut self, chunk: &mut Chunk) -> Result<RecordBatch> {
        if !chunk.named && self.ids.seen.is_empty() {
            for place in &chunk.places {
                self.ids.number(place.row..place.row + 1);
            }
            return Ok(chunk.batch.clone());
        }
        let view = View(&chunk.batch);
        let mut keep = Vec::with_capacity(chunk.places.len());
        for (row, place) in chunk.places.iter().enumerate() {
            let is_new = self.ids.insert(view.id(row), place.row);
            keep.push(is_new);
            if !is_new {
                let error = self.duplicate(view.id(row), place.line, place.row);
                if !self.lenient {
                    return Err(error);
                }
                chunk.faults.push(error);
            }
        }
        if keep.iter().all(|&keep| keep) {
            return Ok(chunk.batch.clone());
        }
        chunk.faults.sort_by_key(line_of);
        Ok(filter_record_batch(
            &chunk.batch,
            &BooleanArray::from(keep),
        )?)
    }

    fn duplicate(&self, id: &str, line: usize, row: usize) -> Error {
        let path = self.source.path().to_owned();
        let found = format!("the id {id:?} for the second time");
        let expected = "an id of its own".to_owned();
        match line {
            0 => Error::file(path, format!("row {row} has {found}"), expected),
            line => Error::Text {
                path,
                line,
                column: 1,
                found,
                expected,
                labels: false,
            },
        }
    }
}

fn line_of(error: &Error) -> usize {
    match error {
        Error::Text { line, .. } => *line,
        _ => 0,
    }
}

impl Iterator for Reader {
    type Item = Result<Dataset>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            let read = self.next_batch()?;
            let batch = match read.and_then(|batch| self.tag_piece(batch)) {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            };
            let rows = batch.num_rows();
            for start in (0..rows).step_by(self.batch_rows) {
                let length = self.batch_rows.min(rows - start);
                self.ready.push_back(batch.slice(start, length));
            }
        }
        self.ready
            .pop_front()
            .map(|batch| Ok(Dataset::from_batches([batch])))
    }
}

/// The ids that occurred. Of rows whose number is their id, ranges are kept, so that files without
/// ids take no memory; of others a hash of 128 bits, on which two ids do not agree by chance.
#[derive(Default)]
struct Ids {
    seen: HashSet<u128>,
    numbered: Vec<Range<usize>>,
}

impl Ids {
    /// Whether the id is new. An empty one is no id, and may stand on any number of rows.
    fn insert(&mut self, id: &str, row: usize) -> bool {
        if id.is_empty() {
            return true;
        }
        let number = id
            .parse::<usize>()
            .ok()
            .filter(|_| id == "0" || !id.starts_with(['0', '+']));
        if number == Some(row) {
            let is_new = self.seen.is_empty() || !self.seen.contains(&hash(id));
            if is_new {
                self.number(row..row + 1);
            }
            return is_new;
        }
        number.is_none_or(|number| !self.is_numbered(number)) && self.seen.insert(hash(id))
    }

    /// Notes rows whose numbers are their ids, after all before.
    fn number(&mut self, rows: Range<usize>) {
        match self.numbered.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => self.numbered.push(rows),
        }
    }

    fn is_numbered(&self, number: usize) -> bool {
        let after = self.numbered.partition_point(|rows| rows.end <= number);
        self.numbered
            .get(after)
            .is_some_and(|rows| rows.contains(&number))
    }
}

fn hash(id: &str) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, id).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
