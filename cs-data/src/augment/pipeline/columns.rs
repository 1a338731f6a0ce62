//! Drafts into columns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray,
    StringBuilder, StructArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::DataType;

use crate::dataset::View;
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::text::SOURCE;

use super::copies::{Draft, Drafts, Sources};
use super::extras::{Change, Extras};

/// A draft that becomes a row, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) draft: Draft,
    pub(crate) chunk: usize,
    pub(crate) index: usize,
}

/// Drafts, and those of them that become rows.
#[derive(Default)]
pub(crate) struct Drawn {
    pub(crate) chunks: Vec<Drafts>,
    pub(crate) kept: Vec<Kept>,
}

/// The rows of a result.
struct Rows<'a> {
    source: &'a RecordBatch,
    sources: &'a Sources<'a>,
    chunks: &'a [Drafts],
    kept: &'a [Kept],
    /// The source's row of each; `None` if they are the same rows in the same order.
    taken: Option<UInt32Array>,
    keep_original: bool,
}

/// The batch of all rows that were kept, with the columns of `source`.
pub(crate) fn batch(
    source: &RecordBatch,
    sources: &Sources<'_>,
    drawn: &Drawn,
    operators: &[&str],
    keep_original: bool,
) -> Result<RecordBatch> {
    let Drawn { chunks, kept } = drawn;
    let rows = kept.iter().map(|kept| kept.draft.row);
    let same = kept.len() == sources.len() && rows.clone().eq(0..sources.len() as u32);
    let rows = Rows {
        source,
        sources,
        chunks,
        kept,
        taken: (!same).then(|| UInt32Array::from_iter_values(rows)),
        keep_original,
    };
    let schema = source.schema();
    let (named, others) = std::thread::scope(|scope| {
        let named = scope.spawn(|| rows.ids());
        let fields = schema.fields().iter();
        let others = fields.map(|field| rows.column(field.name(), operators));
        let others: Result<Vec<Option<ArrayRef>>> = others.collect();
        let named = named
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok::<_, Error>((named?, others?))
    })?;
    let columns = others
        .into_iter()
        .map(|column| column.unwrap_or_else(|| named.clone()));
    Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
}

/// How many rows there are of each origin.
pub(crate) fn by_origin(batch: &RecordBatch) -> BTreeMap<String, usize> {
    let origins = View(batch).origins();
    let names: &StringArray = origins.values().as_string();
    let mut counts = vec![0; names.len()];
    origins
        .keys()
        .values()
        .iter()
        .for_each(|&key| counts[key as usize] += 1);
    let mut by_origin = BTreeMap::new();
    for (key, count) in counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0)
    {
        *by_origin.entry(names.value(key).to_owned()).or_default() += count;
    }
    by_origin
}

