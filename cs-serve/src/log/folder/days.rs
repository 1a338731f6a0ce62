//! Days that are over, as Parquet.

use std::collections::HashSet;

use serde::Serialize;

use super::reading::{Ratings, records};
use super::table::{self, TableWriter};
use super::{DayFiles, LogFolder};
use crate::log::day::Day;
use crate::log::error::LogError;
use crate::log::name::{Form, Name};
use crate::log::row::{Record, Row};

/// How many days before its own a rating's turn is looked for, where its own day does not have it.
const RATED_WITHIN: u32 = 7;

/// What was made of days that are over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Converted {
    /// The days that became Parquet, or whose Parquet was written anew as rows of it came later.
    pub days: Vec<Day>,
    /// The turns of these days.
    pub rows: u64,
    /// The turns of earlier days that were rated since.
    pub rated: u64,
    /// The ratings whose turn is not there, which are lost.
    pub ratings_without_turn: u64,
    /// The bytes at the ends of files that were no whole row, which are lost.
    pub torn_bytes: u64,
}

/// The turns whose ratings are in files that will go, and which were not met so far.
type Unmet = HashSet<(String, u32)>;

impl LogFolder {
    /// Makes Parquet of each day before `today`, compressed by Snappy, with the last rating of each turn; then its
    /// files of rows go. After a crash in between, the next call goes on. A turn of a day that is Parquet already
    /// gets its rating there, if that came within a week. A day's rows are read one after the other; ratings are held
    /// in memory, and 16,384 rows or 32 MiB.
    ///
    /// # Errors
    /// A file that cannot be read or written, or is damaged: the files of rows stay then.
    pub fn to_parquet(&mut self, today: Day) -> Result<Converted, LogError> {
        let ratings = self.ratings()?;
        let files = self.files();
        let over = |it: &&DayFiles| it.day < today && !it.rows.is_empty();
        let over: Vec<&DayFiles> = files.iter().filter(over).collect();
        let mut unmet = self.rated_in(&over)?;
        let mut converted = Converted::default();
        for files in &over {
            self.convert(files, (&ratings, &mut unmet), &mut converted)?;
        }
        let first = over.first().map_or(today, |it| it.day).before(RATED_WITHIN);
        let is_over = |day| over.iter().any(|it| it.day == day);
        for files in files
            .iter()
            .filter(|it| it.day >= first && !is_over(it.day))
        {
            if let Some(name) = files.parquet {
                converted.rated += self.rate(name, (&ratings, &mut unmet))?;
            }
        }
        converted.ratings_without_turn = unmet.len() as u64;
        // All that they have is elsewhere now.
        self.remove_superseded()?;
        Ok(converted)
    }

    /// Gives the turns that are rated in the files of some days.
    fn rated_in(&self, days: &[&DayFiles]) -> Result<Unmet, LogError> {
        let mut rated = Unmet::new();
        for &name in days.iter().flat_map(|it| &it.rows) {
            records(&self.place(name), &mut |record| {
                if let Record::Rating(it) = record {
                    rated.insert((it.conversation, it.turn));
                }
                Ok(())
            })?;
        }
        Ok(rated)
    }

    fn convert(
        &mut self,
        files: &DayFiles,
        (ratings, unmet): (&Ratings, &mut Unmet),
        converted: &mut Converted,
    ) -> Result<(), LogError> {
        let Some(last) = files.rows.last() else {
            return Ok(());
        };
        let name = Name {
            form: Form::Parquet,
            ..*last
        };
        let mut writer = TableWriter::create(&self.place(name))?;
        converted.torn_bytes += self.rows_of(files, &mut |row| {
            converted.rows += 1;
            meet(unmet, &row);
            Ok(writer.push(ratings.join(row))?)
        })?;
        writer.finish()?;
        converted.days.push(files.day);
        self.names.push(name);
        self.names.sort_unstable();
        Ok(())
    }

    /// Writes ratings to the turns of a day that is Parquet, and gives how many of them it has.
    fn rate(&self, name: Name, (ratings, unmet): (&Ratings, &mut Unmet)) -> Result<u64, LogError> {
        let path = self.place(name);
        let mut rated = 0;
        table::read(&path, &mut |row| {
            let rating = ratings.of(&row);
            rated += u64::from(rating.is_some() && rating != row.satisfied);
            meet(unmet, &row);
            Ok(())
        })?;
        if rated > 0 {
            table::rewrite(&path, &|row| Some(ratings.join(row)))?;
        }
        Ok(rated)
    }
}

fn meet(unmet: &mut Unmet, row: &Row) {
    if !unmet.is_empty() {
        unmet.remove(&(row.conversation.clone(), row.turn));
    }
}
