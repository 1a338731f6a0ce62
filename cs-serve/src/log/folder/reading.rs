//! Rows of a folder, with their ratings.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use cs_data::file::{Frames, Torn};

use super::{DayFiles, LogFolder, table};
use crate::log::error::LogError;
use crate::log::recover::KIND;
use crate::log::row::{Rating, Record, Row};

/// What was read of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadRows {
    /// The number of turns.
    pub rows: u64,
    /// The bytes that were no whole row at the ends of files, where the disk was full or a sync failed.
    pub torn_bytes: u64,
}

/// The last rating of each turn that was rated, by conversation and number.
#[derive(Debug, Default)]
pub(super) struct Ratings(HashMap<String, HashMap<u32, (u64, f32)>>);

impl Ratings {
    pub(super) fn put(&mut self, rating: Rating) {
        let turns = self.0.entry(rating.conversation).or_default();
        let (time, satisfied) = turns.entry(rating.turn).or_insert((0, 0.0));
        if rating.time >= *time {
            (*time, *satisfied) = (rating.time, rating.satisfied);
        }
    }

    pub(super) fn of(&self, row: &Row) -> Option<f32> {
        let rating = self.0.get(&row.conversation)?.get(&row.turn)?;
        Some(rating.1)
    }

    /// Gives the row with what it was rated later.
    pub(super) fn join(&self, row: Row) -> Row {
        let satisfied = self.of(&row).or(row.satisfied);
        Row { satisfied, ..row }
    }
}

impl LogFolder {
    /// Hands each turn to `each`, by day, with the last rating that there is of it. Rows are read one after the
    /// other, twice: of all of them, ratings alone are held in memory.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged; the error of `each`.
    pub fn read<E>(&self, mut each: impl FnMut(Row) -> Result<(), E>) -> Result<ReadRows, LogError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let ratings = self.ratings()?;
        let mut read = ReadRows::default();
        for files in self.files() {
            let torn = self.rows_of(&files, &mut |row| {
                read.rows += 1;
                each(ratings.join(row)).map_err(Into::into)
            })?;
            read.torn_bytes += torn;
        }
        Ok(read)
    }

    /// Gives the ratings that no Parquet has.
    pub(super) fn ratings(&self) -> Result<Ratings, LogError> {
        let mut ratings = Ratings::default();
        for name in self.files().into_iter().flat_map(|it| it.rows) {
            records(&self.place(name), &mut |record| {
                if let Record::Rating(rating) = record {
                    ratings.put(rating);
                }
                Ok(())
            })?;
        }
        Ok(ratings)
    }

    /// Hands on the rows of a day's files as they are there, and gives the bytes of torn ends.
    pub(super) fn rows_of(
        &self,
        files: &DayFiles,
        each: &mut EachRow<'_>,
    ) -> Result<u64, LogError> {
        if let Some(name) = files.parquet {
            table::read(&self.place(name), each)?;
        }
        let mut torn_bytes = 0;
        for &name in &files.rows {
            let torn = records(&self.place(name), &mut |record| match record {
                Record::Row(row) => each(row),
                Record::Rating(_) => Ok(()),
            })?;
            torn_bytes += torn.map_or(0, |it| it.bytes);
        }
        Ok(torn_bytes)
    }
}

/// What takes a row.
pub(super) type EachRow<'a> = dyn FnMut(Row) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Hands on what a file of rows has.
pub(super) fn records(
    path: &Path,
    each: &mut dyn FnMut(Record) -> Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Option<Torn>, LogError> {
    let torn = Frames::read(path, KIND, |_, bytes| each(serde_json::from_slice(bytes)?))?;
    Ok(torn)
}
