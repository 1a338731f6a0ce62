//! What is there of a customer, removed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};

use cs_data::file::{self, Frames};
use serde::{Deserialize, Serialize};

use super::reading::records;
use super::{LogFolder, remove_file, table};
use crate::log::day::Day;
use crate::log::error::LogError;
use crate::log::name::{Form, Name};
use crate::log::recover::KIND;
use crate::log::row::{Record, Row};

/// The name of the file that says which deletion is going on.
pub(super) const JOURNAL: &str = "deletion.json";

/// What a deletion has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Deleted {
    /// The turns before it.
    pub rows_before: u64,
    /// The turns after it, counted anew.
    pub rows_after: u64,
    /// The turns that were removed.
    pub rows: u64,
    /// The ratings of these that stood by themselves.
    pub ratings: u64,
    /// The comparisons of these that stood by themselves.
    pub comparisons: u64,
    /// The files that were written anew.
    pub files: u64,
}

impl Deleted {
    /// Whether there was nothing of the customer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows + self.ratings + self.comparisons == 0
    }
}

/// A deletion that goes on after a crash.
#[derive(Debug, Serialize, Deserialize)]
struct Deletion {
    /// The customer's tag.
    customer: String,
    /// The conversations that the customer took part in, so that they are known when the first of them have gone.
    conversations: BTreeSet<String>,
}

