//! Columns of which many rows repeat the one before.

use arrow::array::{ArrowPrimitiveType, DictionaryArray, PrimitiveArray, StringArray};
use arrow::array::{PrimitiveBuilder, StringBuilder, StringDictionaryBuilder};
use arrow::datatypes::Int32Type;

use crate::error::Result;

/// Collects a dictionary column. A word that repeats the one before costs a comparison.
#[derive(Default)]
pub(crate) struct RepeatedColumn {
    column: StringDictionaryBuilder<Int32Type>,
    last: String,
    /// How often `last`, and a null after it, wait to be added.
    repeats: usize,
    nulls: usize,
}

impl RepeatedColumn {
    pub(crate) fn push(&mut self, word: Option<&str>) -> Result<()> {
        match word {
            None => self.nulls += 1,
            Some(word) if self.repeats > 0 && self.nulls == 0 && self.last == word => {
                self.repeats += 1;
            }
            Some(word) => {
                self.flush()?;
                self.last.clear();
                self.last.push_str(word);
                self.repeats = 1;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.repeats > 0 {
            self.column.append_n(&self.last, self.repeats)?;
        }
        self.column.append_nulls(self.nulls);
        (self.repeats, self.nulls) = (0, 0);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<DictionaryArray<Int32Type>> {
        self.flush()?;
        Ok(self.column.finish())
    }
}

/// Collects a column of which most rows are null; these cost an addition.
#[derive(Default)]
pub(crate) struct SparseColumn<B> {
    column: B,
    /// How many nulls wait to be added.
    nulls: usize,
}

impl SparseColumn<StringBuilder> {
    pub(crate) fn push(&mut self, value: Option<&str>) {
        match value {
            None => self.nulls += 1,
            Some(value) => {
                self.column.append_nulls(std::mem::take(&mut self.nulls));
                self.column.append_value(value);
            }
        }
    }

    pub(crate) fn finish(mut self) -> StringArray {
        self.column.append_nulls(self.nulls);
        self.column.finish()
    }
}

impl<T: ArrowPrimitiveType> SparseColumn<PrimitiveBuilder<T>> {
    pub(crate) fn push(&mut self, value: Option<T::Native>) {
        match value {
            None => self.nulls += 1,
            Some(value) => {
                self.column.append_nulls(std::mem::take(&mut self.nulls));
                self.column.append_value(value);
            }
        }
    }

    pub(crate) fn finish(mut self) -> PrimitiveArray<T> {
        self.column.append_nulls(self.nulls);
        self.column.finish()
    }
}
