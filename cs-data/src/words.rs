//! A column of words of which many repeat.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, DictionaryArray, Int32Builder, StringArray};
use arrow::datatypes::Int32Type;

use crate::error::Result;

/// Collects a dictionary column. A word that repeats the one before costs a comparison.
#[derive(Default)]
pub(crate) struct Words {
    keys: Int32Builder,
    names: Vec<Box<str>>,
    index: HashMap<Box<str>, i32>,
    last: i32,
}

impl Words {
    pub(crate) fn push(&mut self, word: Option<&str>) {
        let key = word.map(|word| self.key(word));
        self.keys.append_option(key);
    }

    fn key(&mut self, word: &str) -> i32 {
        if self.names.get(self.last as usize).map(|name| &**name) == Some(word) {
            return self.last;
        }
        self.last = match self.index.get(word) {
            Some(&key) => key,
            None => {
                // Rows, and so words, stay below 2^31: a column has at most that many bytes.
                let key = self.names.len() as i32;
                self.names.push(word.into());
                self.index.insert(word.into(), key);
                key
            }
        };
        self.last
    }

    /// Appends a whole column.
    pub(crate) fn extend(&mut self, column: &DictionaryArray<Int32Type>) {
        let values: &StringArray = column.values().as_string();
        let keys: Vec<i32> = values
            .iter()
            .map(|word| self.key(word.unwrap_or_default()))
            .collect();
        let own = |key: Option<i32>| key.map(|key| keys[key as usize]);
        self.keys.extend(column.keys().iter().map(own));
    }

    pub(crate) fn finish(mut self) -> Result<DictionaryArray<Int32Type>> {
        let values = StringArray::from_iter_values(&self.names);
        Ok(DictionaryArray::try_new(
            self.keys.finish(),
            std::sync::Arc::new(values),
        )?)
    }
}
