//! A file of records in blocks of whole records, parsed on several threads in constant memory.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;

use crate::dataset::{Builder, Row};
use crate::error::{Error, Result};
use crate::file::TextSlice;
use crate::text::Utterance;

use super::input;
use super::input::Charset;
use super::row_reader::{Chunk, ChunkReader, MAX_LINE_BYTES, Place};

/// A block is this long, more if a record is.
const BLOCK_BYTES: usize = 1 << 18;

/// So many blocks a thread are in memory, and as many more wait.
const BLOCKS_PER_THREAD: usize = 4;

/// Whole records of a file.
pub(crate) struct Block {
    pub(crate) path: Arc<Path>,
    pub(crate) bytes: Vec<u8>,
    /// The line on which the block begins, from 1.
    pub(crate) first_line: usize,
    /// Number of its first record in the file, from 0, broken ones included.
    pub(crate) first_row: usize,
}

/// How far whole records reach.
pub(crate) struct Cut {
    /// The end of the last one.
    pub(crate) end: usize,
    /// How many there are, blank lines not counted.
    pub(crate) rows: usize,
}

/// A format of which a block can be parsed without what stands before it.
pub(crate) trait Records: Send + Sync {
    /// The whole records at the start of `bytes`. `last`: nothing follows, so that their end ends a
    /// record.
    fn cut(&self, bytes: &[u8], last: bool) -> Cut;

    /// Parses records in order until `rows` wants no more.
    fn parse(&self, block: &Block, rows: &mut Rows) -> Result<()>;

    /// What a file without any row is told.
    fn no_rows(&self, path: &Path) -> Error {
        crate::formats::row_reader::no_rows(path)
    }
}

/// What a block's records become.
#[derive(Default)]
pub(crate) struct Rows {
    builder: Builder,
    places: Vec<Place>,
    named: bool,
    lenient: bool,
    faults: Vec<Error>,
}

impl Rows {
    /// Adds a row that keeps the rules; without an id, it gets its number.
    pub(crate) fn push(&mut self, id: Option<&str>, row: Row, place: Place) -> Result<()> {
        self.named |= id.is_some();
        match id {
            Some(id) => self.builder.push_row(&Row { id, ..row })?,
            None => {
                let mut digits = itoa::Buffer::new();
                let id = digits.format(place.row);
                self.builder.push_row(&Row { id, ..row })?;
            }
        }
        self.places.push(place);
        Ok(())
    }

    /// Checks and adds a row that brings its id, or has its number for one.
    pub(crate) fn push_utterance(&mut self, row: &Utterance, place: Place) -> Result<()> {
        self.named = true;
        self.builder.push(row)?;
        self.places.push(place);
        Ok(())
    }

    /// Notes a broken row and says whether to go on.
    pub(crate) fn skip(&mut self, fault: Error) -> bool {
        self.faults.push(fault);
        self.lenient
    }
}

/// Cuts a file.
pub(crate) struct Blocks {
    path: Arc<Path>,
    file: Box<dyn BufRead>,
    /// Bytes that are read, but not handed out.
    rest: Vec<u8>,
    at_end: bool,
    line: usize,
    row: usize,
}

impl Blocks {
    /// Opens a file; `row` is the number of the first record.
    pub(crate) fn open(path: &Path, charset: Option<Charset>, row: usize) -> Result<Self> {
        let file = input::open(path, charset)?;
        let mut blocks = Blocks {
            path: path.into(),
            file,
            rest: Vec::new(),
            at_end: false,
            line: 1,
            row,
        };
        blocks.fill(BLOCK_BYTES)?;
        if blocks.rest.starts_with("\u{feff}".as_bytes()) {
            blocks.rest.drain(.."\u{feff}".len());
        }
        Ok(blocks)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What stands next in the file.
    pub(crate) fn piece(&self) -> TextSlice<'_> {
        TextSlice {
            path: &self.path,
            line: self.line,
            bytes: &self.rest,
        }
    }

    /// Reads on until `bytes` wait or the file ends.
    fn fill(&mut self, bytes: usize) -> Result<()> {
        let have = self.rest.len();
        if self.at_end || have >= bytes {
            return Ok(());
        }
        let missing = bytes - have;
        self.rest.reserve_exact(missing);
        let read = (&mut self.file)
            .take(missing as u64)
            .read_to_end(&mut self.rest)
            .map_err(|error| input::failed(&self.path, error))?;
        self.at_end = read < missing;
        Ok(())
    }

    /// Reads on until `cut`, which is told whether the file ends there, finds an end above 0.
    pub(crate) fn until<T>(
        &mut self,
        cut: impl Fn(&[u8], bool) -> (usize, T),
    ) -> Result<(usize, T)> {
        loop {
            let (end, found) = cut(&self.rest, self.at_end);
            if end > 0 || self.at_end {
                return Ok((end, found));
            }
            if self.rest.len() > MAX_LINE_BYTES {
                let found = format!("a row of more than {MAX_LINE_BYTES} bytes");
                let ends = self
                    .rest
                    .iter()
                    .take_while(|byte| matches!(byte, b'\r' | b'\n'));
                return Err(self.piece().error(ends.count(), found, "an end of the row"));
            }
            let more = self.rest.len().max(BLOCK_BYTES / 2) * 2;
            self.fill(more.min(MAX_LINE_BYTES + 1))?;
        }
    }

