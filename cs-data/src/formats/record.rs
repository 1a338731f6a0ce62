//! How a CSV or TSV file is cut into records and fields (RFC 4180, and what programs make of it).

use std::borrow::Cow;
use std::ops::Range;

use crate::formats::options::Format;

/// A file's delimiter, and whether a `"` that opens a field quotes it.
///
/// As the csv crate reads them: a record ends at a line feed or carriage return outside quotes,
/// empty lines are none, a quote inside an unquoted field is text, and what follows a closing
/// quote belongs to the field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quotes: bool,
}

/// Where a field stands, and whether its quotes must be taken off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) range: Range<usize>,
    pub(crate) quoted: bool,
}

impl Dialect {
    pub(crate) fn of(format: Format) -> Self {
        let quotes = format == Format::Csv;
        let delimiter = if quotes { b',' } else { b'\t' };
        Dialect { delimiter, quotes }
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
            let end = match self.end(bytes, start) {
                Some(end) => end,
                None if last => bytes.len(),
                None => return None,
            };
            at = end;
            Some(start..end)
        })
    }

    /// The end of line that ends the record at `start`.
    fn end(self, bytes: &[u8], start: usize) -> Option<usize> {
        if !self.quotes {
            return memchr::memchr2(b'\n', b'\r', &bytes[start..]).map(|at| start + at);
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
    /// where the record does. Gives the place of a quote that stays open.
    pub(crate) fn split(self, bytes: &[u8], fields: &mut Vec<Field>) -> Option<usize> {
        fields.clear();
        let mut start = 0;
        loop {
            let mut from = start;
            let quoted = self.quotes && bytes.get(start) == Some(&b'"');
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
}

/// The ends of lines at the start of `bytes`.
pub(crate) fn line_ends(bytes: &[u8]) -> &[u8] {
    let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    &bytes[..bytes.iter().take_while(is_end).count()]
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

/// `inner` stands behind an opening quote.
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
            quotes in any::<bool>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let delimiter = if quotes { b',' } else { b'\t' };
            let dialect = Dialect { delimiter, quotes };
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .quoting(quotes)
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
    }
}
