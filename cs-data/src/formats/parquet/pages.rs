//! What the pages of a Parquet file take in memory, by their headers, before any is read.
//!
//! A page header is a struct in Thrift's compact protocol
//! (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>).

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use crate::error::{Error, Result};
use crate::file::failed;

/// The longest page, in bytes when decompressed.
const MAX_PAGE_BYTES: u64 = 128 << 20;

/// The most values of a page of a nested column, whose rows may have any number of them.
const MAX_NESTED_VALUES: u64 = 16 << 20;

/// What a batch of rows may take in memory, in bytes, besides a page of each column.
const BATCH_BYTES: u64 = 64 << 20;

/// Rows decoded at a time at most.
const BATCH_ROWS: u64 = 4096;

/// Refuses codecs that are not built in and pages that would take too much memory. Gives the number
/// of rows to decode at a time.
pub(crate) fn check(path: &Path, file: &File, metadata: &ParquetMetaData) -> Result<usize> {
    let mut input = BufReader::new(file);
    let mut rows = BATCH_ROWS;
    for group in metadata.row_groups() {
        for column in group.columns() {
            codec(path, column)?;
            let mut pages = Pages {
                path,
                column,
                input: &mut input,
            };
            rows = rows.min(pages.rows()?);
        }
    }
    Ok(usize::try_from(rows).unwrap_or(1).max(1))
}

fn codec(path: &Path, column: &ColumnChunkMetaData) -> Result<()> {
    let (name, feature) = match column.compression() {
        Compression::ZSTD(_) if !cfg!(feature = "zstd") => {
            ("zstd", ", or the feature zstd of cs-data")
        }
        Compression::LZO => ("lzo", ""),
        _ => return Ok(()),
    };
    Err(Error::file(
        path,
        format!(
            "the column {} compressed by {name}",
            column.column_path().string()
        ),
        format!("snappy, gzip, lz4, brotli or nothing{feature}"),
    ))
}

/// The pages of a column of a row group.
struct Pages<'a, 'f> {
    path: &'a Path,
    column: &'a ColumnChunkMetaData,
    input: &'a mut BufReader<&'f File>,
}

impl Pages<'_, '_> {
    /// How many rows may be decoded at a time. A header that cannot be read ends the walk: the
    /// reader will stop there too, and say so.
    fn rows(&mut self) -> Result<u64> {
        let (start, length) = self.column.byte_range();
        let end = start.saturating_add(length);
        let total = u64::try_from(self.column.num_values()).unwrap_or(u64::MAX);
        let shares_prefixes = self
            .column
            .encodings()
            .any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY);
        let (mut at, mut seen, mut rows) = (start, 0u64, BATCH_ROWS);
        while at < end && seen < total {
            self.input
                .seek(SeekFrom::Start(at))
                .map_err(failed(self.path))?;
            let mut header = Header::default();
            let mut thrift = Thrift {
                input: (&mut *self.input).take(end - at),
            };
            if thrift.header(&mut header).is_none() {
                break;
            }
            let size = end - at - thrift.input.limit();
            self.check(&header)?;
            if header.is_data() {
                seen = seen.saturating_add(header.values);
                // A value may repeat the one before it but for its end.
                let value = if shares_prefixes {
                    header.bytes
                } else {
                    header.bytes / header.values.max(1)
                };
                rows = rows.min(BATCH_BYTES / value.max(1));
            }
            at = at.saturating_add(size).saturating_add(header.compressed);
        }
        Ok(rows)
    }

    fn check(&self, header: &Header) -> Result<()> {
        let is_nested = self.column.column_descr().max_rep_level() > 0;
        let (found, limit) = if header.bytes > MAX_PAGE_BYTES {
            (format!("{} bytes", header.bytes), MAX_PAGE_BYTES)
        } else if is_nested && header.values > MAX_NESTED_VALUES {
            (format!("{} values", header.values), MAX_NESTED_VALUES)
        } else {
            return Ok(());
        };
        Err(Error::file(
            self.path,
            format!(
                "a page of {found} in the column {}",
                self.column.column_path().string()
            ),
            format!("at most {limit}"),
        ))
    }
}

/// What a page header says.
#[derive(Default)]
struct Header {
    kind: u64,
    /// Size of the page in bytes, when decompressed.
    bytes: u64,
    compressed: u64,
    values: u64,
}

impl Header {
    /// Data pages are of kind 0 and, in their second version, 3.
    fn is_data(&self) -> bool {
        matches!(self.kind, 0 | 3)
    }
}

/// Reads as much of Thrift's compact protocol as page headers have; `None` for what is not that.
struct Thrift<R> {
    input: R,
}

impl<R: BufRead> Thrift<R> {
    /// Structs in structs, at most.
    const MAX_DEPTH: usize = 8;

    fn header(&mut self, header: &mut Header) -> Option<()> {
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (1, 5) => header.kind = self.number()?,
                (2, 5) => header.bytes = self.number()?,
                (3, 5) => header.compressed = self.number()?,
                // The headers of data, of a dictionary, and of data in their second version.
                (5 | 7 | 8, 12) => self.values(header)?,
                _ => self.skip(kind, 0)?,
            }
        }
        Some(())
    }

    /// The first field of each kind of page is the number of its values.
    fn values(&mut self, header: &mut Header) -> Option<()> {
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (1, 5) => header.values = self.number()?,
                _ => self.skip(kind, 1)?,
            }
        }
        Some(())
    }

    /// The kind of the next field, whose number becomes `field`; `Some(None)` at the end of the
    /// struct.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        let (delta, kind) = (byte >> 4, byte & 15);
        if kind == 0 {
            return Some(None);
        }
        *field = match delta {
            0 => self.signed()?,
            delta => field.checked_add(i64::from(delta))?,
        };
        Some(Some(kind))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > Self::MAX_DEPTH {
            return None;
        }
        match kind {
            // Truth values are in the kind.
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let (count, kind) = (u64::from(byte >> 4), byte & 15);
                let count = if count == 15 { self.varint()? } else { count };
                (0..count).try_for_each(|_| match kind {
                    1 | 2 => self.byte().map(drop),
                    kind => self.skip(kind, depth + 1),
                })
            }
            12 => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn pass(&mut self, length: u64) -> Option<()> {
        let mut taken = (&mut self.input).take(length);
        let passed = std::io::copy(&mut taken, &mut std::io::sink()).ok()?;
        (passed == length).then_some(())
    }

    /// A number that is not negative.
    fn number(&mut self) -> Option<u64> {
        u64::try_from(self.signed()?).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let bits = self.varint()?;
        Some((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).ok()?;
        Some(byte[0])
    }
}
