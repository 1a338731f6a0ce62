//! Days that are over, as Parquet.

use std::collections::HashSet;

use serde::Serialize;

use super::reading::{Ratings, records};
use super::table::{self, TableWriter};
use super::{DayFiles, LogFolder};
use crate::log::day::Day;
use crate::log::error::LogError;
use crate::log::name::{Form, Name};
use crate::log::row::Record;

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

impl LogFolder {
    /// Makes Parquet of each day before `today`, compressed by Snappy, with the last rating of each turn; then its
    /// files of rows go. After a crash in between, the next call goes on. A turn of a day that is Parquet already
    /// gets its rating there, if that came within a week. A day's rows are read one after the other; ratings are held
    /// in memory, and 16,384 rows or 32 MiB.
    ///
    /// # Errors
    /// A file that cannot be read or written, or is damaged: the files of rows stay then that are not in Parquet with all
    /// that they have.
    pub fn to_parquet(&mut self, today: Day) -> Result<Converted, LogError> {
        let ratings = self.ratings()?;
        let files = self.files();
        let is_over = |it: &&DayFiles| it.day < today && !it.rows.is_empty();
        let over: Vec<&DayFiles> = files.iter().filter(is_over).collect();
        let mut converted = Converted {
            ratings_without_turn: self.without_turn(&over, &ratings)?,
            ..Converted::default()
        };
        // First the ratings of other days: once a day is Parquet, what else its files of rows have is not looked for.
        for files in files.iter().filter(|it| !is_over(it)) {
            if let Some(name) = files.parquet {
                converted.rated += self.rate(name, &ratings)?;
            }
        }
        for files in &over {
            self.convert(files, &ratings, &mut converted)?;
        }
        // All that they have is elsewhere now.
        self.remove_superseded()?;
        Ok(converted)
    }

    /// Gives how many turns are rated in the files of some days, and are not there.
    fn without_turn(&self, days: &[&DayFiles], ratings: &Ratings) -> Result<u64, LogError> {
        let mut unmet = HashSet::new();
        for &name in days.iter().flat_map(|it| &it.rows) {
            records(&self.place(name), &mut |record| {
                match record {
                    Record::Rating(it) if !ratings.has_turn(&it) => {
                        unmet.insert((it.conversation, it.turn));
                    }
                    Record::Rating(_) | Record::Row(_) => {}
                }
                Ok(())
            })?;
        }
        Ok(unmet.len() as u64)
    }

    fn convert(
        &mut self,
        files: &DayFiles,
        ratings: &Ratings,
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
            Ok(writer.push(ratings.join(row))?)
        })?;
        writer.finish()?;
        converted.days.push(files.day);
        self.names.push(name);
        self.names.sort_unstable();
        Ok(())
    }

    /// Writes ratings to the turns of a day that is Parquet, and gives how many of them it has.
    fn rate(&self, name: Name, ratings: &Ratings) -> Result<u64, LogError> {
        if ratings.first_day().is_none_or(|first| name.day < first) {
            return Ok(0);
        }
        let path = self.place(name);
        let mut rated = 0;
        table::read(&path, &mut |row| {
            let rating = ratings.of(&row);
            rated += u64::from(rating.is_some() && rating != row.satisfied);
            Ok(())
        })?;
        if rated > 0 {
            table::rewrite(&path, &|row| Some(ratings.join(row)))?;
        }
        Ok(rated)
    }
}
