//! How a CSV or TSV file is cut into records and fields (RFC 4180, and what programs make of it).

use std::borrow::Cow;
use std::ops::Range;

use crate::formats::format::Format;
use crate::text::MAX_TEXT_BYTES;

/// What a `"` that opens a field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// It quotes the field, as the csv crate has it: a quote inside an unquoted field is text, and
    /// what follows a closing quote belongs to the field.
    Always,
    /// It quotes the field if it closes right before a delimiter or an end of line. A field that
    /// would hold a delimiter or an end of line must besides give the record as many fields as the
    /// header has, where the bare lines do not; in a header (0), it may hold neither.
    Closed { fields: usize },
}

/// A file's delimiter, and what its quotes do (RFC 4180, and what programs make of it). A record
/// ends at a line feed or carriage return outside quotes, and empty lines are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quotes: Quotes,
}

/// How far a quoted field of [`Quotes::Closed`] may reach, in bytes: twice the longest text.
const REACH: usize = 2 * MAX_TEXT_BYTES;

/// Where a field stands, and whether its quotes must be taken off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) range: Range<usize>,
    pub(crate) quoted: bool,
}

impl Dialect {
    pub(crate) fn of(format: Format) -> Self {
        let is_csv = format == Format::Csv;
        Dialect {
            delimiter: if is_csv { b',' } else { b'\t' },
            quotes: if is_csv {
                Quotes::Always
            } else {
                Quotes::Closed { fields: 0 }
            },
        }
    }

    pub(crate) fn is_csv(self) -> bool {
        self.quotes == Quotes::Always
    }

    /// The same for the rows below a header of so many fields.
    pub(crate) fn with_fields(self, fields: usize) -> Self {
        let quotes = match self.quotes {
            Quotes::Always => Quotes::Always,
            Quotes::Closed { .. } => Quotes::Closed { fields },
        };
        Dialect { quotes, ..self }
    }

