//! Days that are over, as Parquet.

use std::collections::HashSet;

use serde::Serialize;

use super::reading::{Later, records};
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
    /// The turns of earlier days that are known since to be understood otherwise by a candidate.
    pub compared: u64,
    /// The ratings whose turn is not there, which are lost.
    pub ratings_without_turn: u64,
    /// The comparisons whose turn is not there, which are lost.
    pub comparisons_without_turn: u64,
    /// The bytes at the ends of files that were no whole row, which are lost.
    pub torn_bytes: u64,
}

impl LogFolder {
    /// Makes Parquet of each day before `today`, compressed by Snappy, with the last rating of each turn and what a candidate
    /// makes of it otherwise; then its files of rows go. After a crash in between, the next call goes on. A turn of a day that is
    /// Parquet already gets them there, a rating if it came within a week. A day's rows are read one after the other; ratings
    /// and comparisons are held in memory, and 16,384 rows or 32 MiB.
    ///
    /// # Errors
    /// A file that cannot be read or written, or is damaged: the files of rows stay then that are not in Parquet with all
    /// that they have.
    pub fn to_parquet(&mut self, today: Day) -> Result<Converted, LogError> {
        let later = self.later()?;
        let files = self.files();
        let is_over = |it: &&DayFiles| it.day < today && !it.rows.is_empty();
        let over: Vec<&DayFiles> = files.iter().filter(is_over).collect();
        let mut converted = Converted::default();
        self.count_without_turn(&over, &later, &mut converted)?;
        // First what was told of other days: once a day is Parquet, what else its files of rows have is not looked for.
        for files in files.iter().filter(|it| !is_over(it)) {
            if let Some(name) = files.parquet {
                self.add_later(name, &later, &mut converted)?;
            }
        }
        for files in &over {
            self.convert(files, &later, &mut converted)?;
        }
        // All that they have is elsewhere now.
        self.remove_superseded()?;
        Ok(converted)
    }

    /// Counts the turns of which something is told in the files of some days, and which are not there.
    fn count_without_turn(
        &self,
        days: &[&DayFiles],
        later: &Later,
        converted: &mut Converted,
    ) -> Result<(), LogError> {
        let (mut rated, mut compared) = (HashSet::new(), HashSet::new());
        for &name in days.iter().flat_map(|it| &it.rows) {
            records(&self.place(name), &mut |record| {
                let (unmet, conversation, turn, time) = match record {
                    Record::Row(_) => return Ok(()),
                    Record::Rating(it) => (&mut rated, it.conversation, it.turn, it.time),
                    Record::Comparison(it) => (&mut compared, it.conversation, it.turn, it.time),
                };
                if !later.has_turn(&conversation, turn, time) {
                    unmet.insert((conversation, turn));
                }
                Ok(())
            })?;
        }
        converted.ratings_without_turn = rated.len() as u64;
        converted.comparisons_without_turn = compared.len() as u64;
        Ok(())
    }

    fn convert(
        &mut self,
        files: &DayFiles,
        later: &Later,
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
            Ok(writer.push(later.join(row))?)
        })?;
        writer.finish()?;
        converted.days.push(files.day);
        self.names.push(name);
        self.names.sort_unstable();
        Ok(())
    }

    /// Writes what was told later to the turns of a day that is Parquet.
    fn add_later(
        &self,
        name: Name,
        later: &Later,
        converted: &mut Converted,
    ) -> Result<(), LogError> {
        if later.first_day().is_none_or(|first| name.day < first) {
            return Ok(());
        }
        let path = self.place(name);
        let (mut rated, mut compared) = (0, 0);
        table::read(&path, &mut |row| {
            let joined = later.join(row.clone());
            rated += u64::from(joined.satisfied != row.satisfied);
            compared += u64::from(joined.disagreement != row.disagreement);
            Ok(())
        })?;
        if rated + compared > 0 {
            table::rewrite(&path, &|row| Some(later.join(row)))?;
        }
        converted.rated += rated;
        converted.compared += compared;
        Ok(())
    }
}