impl Rows<'_> {
    /// A column other than the ids.
    fn column(&self, name: &str, operators: &[&str]) -> Result<Option<ArrayRef>> {
        let column = match name {
            "id" => return Ok(None),
            "text" => self.texts(),
            "spans" => self.spans(),
            "origin" => self.origins(operators),
            "extra" => self.extras(),
            "parent" => self.take(&self.source["id"]),
            name => self.take(&self.source[name]),
        };
        column.map(Some)
    }

    fn take(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let Some(taken) = &self.taken else {
            return Ok(column.clone());
        };
        if column.data_type() == &DataType::Utf8 {
            let strings = column.as_string::<i32>();
            let lengths = taken
                .values()
                .iter()
                .map(|&row| strings.value_length(row as usize) as usize);
            limited(lengths.sum())?;
        }
        Ok(take(column, taken, None)?)
    }

    fn texts(&self) -> Result<ArrayRef> {
        let texts = self.kept.iter();
        let texts = texts.map(|kept| self.chunks[kept.chunk].text(kept.index));
        let bytes = limited(texts.clone().map(str::len).sum())?;
        let mut out = StringBuilder::with_capacity(self.kept.len(), bytes);
        texts.for_each(|text| out.append_value(text));
        Ok(Arc::new(out.finish()))
    }

    fn extras(&self) -> Result<ArrayRef> {
        let column = View(self.source).extras();
        if column.null_count() == column.len() {
            return self.take(&self.source["extra"]);
        }
        let mut extras = Extras::new(column, self.keep_original);
        let mut out = StringBuilder::new();
        let mut bytes = 0;
        for (at, kept) in self.kept.iter().enumerate() {
            let (row, made) = (kept.draft.row, &self.chunks[kept.chunk]);
            let text = self.sources.texts.value(row as usize);
            let spans = self.sources.span_range(row);
            let before = spans.map(|span| self.sources.range(span));
            let copy = made.text(kept.index);
            let after = made.spans(kept.index).iter();
            let change = Change {
                before: before.map(|range| &text[range]).collect(),
                after: after
                    .map(|range| &copy[range.start as usize..range.end as usize])
                    .collect(),
            };
            let extra = extras.copy(row, at + 1 == self.kept.len(), &change);
            bytes += extra.as_ref().map_or(0, String::len);
            limited(bytes)?;
            out.append_option(extra);
        }
        Ok(Arc::new(out.finish()))
    }

    /// Every span of a row is among its copies' spans, in the same order.
    fn spans(&self) -> Result<ArrayRef> {
        let source = self.sources.spans;
        let (mut starts, mut ends, mut from) = (Vec::new(), Vec::new(), Vec::new());
        let mut counts = Vec::with_capacity(self.kept.len());
        for kept in self.kept {
            let spans = self.chunks[kept.chunk].spans(kept.index);
            starts.extend(spans.iter().map(|span| span.start));
            ends.extend(spans.iter().map(|span| span.end));
            from.extend(self.sources.span_range(kept.draft.row).map(|at| at as u32));
            counts.push(spans.len());
        }
        limited(starts.len())?;
        let from = UInt32Array::from(from);
        let values = source.values().as_struct();
        let rest = values.columns().iter().skip(2);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(starts)),
            Arc::new(UInt32Array::from(ends)),
        ];
        for column in rest {
            columns.push(take(column, &from, None)?);
        }
        let spans = StructArray::try_new(values.fields().clone(), columns, None)?;
        let DataType::List(item) = source.data_type() else {
            return Ok(Arc::new(source.clone()));
        };
        let offsets = OffsetBuffer::from_lengths(counts);
        let rows = self.kept.iter().map(|kept| kept.draft.row as usize);
        let tagged = NullBuffer::from_iter(rows.map(|row| source.is_valid(row)));
        Ok(Arc::new(ListArray::try_new(
            item.clone(),
            offsets,
            Arc::new(spans),
            Some(tagged).filter(|nulls| nulls.null_count() > 0),
        )?))
    }

    /// The operators of each row, after those of its source.
    fn origins(&self, operators: &[&str]) -> Result<ArrayRef> {
        let before = View(self.source).origins();
        let names: &StringArray = before.values().as_string();
        let before = before.keys().values();
        let mut known: HashMap<(i32, u64), i32> = HashMap::new();
        let mut origins: Vec<String> = Vec::new();
        let mut last = None;
        let keys = self.kept.iter().map(|kept| {
            let pair = (
                before[kept.draft.row as usize],
                self.chunks[kept.chunk].operators[kept.index],
            );
            if let Some((pair_before, key)) = last
                && pair_before == pair
            {
                return key;
            }
            let key = *known.entry(pair).or_insert_with(|| {
                let first = Some(names.value(pair.0 as usize)).filter(|name| *name != SOURCE);
                let used = operators
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| pair.1 >> at & 1 == 1);
                let parts: Vec<&str> = first
                    .into_iter()
                    .chain(used.map(|(_, name)| *name))
                    .collect();
                origins.push(parts.join("+"));
                origins.len() as i32 - 1
            });
            last = Some((pair, key));
            key
        });
        let keys = Int32Array::from_iter_values(keys);
        let values = Arc::new(StringArray::from(origins));
        Ok(Arc::new(DictionaryArray::try_new(keys, values)?))
    }

    /// The id of a copy's source.
    fn id(&self, kept: &Kept) -> &str {
        self.sources.ids.value(kept.draft.row as usize)
    }

    /// The ids of copies: `{id}~{n}`, with the smallest n that no other row has.
    fn ids(&self) -> Result<ArrayRef> {
        let bytes = self.kept.iter().map(|kept| self.id(kept).len() + 8).sum();
        let mut out = StringBuilder::with_capacity(self.kept.len(), limited(bytes)?);
        let mut taken = Taken::of(self.sources.ids);
        let mut name = String::new();
        let (mut row, mut number) = (None, 0);
        for kept in self.kept {
            if row.replace(kept.draft.row) != Some(kept.draft.row) {
                number = 0;
            }
            loop {
                number += 1;
                name.clear();
                name.push_str(self.id(kept));
                name.push('~');
                push_number(&mut name, number);
                if taken.claim(&name) {
                    break;
                }
            }
            out.append_value(&name);
        }
        Ok(Arc::new(out.finish()))
    }
}

/// The ids that are in use; nothing to keep while all differ and none contains `~`.
struct Taken(Option<HashSet<String>>);

impl Taken {
    fn of(ids: &StringArray) -> Self {
        let mut hashes: HashSet<u64, BuildHasherDefault<AsIs>> =
            HashSet::with_capacity_and_hasher(ids.len(), BuildHasherDefault::default());
        let all = (0..ids.len()).map(|row| ids.value(row));
        let mut rest = all.clone();
        let simple = rest.all(|id| !id.contains('~') && hashes.insert(SplitMix::hash(0, id)));
        Taken((!simple).then(|| all.map(str::to_owned).collect()))
    }

    /// Takes the id; `false` if it is taken.
    fn claim(&mut self, id: &str) -> bool {
        match &mut self.0 {
            Some(taken) if taken.contains(id) => false,
            Some(taken) => taken.insert(id.to_owned()),
            None => true,
        }
    }
}

/// Hashes what is a hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

fn push_number(out: &mut String, number: usize) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// Arrow counts the bytes of a column in 31 bits.
fn limited(bytes: usize) -> Result<usize> {
    if bytes <= i32::MAX as usize {
        return Ok(bytes);
    }
    Err(Error::argument(
        "copies",
        format!("a column of {bytes} bytes"),
        format!("at most {}", i32::MAX),
    ))
}