    /// Whole records at the start of `bytes`: where each starts and ends (without its end of
    /// line). `last`: the end of `bytes` ends a record.
    pub(crate) fn records(self, bytes: &[u8], last: bool) -> impl Iterator<Item = Range<usize>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = at + line_ends(&bytes[at..]).len();
            if start == bytes.len() {
                return None;
            }
            let end = match self.end(bytes, start, last) {
                Some(end) => end,
                None if last => bytes.len(),
                None => return None,
            };
            at = end;
            Some(start..end)
        })
    }

    /// The end of line that ends the record at `start`.
    fn end(self, bytes: &[u8], start: usize, last: bool) -> Option<usize> {
        if let Quotes::Closed { fields } = self.quotes {
            let mut found = Vec::new();
            self.closed(&bytes[start..], fields, last, &mut found)?;
            return found.last().map(|field| start + field.range.end);
        }
        let mut at = start;
        loop {
            at += memchr::memchr3(b'\n', b'\r', b'"', &bytes[at..])?;
            if bytes[at] != b'"' {
                return Some(at);
            }
            at = if at == start || bytes[at - 1] == self.delimiter {
                self.closing(bytes, at)? + 1
            } else {
                at + 1
            };
        }
    }

    /// The quote that closes the one at `open`.
    fn closing(self, bytes: &[u8], open: usize) -> Option<usize> {
        let mut at = open + 1;
        loop {
            at += memchr::memchr(b'"', &bytes[at..])?;
            if bytes.get(at + 1) != Some(&b'"') {
                return Some(at);
            }
            at += 2;
        }
    }

    /// Puts the fields of the record at the start of `bytes` into `fields`, of which the last ends
    /// where the record does. Gives the position of a quote that stays open.
    pub(crate) fn split(self, bytes: &[u8], fields: &mut Vec<Field>) -> Option<usize> {
        fields.clear();
        if let Quotes::Closed { fields: count } = self.quotes {
            self.closed(bytes, count, true, fields);
            return None;
        }
        let mut start = 0;
        loop {
            let mut from = start;
            let quoted = bytes.get(start) == Some(&b'"');
            if quoted {
                match self.closing(bytes, start) {
                    Some(close) => from = close + 1,
                    None => {
                        let range = start..bytes.len();
                        fields.push(Field { range, quoted });
                        return Some(start);
                    }
                }
            }
            let end = memchr::memchr3(self.delimiter, b'\n', b'\r', &bytes[from..]);
            let range = start..end.map_or(bytes.len(), |end| from + end);
            start = range.end + 1;
            let is_last = bytes.get(range.end) != Some(&self.delimiter);
            fields.push(Field { range, quoted });
            if is_last {
                return None;
            }
        }
    }

    /// Puts the fields of the record at the start of `bytes` into `fields` by [`Quotes::Closed`].
    /// `None`: what follows decides.
    fn closed(self, bytes: &[u8], count: usize, last: bool, fields: &mut Vec<Field>) -> Option<()> {
        let end = match memchr::memchr2(b'\n', b'\r', bytes) {
            Some(end) => end,
            None if last => bytes.len(),
            None => return None,
        };
        let line = &bytes[..end];
        if memchr::memchr(b'"', line).is_none() {
            self.bare(line, fields);
            return Some(());
        }
        let whole = self.quoted(bytes, last, fields)?;
        let holds = whole.holds_delimiter || whole.end > end;
        let is_sure = !holds || whole.end <= end && count == 0 || {
            let mut lines = bytes[..whole.end].split(|byte| matches!(byte, b'\n' | b'\r'));
            fields.len() == count && lines.any(|line| self.count(line) != count)
        };
        if !is_sure {
            self.bare(line, fields);
        }
        Some(())
    }

    /// Whether a field ends in front of this byte.
    fn is_end(self, byte: Option<&u8>) -> bool {
        byte.is_none_or(|byte| matches!(byte, b'\n' | b'\r') || *byte == self.delimiter)
    }

    /// How many fields a line has if quotes are text.
    fn count(self, line: &[u8]) -> usize {
        memchr::memchr_iter(self.delimiter, line).count() + 1
    }

    /// The fields of a line, cut at every delimiter; those that are quoted each by themselves are
    /// so.
    fn bare(self, line: &[u8], fields: &mut Vec<Field>) {
        fields.clear();
        let mut start = 0;
        loop {
            let end = memchr::memchr(self.delimiter, &line[start..]);
            let range = start..end.map_or(line.len(), |end| start + end);
            let quoted = line.get(start) == Some(&b'"')
                && self.closing(&line[range.clone()], 0) == Some(range.len() - 1);
            start = range.end + 1;
            fields.push(Field { range, quoted });
            if end.is_none() {
                return;
            }
        }
    }

    /// The fields of the record at the start of `bytes` if every quote quotes that closes properly.
    fn quoted(self, bytes: &[u8], last: bool, fields: &mut Vec<Field>) -> Option<Whole> {
        fields.clear();
        let (mut start, mut holds_delimiter) = (0, false);
        loop {
            let mut quoted = false;
            let mut from = start;
            if bytes.get(start) == Some(&b'"') {
                let reach = bytes.len().min(start + REACH);
                let close = self.closing(&bytes[..reach], start);
                // A quote at the end of what is known may be the first of two.
                let close = close.filter(|close| close + 1 < reach || reach == bytes.len());
                if !last && reach == bytes.len() && close.is_none_or(|close| close + 1 == reach) {
                    return None;
                }
                if let Some(close) = close.filter(|close| self.is_end(bytes.get(close + 1))) {
                    (quoted, from) = (true, close + 1);
                }
            }
            let end = memchr::memchr3(self.delimiter, b'\n', b'\r', &bytes[from..]);
            if end.is_none() && !last {
                return None;
            }
            let range = start..end.map_or(bytes.len(), |end| from + end);
            start = range.end + 1;
            holds_delimiter |=
                quoted && memchr::memchr(self.delimiter, &bytes[range.clone()]).is_some();
            let is_last = bytes.get(range.end) != Some(&self.delimiter);
            let end = range.end;
            fields.push(Field { range, quoted });
            if is_last {
                return Some(Whole {
                    end,
                    holds_delimiter,
                });
            }
        }
    }
}

/// A record as its quotes have it.
struct Whole {
    end: usize,
    /// Whether a quoted field holds one.
    holds_delimiter: bool,
}

/// The ends of lines at the start of `bytes`.
pub(crate) fn line_ends(bytes: &[u8]) -> &[u8] {
    let ends = bytes.iter();
    let ends = ends.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    &bytes[..ends.count()]
}

/// The content of a field of `record`.
pub(crate) fn cell<'a>(record: &'a str, field: &Field) -> Cow<'a, str> {
    let raw = record.get(field.range.clone()).unwrap_or_default();
    if !field.quoted {
        return Cow::Borrowed(raw);
    }
    let inner = raw.strip_prefix('"').unwrap_or(raw);
    match inner.find('"') {
        Some(at) if at + 1 == inner.len() => Cow::Borrowed(&inner[..at]),
        None => Cow::Borrowed(inner),
        Some(_) => Cow::Owned(unquoted(inner)),
    }
}

