//! A column of words of which many repeat.

use std::collections::HashMap;

use arrow::array::{DictionaryArray, Int32Builder, StringArray};
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

    pub(crate) fn finish(mut self) -> Result<DictionaryArray<Int32Type>> {
        let values = StringArray::from_iter_values(&self.names);
        Ok(DictionaryArray::try_new(
            self.keys.finish(),
            std::sync::Arc::new(values),
        )?)
    }
}
