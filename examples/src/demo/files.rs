//! The demo data as files, as anyone's data would come.

use std::path::Path;

use cs_data::{Dataset, Utterance};

use super::{Corpus, Split};
use crate::error::{Error, Result};
use crate::note;

const TRAIN_ROWS: usize = 6000;
const TEST_ROWS: usize = 2000;
/// Rows shown.
const SAMPLES: usize = 4;

/// Writes `train.jsonl` and `test.jsonl` into `folder`, which is made if need be, tells what is in
/// them, and returns both.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write_demo(folder: &Path, seed: u64) -> Result<(Dataset, Vec<Utterance>)> {
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let corpus = Corpus::embedded()?;
    let train = Dataset::from_utterances(corpus.generate(Split::Train, TRAIN_ROWS, seed))?;
    let test = corpus.generate(Split::Test, TEST_ROWS, seed);
    train.write_jsonl(&folder.join("train.jsonl"))?;
    // As the first release wrote them, so that figures stay comparable: no `spans` where there are none.
    let terse = |row: Utterance| Utterance {
        entity_free: false,
        ..row
    };
    Dataset::from_utterances(test.iter().cloned().map(terse))?
        .write_jsonl(&folder.join("test.jsonl"))?;
    note(format_args!(
        "{TRAIN_ROWS} rows to learn from, {TEST_ROWS} to test on: {} intents, {} kinds of entity",
        train.intents().len(),
        train.slot_labels().len()
    ));
    for row in test.iter().step_by(TEST_ROWS.div_ceil(SAMPLES)) {
        note(format_args!(
            "    {:16} {}",
            row.intent.as_deref().unwrap_or("-"),
            row.text
        ));
    }
    Ok((train, test))
}