/// `inner` stands after an opening quote.
fn unquoted(mut inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    while let Some((text, rest)) = inner.split_once('"') {
        out.push_str(text);
        match rest.strip_prefix('"') {
            Some(rest) => {
                out.push('"');
                inner = rest;
            }
            None => {
                out.push_str(rest);
                return out;
            }
        }
    }
    out + inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn config() -> ProptestConfig {
        ProptestConfig {
            cases: 2000,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn records_are_those_of_the_csv_crate(
            text in "[a\",\r\n订 \t]{0,24}",
            cut in any::<proptest::sample::Index>(),
        ) {
            let dialect = Dialect::of(Format::Csv);
            let mut reader = csv::ReaderBuilder::new()
                .flexible(true)
                .has_headers(false)
                .from_reader(text.as_bytes());
            let expected: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            let mut fields = Vec::new();
            let mut found = Vec::new();
            for range in dialect.records(text.as_bytes(), true) {
                let record = &text[range.clone()];
                dialect.split(&text.as_bytes()[range.start..], &mut fields);
                prop_assert_eq!(fields.last().map(|field| field.range.end), Some(range.len()));
                let cells = fields.iter().map(|field| cell(record, field).into_owned());
                found.push(cells.collect::<Vec<_>>());
            }
            prop_assert_eq!(&found, &expected);

            // What is whole in the first part stays what it is in the whole.
            let part = &text.as_bytes()[..cut.index(text.len() + 1)];
            let whole: Vec<_> = dialect.records(text.as_bytes(), true).collect();
            let first: Vec<_> = dialect.records(part, false).collect();
            prop_assert!(whole.starts_with(&first));
        }

        #[test]
        fn lines_without_quotes_are_fields_between_tabs(text in "[a,\r\n订 \t]{0,24}") {
            let dialect = Dialect::of(Format::Tsv).with_fields(2);
            let lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
            let expected: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
            prop_assert_eq!(records(dialect, &text), expected);
        }

        #[test]
        fn a_part_of_a_table_is_cut_as_the_whole(
            text in "[a\"\n\t]{0,32}",
            fields in 0usize..4,
            cut in any::<proptest::sample::Index>(),
        ) {
            let dialect = Dialect::of(Format::Tsv).with_fields(fields);
            let part = &text.as_bytes()[..cut.index(text.len() + 1)];
            let whole: Vec<_> = dialect.records(text.as_bytes(), true).collect();
            let first: Vec<_> = dialect.records(part, false).collect();
            prop_assert!(whole.starts_with(&first), "{:?} {:?}", whole, first);
            // A block ends after a whole record, and is split as it was cut.
            let mut found = Vec::new();
            for range in whole {
                let end = range.end;
                dialect.split(&text.as_bytes()[range.start..end], &mut found);
                prop_assert_eq!(found.last().map(|field| range.start + field.range.end), Some(end));
                dialect.split(&text.as_bytes()[range.start..], &mut found);
                prop_assert_eq!(found.last().map(|field| range.start + field.range.end), Some(end));
            }
        }
    }

    fn records(dialect: Dialect, text: &str) -> Vec<Vec<String>> {
        let mut fields = Vec::new();
        let records = dialect.records(text.as_bytes(), true).collect::<Vec<_>>();
        let mut found = Vec::new();
        for range in records {
            dialect.split(&text.as_bytes()[range.start..], &mut fields);
            let record = &text[range];
            found.push(
                fields
                    .iter()
                    .map(|field| cell(record, field).into_owned())
                    .collect(),
            );
        }
        found
    }

    #[test]
    fn quotes_of_a_table_count_where_they_close() {
        let cases: [(&str, usize, &[&[&str]]); 9] = [
            (
                "\"He said \"\"x\"\" now\"\tr\n5'9\" tall\ts\n",
                2,
                &[&["He said \"x\" now", "r"], &["5'9\" tall", "s"]],
            ),
            ("\"two\tcells\"\tx\n", 2, &[&["two\tcells", "x"]]),
            ("\"a\tb\"\n", 2, &[&["\"a", "b\""]]),
            (
                "x\t\"one\ntwo\"\ny\tz\n",
                2,
                &[&["x", "one\ntwo"], &["y", "z"]],
            ),
            (
                "\"Yes\" and \"no\"\tx\n",
                2,
                &[&["\"Yes\" and \"no\"", "x"]],
            ),
            (
                "\"Yes, he said\tx\nso \"it is\"\ty\n",
                2,
                &[&["\"Yes, he said", "x"], &["so \"it is\"", "y"]],
            ),
            (
                "\"open\tx\n\"shut\ty\n",
                2,
                &[&["\"open", "x"], &["\"shut", "y"]],
            ),
            ("\"text\"\t\"intent\"\n", 0, &[&["text", "intent"]]),
            (
                "\"\"\tx\n\"\"\"\"\ty\n\"\ty\n",
                2,
                &[&["", "x"], &["\"", "y"], &["\"", "y"]],
            ),
        ];
        for (text, fields, expected) in cases {
            let dialect = Dialect::of(Format::Tsv).with_fields(fields);
            assert_eq!(records(dialect, text), expected, "{text:?}");
        }
    }
}
