//! Rows of a folder, with their ratings.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::ops::Bound::{Excluded, Unbounded};
use std::path::Path;

use cs_data::file::{Frames, Torn};

use super::{DayFiles, LogFolder, table};
use crate::log::day::Day;
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

/// How many days before a rating its turn is looked for.
const RATED_WITHIN: u32 = 7;

/// Ratings, by the conversation and number of their turns. As the name of a conversation may be used again, a rating is
/// that of the last turn of its name and number that is not later.
#[derive(Debug, Default)]
pub(super) struct Ratings(HashMap<String, HashMap<u32, Rated>>);

/// The ratings of a name and number, and when its turns were.
#[derive(Debug, Default)]
struct Rated {
    ratings: Vec<Rating>,
    turns: BTreeSet<u64>,
}

impl Ratings {
    pub(super) fn put(&mut self, mut rating: Rating) {
        let conversation = std::mem::take(&mut rating.conversation);
        let rated = self.0.entry(conversation).or_default();
        rated.entry(rating.turn).or_default().ratings.push(rating);
    }

    /// The first day whose turns may be rated, if any is.
    pub(super) fn first_day(&self) -> Option<Day> {
        let rated = self.0.values().flat_map(HashMap::values);
        let first = rated.flat_map(|it| &it.ratings).map(|it| it.time).min()?;
        Some(Day::of(first).before(RATED_WITHIN))
    }

    /// Takes note of a turn that there is.
    fn meet(&mut self, row: &Row) {
        let turns = self.0.get_mut(&row.conversation);
        if let Some(rated) = turns.and_then(|it| it.get_mut(&row.turn)) {
            rated.turns.insert(row.time);
        }
    }

    /// Whether the turn of a rating is there.
    pub(super) fn has_turn(&self, rating: &Rating) -> bool {
        let turns = self.0.get(&rating.conversation);
        let rated = turns.and_then(|it| it.get(&rating.turn));
        rated.is_some_and(|it| it.turns.range(..=rating.time).next().is_some())
    }

    /// Gives the last rating of a turn.
    pub(super) fn of(&self, row: &Row) -> Option<f32> {
        let rated = self.0.get(&row.conversation)?.get(&row.turn)?;
        if !rated.turns.contains(&row.time) {
            return None;
        }
        let next = rated.turns.range((Excluded(row.time), Unbounded)).next();
        let is_its = |it: &&Rating| it.time >= row.time && next.is_none_or(|&next| it.time < next);
        let last = rated.ratings.iter().filter(is_its).max_by_key(|it| it.time);
        last.map(|it| it.satisfied)
    }

    /// Gives the row with what it was rated later.
    pub(super) fn join(&self, row: Row) -> Row {
        let satisfied = self.of(&row).or(row.satisfied);
        Row { satisfied, ..row }
    }
}

impl LogFolder {
    /// Hands each turn to `each`, by day, with the last rating that there is of it: one that came within a week, and before
    /// another turn of the same name and number. Rows are read one after the other, those of days that may be rated up to
    /// three times: of all of them, ratings alone are held in memory.
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

    /// Gives the ratings that no Parquet has, and the times of turns that may be theirs.
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
        let Some(first) = ratings.first_day() else {
            return Ok(ratings);
        };
        for files in self.files().iter().filter(|it| it.day >= first) {
            self.rows_of(files, &mut |row| {
                ratings.meet(&row);
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