impl LogFolder {
    /// Gives the tags of the conversations in which a customer's tag occurs. A [`Vault`](crate::safety::personal::Vault)
    /// that keeps their values [forgets](crate::safety::personal::Vault::forget) them by these, which
    /// [`delete`](Self::delete) does not do; before it, so that they are found again after a crash.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn conversations(&self, customer: &str) -> Result<BTreeSet<String>, LogError> {
        let mut conversations = BTreeSet::new();
        self.each_row(&mut |row| {
            if row.customer.as_deref() == Some(customer) {
                conversations.insert(row.conversation);
            }
        })?;
        Ok(conversations)
    }

    /// Gives the tags of the conversations all of whose turns are of days before `first`, which [`retain`](Self::retain) removes.
    /// A [`Vault`](crate::safety::personal::Vault) that keeps their values
    /// [forgets](crate::safety::personal::Vault::forget) them by these, which `retain` does not do; before it, so that they
    /// are found again after a crash.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn conversations_before(&self, first: Day) -> Result<BTreeSet<String>, LogError> {
        let (mut before, mut since) = (BTreeSet::new(), BTreeSet::new());
        for files in self.files() {
            let conversations = if files.day < first {
                &mut before
            } else {
                &mut since
            };
            self.rows_of(&files, &mut |row| {
                conversations.insert(row.conversation);
                Ok(())
            })?;
        }
        before.retain(|it| !since.contains(it));
        Ok(before)
    }

    /// Removes what is there of a customer, by the tag that stands for them: see
    /// [`Masker::customer`](crate::safety::personal::Masker::customer). These are the rows that have the tag, and of
    /// the conversations in which it occurs also the ratings, the comparisons and the rows without any customer. Files are replaced one
    /// by one, without torn ends, which may be of the customer; after a crash, the next [`open`](Self::open) goes on with
    /// it. It reads the log three times, then what it has written, to see that none is left. What a
    /// [`Log`](crate::log::Log) has written since the folder was opened is not looked at.
    ///
    /// # Errors
    /// A file that cannot be read or written, or is damaged: the deletion is then not done, and goes on at the next
    /// [`open`](Self::open).
    pub fn delete(&mut self, customer: &str) -> Result<Deleted, LogError> {
        let deletion = Deletion {
            customer: customer.to_owned(),
            conversations: self.conversations(customer)?,
        };
        let mut rows_before = 0;
        self.each_row(&mut |_| rows_before += 1)?;
        let journal = self.path.join(JOURNAL);
        let written = file::write(&journal, |out| Ok(serde_json::to_writer(out, &deletion)?));
        written.map_err(LogError::io(&journal))?;
        let deleted = self.run(&deletion)?;
        Ok(Deleted {
            rows_before,
            ..deleted
        })
    }

    /// Goes on with a deletion that a crash has interrupted.
    pub(super) fn finish_deletion(&mut self) -> Result<(), LogError> {
        let journal = self.path.join(JOURNAL);
        let bytes = match fs::read(&journal) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            read => read.map_err(LogError::io(&journal))?,
        };
        let deletion: Deletion =
            serde_json::from_slice(&bytes).map_err(|error| LogError::io(&journal)(error.into()))?;
        let deleted = self.run(&deletion)?;
        let (rows, files) = (deleted.rows, deleted.files);
        tracing::warn!(
            rows,
            files,
            "a deletion that was interrupted has been finished"
        );
        Ok(())
    }

    fn run(&mut self, deletion: &Deletion) -> Result<Deleted, LogError> {
        let mut deleted = Deleted::default();
        for name in self.names.clone() {
            let from_file = match name.form {
                Form::Rows => self.delete_rows(name, deletion)?,
                Form::Parquet => self.delete_parquet(name, deletion)?,
            };
            deleted.rows += from_file.rows;
            deleted.ratings += from_file.ratings;
            deleted.comparisons += from_file.comparisons;
            deleted.files += u64::from(!from_file.is_empty());
        }
        let mut left = 0_u64;
        self.each_row(&mut |row| {
            deleted.rows_after += 1;
            left += u64::from(deletion.takes(&row));
        })?;
        if left > 0 {
            let message = format!("{left} rows of the customer are still there");
            return Err(LogError::io(&self.path)(io::Error::other(message)));
        }
        remove_file(&self.path.join(JOURNAL))?;
        file::sync(&self.path).map_err(LogError::io(&self.path))?;
        Ok(deleted)
    }

    /// Gives what was deleted of a file.
    fn delete_rows(&self, name: Name, deletion: &Deletion) -> Result<Deleted, LogError> {
        let path = self.place(name);
        let mut deleted = Deleted::default();
        let torn = records(&path, &mut |record| {
            let goes = u64::from(deletion.takes_record(&record));
            let count = match record {
                Record::Row(_) => &mut deleted.rows,
                Record::Rating(_) => &mut deleted.ratings,
                Record::Comparison(_) => &mut deleted.comparisons,
            };
            *count += goes;
            Ok(())
        })?;
        // What is torn may be of the customer.
        if deleted.is_empty() && torn.is_none() {
            return Ok(deleted);
        }
        let mut failed = None;
        let written = Frames::replace(&path, KIND, |put| {
            let copied = records(&path, &mut |record| match deletion.takes_record(&record) {
                false => Ok(put(&serde_json::to_vec(&record)?)?),
                true => Ok(()),
            });
            copied.map(drop).map_err(|error| {
                failed = Some(error);
                io::Error::other("the file that is copied")
            })
        });
        match (failed, written) {
            (Some(error), _) => Err(error),
            (None, written) => written.map(|()| deleted).map_err(LogError::io(&path)),
        }
    }

    fn delete_parquet(&self, name: Name, deletion: &Deletion) -> Result<Deleted, LogError> {
        let path = self.place(name);
        let mut rows = 0;
        table::read(&path, &mut |row| {
            rows += u64::from(deletion.takes(&row));
            Ok(())
        })?;
        if rows > 0 {
            let stays = |row: Row| (!deletion.takes(&row)).then_some(row);
            table::rewrite(&path, &stays)?;
        }
        Ok(Deleted {
            rows,
            ..Deleted::default()
        })
    }

    fn each_row(&self, each: &mut dyn FnMut(Row)) -> Result<(), LogError> {
        for files in self.files() {
            self.rows_of(&files, &mut |row| {
                each(row);
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Deletion {
    fn has(&self, conversation: &str) -> bool {
        self.conversations.contains(conversation)
    }

    fn takes_record(&self, record: &Record) -> bool {
        match record {
            Record::Row(row) => self.takes(row),
            Record::Rating(it) => self.has(&it.conversation),
            Record::Comparison(it) => self.has(&it.conversation),
        }
    }

    fn takes(&self, row: &Row) -> bool {
        match &row.customer {
            Some(customer) => *customer == self.customer,
            None => self.has(&row.conversation),
        }
    }
}
