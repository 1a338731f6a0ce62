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
use crate::log::row::{Comparison, Rating, Record, Row};

/// What was read of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadRows {
    /// The number of turns.
    pub rows: u64,
    /// The bytes that were no whole row at the ends of files, where the disk was full or a sync failed.
    pub torn_bytes: u64,
}

/// How many days before a rating its turn is looked for.
const TOLD_WITHIN: u32 = 7;

/// What was told of turns after them, by their conversation and number. As the name of a conversation may be used again,
/// it is of the last turn of its name and number that is not later.
#[derive(Debug, Default)]
pub(super) struct Later(HashMap<String, HashMap<u32, Told>>);

/// What was told of a name and number, and when its turns were.
#[derive(Debug, Default)]
struct Told {
    ratings: Vec<Rating>,
    comparisons: Vec<Comparison>,
    turns: BTreeSet<u64>,
}

impl Told {
    fn times(&self) -> impl Iterator<Item = u64> {
        let ratings = self.ratings.iter().map(|it| it.time);
        ratings.chain(self.comparisons.iter().map(|it| it.time))
    }

    /// Gives the last of what was told of the turn of this time.
    fn last<'a, T>(&self, turn: u64, told: &'a [T], time: fn(&T) -> u64) -> Option<&'a T> {
        if !self.turns.contains(&turn) {
            return None;
        }
        let next = self.turns.range((Excluded(turn), Unbounded)).next();
        let is_its = |it: &&T| time(it) >= turn && next.is_none_or(|&next| time(it) < next);
        told.iter().filter(is_its).max_by_key(|it| time(it))
    }
}

impl Later {
    fn put(&mut self, record: Record) {
        match record {
            Record::Row(_) => {}
            Record::Rating(mut it) => self.at(&mut it.conversation, it.turn).ratings.push(it),
            Record::Comparison(mut it) => {
                let told = self.at(&mut it.conversation, it.turn);
                told.comparisons.push(it);
            }
        }
    }

    /// What was told of a turn, of which the conversation's name is taken.
    fn at(&mut self, conversation: &mut String, turn: u32) -> &mut Told {
        let turns = self.0.entry(std::mem::take(conversation)).or_default();
        turns.entry(turn).or_default()
    }

    fn get(&self, conversation: &str, turn: u32) -> Option<&Told> {
        self.0.get(conversation)?.get(&turn)
    }

    /// The first day whose turns something may be told of, if any is.
    pub(super) fn first_day(&self) -> Option<Day> {
        let told = self.0.values().flat_map(HashMap::values);
        let first = told.flat_map(Told::times).min()?;
        Some(Day::of(first).before(TOLD_WITHIN))
    }

    /// Takes note of a turn that there is.
    fn meet(&mut self, row: &Row) {
        let turns = self.0.get_mut(&row.conversation);
        if let Some(told) = turns.and_then(|it| it.get_mut(&row.turn)) {
            told.turns.insert(row.time);
        }
    }

    /// Whether a turn is there of which something was told at this time.
    pub(super) fn has_turn(&self, conversation: &str, turn: u32, time: u64) -> bool {
        let told = self.get(conversation, turn);
        told.is_some_and(|it| it.turns.range(..=time).next().is_some())
    }

    /// Gives the row with what was told of it later.
    pub(super) fn join(&self, mut row: Row) -> Row {
        let Some(told) = self.get(&row.conversation, row.turn) else {
            return row;
        };
        let rating = told.last(row.time, &told.ratings, |it| it.time);
        row.satisfied = rating.map(|it| it.satisfied).or(row.satisfied);
        let comparison = told.last(row.time, &told.comparisons, |it| it.time);
        if let Some(comparison) = comparison {
            row.disagreement = Some(comparison.disagreement.clone());
        }
        row
    }
}

impl LogFolder {
    /// Hands each turn to `each`, by day, with what a candidate makes of it otherwise and the last rating that there is of it:
    /// one that came within a week, and before another turn of the same name and number. Rows are read one after the other,
    /// those of days that something may be told of up to three times: of all of them, ratings and comparisons alone are held in
    /// memory.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged; the error of `each`.
    pub fn read<E>(&self, mut each: impl FnMut(Row) -> Result<(), E>) -> Result<ReadRows, LogError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let later = self.later()?;
        let mut read = ReadRows::default();
        for files in self.files() {
            let torn = self.rows_of(&files, &mut |row| {
                read.rows += 1;
                each(later.join(row)).map_err(Into::into)
            })?;
            read.torn_bytes += torn;
        }
        Ok(read)
    }

    /// Gives the ratings and comparisons that no Parquet has, and the times of turns that may be theirs.
    pub(super) fn later(&self) -> Result<Later, LogError> {
        let mut later = Later::default();
        for name in self.files().into_iter().flat_map(|it| it.rows) {
            records(&self.place(name), &mut |record| {
                later.put(record);
                Ok(())
            })?;
        }
        let Some(first) = later.first_day() else {
            return Ok(later);
        };
        for files in self.files().iter().filter(|it| it.day >= first) {
            self.rows_of(files, &mut |row| {
                later.meet(&row);
                Ok(())
            })?;
        }
        Ok(later)
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
                Record::Rating(_) | Record::Comparison(_) => Ok(()),
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