    /// Takes bytes from the front.
    pub(crate) fn take(&mut self, end: usize) -> Vec<u8> {
        let rest = self.rest.split_off(end);
        let taken = std::mem::replace(&mut self.rest, rest);
        self.line += memchr::memchr_iter(b'\n', &taken).count();
        taken
    }

    fn next(&mut self, format: &dyn Records) -> Result<Option<Block>> {
        self.fill(BLOCK_BYTES)?;
        let (end, rows) = self.until(|bytes, last| {
            let Cut { end, rows } = format.cut(bytes, last);
            (end, rows)
        })?;
        if end == 0 {
            return Ok(None);
        }
        let (first_line, first_row) = (self.line, self.row);
        self.row += rows;
        Ok(Some(Block {
            path: self.path.clone(),
            bytes: self.take(end),
            first_line,
            first_row,
        }))
    }
}

/// Parses a file of records: while threads parse some blocks, the next ones are read.
pub(crate) struct BlockReader<R> {
    blocks: Blocks,
    format: R,
    lenient: bool,
    threads: usize,
    waiting: Ahead,
    parsed: std::collections::VecDeque<Result<Chunk>>,
}

impl<R: Records> BlockReader<R> {
    pub(crate) fn new(blocks: Blocks, format: R, lenient: bool) -> Self {
        BlockReader {
            blocks,
            format,
            lenient,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            waiting: Ahead::default(),
            parsed: Default::default(),
        }
    }

    /// Parses what waits and reads ahead meanwhile.
    fn parse_waiting(&mut self) {
        let (format, lenient, count) = (&self.format, self.lenient, self.ahead());
        let blocks = &mut self.blocks;
        let waiting = std::mem::take(&mut self.waiting);
        let next = AtomicUsize::new(0);
        let share = || parse_share(format, &waiting.blocks, &next, lenient);
        let mut parsed = Vec::with_capacity(waiting.blocks.len());
        let ahead = std::thread::scope(|scope| {
            let helpers = self.threads.min(waiting.blocks.len()) - 1;
            let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(share)).collect();
            let ahead = match waiting.end {
                Some(_) => Ahead::default(),
                None => Ahead::read(blocks, format, count),
            };
            parsed.append(&mut share());
            for helper in helpers {
                match helper.join() {
                    Ok(mut chunks) => parsed.append(&mut chunks),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            ahead
        });
        parsed.sort_by_key(|(at, _)| *at);
        self.parsed
            .extend(parsed.into_iter().map(|(_, chunk)| chunk));
        self.waiting = Ahead {
            end: waiting.end.or(ahead.end),
            ..ahead
        };
    }

    /// How many blocks are read at a time.
    fn ahead(&self) -> usize {
        self.threads * BLOCKS_PER_THREAD
    }
}

/// Blocks that are read, but not parsed.
#[derive(Default)]
struct Ahead {
    blocks: Vec<Block>,
    /// What ended the reading, to be told after the rows before it.
    end: Option<Error>,
}

impl Ahead {
    fn read(blocks: &mut Blocks, format: &dyn Records, count: usize) -> Self {
        let mut ahead = Ahead {
            blocks: Vec::with_capacity(count),
            end: None,
        };
        while ahead.blocks.len() < count {
            match blocks.next(format) {
                Ok(Some(block)) => ahead.blocks.push(block),
                Ok(None) => break,
                Err(error) => {
                    ahead.end = Some(error);
                    break;
                }
            }
        }
        ahead
    }
}

/// Parses blocks, each with its number: whoever is free takes the `next`.
fn parse_share(
    format: &impl Records,
    blocks: &[Block],
    next: &AtomicUsize,
    lenient: bool,
) -> Vec<(usize, Result<Chunk>)> {
    let mut parsed = Vec::new();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        match blocks.get(at) {
            Some(block) => parsed.push((at, parse(format, block, lenient))),
            None => return parsed,
        }
    }
}

fn parse(format: &impl Records, block: &Block, lenient: bool) -> Result<Chunk> {
    let mut rows = Rows {
        lenient,
        ..Rows::default()
    };
    format.parse(block, &mut rows)?;
    let batch: RecordBatch = rows.builder.finish()?;
    Ok(Chunk {
        batch,
        places: rows.places,
        named: rows.named,
        faults: rows.faults,
    })
}

impl<R: Records> ChunkReader for BlockReader<R> {
    fn next_chunk(&mut self) -> Option<Result<Chunk>> {
        loop {
            if let Some(chunk) = self.parsed.pop_front() {
                return Some(chunk);
            }
            if self.waiting.blocks.is_empty() {
                if let Some(error) = self.waiting.end.take() {
                    return Some(Err(error));
                }
                let count = self.ahead();
                self.waiting = Ahead::read(&mut self.blocks, &self.format, count);
                if self.waiting.blocks.is_empty() {
                    return self.waiting.end.take().map(Err);
                }
            }
            self.parse_waiting();
        }
    }

    fn rows(&self) -> usize {
        self.blocks.row
    }

    fn path(&self) -> &Path {
        self.blocks.path()
    }

    fn no_rows(&self) -> Error {
        self.format.no_rows(self.blocks.path())
    }
}
