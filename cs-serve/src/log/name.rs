//! Names of a log's files.

use std::fs;
use std::path::Path;

use super::day::Day;
use super::error::LogError;

/// How the rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Frames, which grow.
    Rows,
    /// A day's Parquet.
    Parquet,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Parquet => "parquet",
        }
    }
}

/// The greatest number of a file. A greater one, from which one could not go on, is none of ours.
const MAX_NUMBER: u64 = 1_000_000_000_000;

/// A file of a log, as `2026-11-29.000017.rows`. Files are numbered as they are begun, over all days. A day's
/// Parquet has the number of the last file of rows that is in it: of that day, what has no greater one is in it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) day: Day,
    pub(super) number: u64,
    pub(super) form: Form,
}

impl Name {
    pub(super) fn file(self) -> String {
        format!("{}.{:06}.{}", self.day, self.number, self.form.ending())
    }

    pub(super) fn of(file: &str) -> Option<Self> {
        let mut parts = file.split('.');
        let (day, number, ending) = (parts.next()?, parts.next()?, parts.next()?);
        let forms = [Form::Rows, Form::Parquet];
        let name = Self {
            day: day.parse().ok()?,
            number: number.parse().ok().filter(|&it| it <= MAX_NUMBER)?,
            form: forms.into_iter().find(|it| it.ending() == ending)?,
        };
        (name.file() == file).then_some(name)
    }
}

/// Gives the files of a folder that are a log's, by day and number. Others are left alone.
pub(super) fn list(folder: &Path) -> Result<Vec<Name>, LogError> {
    let io = |source| LogError::io(folder)(source);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let file = entry.map_err(io)?.file_name();
        names.extend(file.to_str().and_then(Name::of));
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_day_number_and_form() {
        let name = Name {
            day: Day::of(0),
            number: 17,
            form: Form::Rows,
        };
        assert_eq!(name.file(), "1970-01-01.000017.rows");
        assert_eq!(Name::of("1970-01-01.000017.rows"), Some(name));
        assert_eq!(
            Name::of("1970-01-01.1234567.parquet").unwrap().number,
            1_234_567
        );
        for other in [
            "1970-01-01.17.rows",
            "1970-01-01.000017.rows.bak",
            "1970-01-01.0000017.rows",
            "1970-01-01.18446744073709551615.rows",
            "notes.txt",
            "",
        ] {
            assert_eq!(Name::of(other), None, "{other}");
        }
    }
}
