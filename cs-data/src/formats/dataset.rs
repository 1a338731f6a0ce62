//! A whole data set from a file and into one.

use std::path::Path;

use serde_json::Value;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::file;

use super::{Losses, ReadOptions, Reader, WriteOptions, Writer};

impl Dataset {
    /// Reads a file, or a folder for [`Format::Seq`](crate::Format::Seq) and partitioned
    /// [`Format::Parquet`](crate::Format::Parquet), as [`Reader`] does; a [`Reader`] also says
    /// which rows lenient reading left out. Takes up to three times the file's size in memory.
    ///
    /// # Errors
    ///
    /// What cannot be read, with file, line and column: among others invalid UTF-8, NUL
    /// characters, a file without rows, texts above [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES),
    /// missing columns, spans that do not fit their text, tags that start inside, a sentiment
    /// outside 0 to 1.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        Reader::open(path, options)?.read_all()
    }

    /// Writes a file, whole or not at all, and says what its format could not hold.
    ///
    /// # Errors
    ///
    /// As [`Writer`].
    pub fn save(&self, path: &Path, options: &WriteOptions) -> Result<Losses> {
        let mut writer = Writer::create(path, options)?;
        writer.write_all(self)?;
        writer.finish()
    }

    /// Writes the rows as JSON Lines ([`Utterance::to_json`](crate::Utterance::to_json)), whole or
    /// not at all.
    ///
    /// ```
    /// # use cs_data::{Dataset, ReadOptions, Utterance};
    /// # let folder = tempfile::tempdir().unwrap();
    /// let data = Dataset::from_utterances([Utterance::new("1", "你好").with_sentiment(0.75)])?;
    /// let path = folder.path().join("rows.jsonl");
    /// data.write_jsonl(&path)?;
    /// assert_eq!(
    ///     std::fs::read_to_string(&path).unwrap(),
    ///     "{\"id\":\"1\",\"origin\":\"source\",\"sentiment\":0.75,\"text\":\"你好\"}\n"
    /// );
    /// assert_eq!(Dataset::open(&path, &ReadOptions::default())?, data);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn write_jsonl(&self, path: &Path) -> Result<()> {
        file::write_output(path, |out| {
            for row in self.iter() {
                serde_json::to_writer(&mut *out, &Value::Object(row.to_json()))?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }
}
