//! CSV and TSV with a header.

use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::format::{Columns, FIELDS, Format};
use crate::source::{Source, shown};
use crate::utterance::{Utterance, check_text};

/// The rows of `source`; one without an id is named by its number, from 0.
pub(crate) fn read(source: &Source, format: Format, columns: &Columns) -> Result<Vec<Utterance>> {
    let dialect = Dialect {
        source,
        quotes: format == Format::Csv,
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(dialect.delimiter())
        .quoting(dialect.quotes)
        .flexible(true)
        .has_headers(false)
        .from_reader(source.text().as_bytes());
    let mut records = Vec::new();
    let mut record = StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| dialect.failed(&error))?
    {
        records.push(record.clone());
    }
    if let Some(last) = records.last()
        && let Some(quote) = dialect.open_quote(last)
    {
        return Err(source.error(quote, "a quote that never closes", "a closing quote"));
    }
    let mut records = records.into_iter();
    let Some(names) = records.next() else {
        return Ok(Vec::new());
    };
    let header = Header::new(&dialect, names, columns)?;
    let rows: Vec<Utterance> = records
        .enumerate()
        .map(|(number, record)| header.utterance(number, &record))
        .collect::<Result<_>>()?;
    if rows.is_empty() {
        let end = source.text().trim_end().len();
        return Err(source.error(end, "no rows below the header", "at least one row"));
    }
    Ok(rows)
}

/// How a file is split, and where its fields stand.
struct Dialect<'a> {
    source: &'a Source,
    quotes: bool,
}

impl Dialect<'_> {
    fn delimiter(&self) -> u8 {
        if self.quotes { b',' } else { b'\t' }
    }

    fn failed(&self, error: &csv::Error) -> Error {
        let byte = error
            .position()
            .map_or(0, |position| position.byte() as usize);
        self.source.error(byte, error.to_string(), "a row")
    }

    /// Walks the record's bytes: where field `index` starts, and the quote left open at the end
    /// of the file, if one is.
    fn walk(&self, record: &StringRecord, index: usize) -> (usize, Option<usize>) {
        let bytes = self.source.text().as_bytes();
        let start = record
            .position()
            .map_or(0, |position| position.byte() as usize);
        let ends = bytes[start..]
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let mut at = start + ends;
        let mut field = at;
        let mut seen = 0;
        let mut open = None;
        let mut field_begins = true;
        while let Some(&byte) = bytes.get(at) {
            match (byte, open) {
                // A doubled quote closes and opens again, which comes to the same.
                (b'"', Some(_)) => {
                    open = None;
                    field_begins = bytes.get(at + 1) == Some(&b'"');
                }
                (b'"', None) if self.quotes && field_begins => open = Some(at),
                (_, Some(_)) => {}
                (b'\r' | b'\n', None) => break,
                (byte, None) if byte == self.delimiter() => {
                    if seen == index {
                        break;
                    }
                    seen += 1;
                    field = at + 1;
                    field_begins = true;
                    at += 1;
                    continue;
                }
                _ => field_begins = false,
            }
            at += 1;
        }
        (field, open)
    }

    fn field_start(&self, record: &StringRecord, index: usize) -> usize {
        self.walk(record, index).0
    }

    fn open_quote(&self, record: &StringRecord) -> Option<usize> {
        self.walk(record, usize::MAX).1
    }

    fn error(&self, record: &StringRecord, index: usize, expected: impl Into<String>) -> Error {
        let found = shown(record.get(index).unwrap_or_default());
        self.source
            .error(self.field_start(record, index), found, expected)
    }
}

struct Header<'a> {
    dialect: &'a Dialect<'a>,
    names: StringRecord,
    /// Positions of the columns of [`FIELDS`].
    fields: [Option<usize>; FIELDS.len()],
}

impl<'a> Header<'a> {
    fn new(dialect: &'a Dialect<'a>, names: StringRecord, columns: &Columns) -> Result<Self> {
        let mut fields = [None; FIELDS.len()];
        for (slot, field) in fields.iter_mut().zip(FIELDS) {
            let column = columns.column(field);
            let mut found = (0..names.len()).filter(|&at| names[at].trim() == column);
            *slot = found.next();
            if let Some(again) = found.next() {
                return Err(dialect.error(&names, again, format!("the column {column} once")));
            }
            if slot.is_none() && columns.is_required(field) {
                let there: Vec<&str> = names.iter().map(str::trim).collect();
                return Err(dialect.source.error(
                    0,
                    format!("the columns {}", shown(&there.join(","))),
                    format!("a column {column} for {field}"),
                ));
            }
        }
        Ok(Header {
            dialect,
            names,
            fields,
        })
    }

    fn utterance(&self, number: usize, record: &StringRecord) -> Result<Utterance> {
        if record.len() != self.names.len() {
            let place = self.dialect.field_start(record, 0);
            let found = format!("a row of {} fields", record.len());
            return Err(self
                .dialect
                .source
                .error(place, found, self.names.len().to_string()));
        }
        let [text, intent, sentiment, id] = self.fields;
        let cell = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or_default();
        let id = Some(cell(id))
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        let mut row = Utterance::new(id.unwrap_or_else(|| number.to_string()), cell(text));
        check_text(&row.text).map_err(|rule| {
            let place = self.dialect.field_start(record, text.unwrap_or_default());
            self.dialect.source.broken(place, &rule)
        })?;
        row.intent = Some(cell(intent).trim().to_owned()).filter(|intent| !intent.is_empty());
        if let Some(at) = sentiment.filter(|_| !cell(sentiment).trim().is_empty()) {
            row.sentiment = Some(self.sentiment(record, at)?);
        }
        row.extra = self.extra(record);
        Ok(row)
    }

    fn sentiment(&self, record: &StringRecord, at: usize) -> Result<f32> {
        let value = record.get(at).unwrap_or_default().trim().parse::<f64>();
        match value {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(value as f32),
            _ => Err(self.dialect.error(record, at, "a number from 0 to 1")),
        }
    }

    /// The cells that fill no field, without empty ones.
    fn extra(&self, record: &StringRecord) -> Map<String, Value> {
        let cells = self.names.iter().zip(record).enumerate();
        cells
            .filter(|(at, (_, cell))| !self.fields.contains(&Some(*at)) && !cell.is_empty())
            .map(|(_, (name, cell))| (name.trim().to_owned(), cell.into()))
            .collect()
    }
}
