//! The demo data as files, as anyone's data would come.

use std::collections::HashSet;
use std::path::Path;

use cs_data::{Dataset, Utterance};

use super::{Corpus, Split};
use crate::error::{Error, Result};
use crate::note;

const TRAIN_ROWS: usize = 6000;
const VALIDATION_ROWS: usize = 600;
const TEST_ROWS: usize = 2000;
/// Rows out of scope, one for so many others.
const FOREIGN: usize = 10;
/// Rows shown.
const SAMPLES: usize = 4;

/// The rows of the demo.
#[derive(Debug, Clone)]
pub struct Demo {
    /// To learn from, some of them out of scope.
    pub train: Dataset,
    /// To choose by: other rows of the same wording.
    pub validation: Dataset,
    /// To test on: wording and names of their own.
    pub test: Vec<Utterance>,
    /// Rows out of scope, to test on.
    pub out_of_scope: Vec<Utterance>,
}

impl Demo {
    /// Makes the rows: they are a function of the seed.
    ///
    /// # Errors
    ///
    /// A table that cannot be read, which tests rule out.
    pub fn new(seed: u64) -> Result<Self> {
        let corpus = Corpus::embedded()?;
        let learned = TRAIN_ROWS + VALIDATION_ROWS;
        let mut train = corpus.generate(Split::Train, learned, seed);
        let mut foreign = corpus.generate_out_of_scope(Split::Train, learned / FOREIGN, seed);
        let mut validation = train.split_off(TRAIN_ROWS);
        validation.extend(foreign.split_off(TRAIN_ROWS / FOREIGN));
        train.extend(foreign);
        let known: HashSet<&str> = train.iter().map(|row| row.text.as_str()).collect();
        validation.retain(|row| !known.contains(row.text.as_str()));
        Ok(Self {
            train: Dataset::from_utterances(train)?,
            validation: Dataset::from_utterances(validation)?,
            test: corpus.generate(Split::Test, TEST_ROWS, seed),
            out_of_scope: corpus.generate_out_of_scope(Split::Test, TEST_ROWS / FOREIGN, seed),
        })
    }

    /// Writes `train.jsonl`, `validation.jsonl`, `test.jsonl` and `out_of_scope.jsonl` into
    /// `folder`, which is made if need be, and tells what is in them.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let write = |rows: &Dataset, name: &str| rows.write_jsonl(&folder.join(name));
        // As the first release wrote them, so that figures stay comparable: no `spans` where there
        // are none.
        let terse = |row: Utterance| Utterance {
            entity_free: false,
            ..row
        };
        let held_out =
            |rows: &[Utterance]| Dataset::from_utterances(rows.iter().cloned().map(terse));
        write(&self.train, "train.jsonl")?;
        write(&self.validation, "validation.jsonl")?;
        write(&held_out(&self.test)?, "test.jsonl")?;
        write(&held_out(&self.out_of_scope)?, "out_of_scope.jsonl")?;
        note(format_args!(
            "{} rows to learn from, {} to choose by, {} to test on, {} more out of scope: {} intents, {} kinds of \
             entity",
            self.train.len(),
            self.validation.len(),
            self.test.len(),
            self.out_of_scope.len(),
            self.train.intents().len() - 1,
            self.train.slot_labels().len(),
        ));
        for row in self.test.iter().step_by(TEST_ROWS.div_ceil(SAMPLES)) {
            let intent = row.intent.as_deref().unwrap_or("-");
            note(format_args!("    {intent:16} {}", row.text));
        }
        Ok(())
    }
}
