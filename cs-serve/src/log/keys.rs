//! Which keys the tags of a log are by.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use cs_data::file;
use serde::{Deserialize, Serialize};

use super::error::LogError;
use crate::safety::personal::Masker;

/// The name of the file that says it.
pub(super) const KEYS: &str = "keys.json";

/// Whose tags are in it: what nobody is called.
const NOBODY: &str = "\0log";

/// What two of the keys make of a name, which tells nothing of them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tags {
    conversation: String,
    customer: String,
}

impl Tags {
    fn by(masker: &Masker) -> Self {
        Self {
            conversation: masker.conversation(NOBODY).into_inner(),
            customer: masker.customer(NOBODY).into_inner(),
        }
    }
}

/// Makes sure that a log is by these keys, or begins it with them.
pub(super) fn begin(folder: &Path, masker: &Masker) -> Result<(), LogError> {
    if check(folder, masker)? {
        return Ok(());
    }
    let path = folder.join(KEYS);
    let tags = Tags::by(masker);
    let written = file::write(&path, |out| Ok(serde_json::to_writer(out, &tags)?));
    written.map_err(LogError::io(&path))
}

/// Makes sure that a log is not by other keys. False if it does not say by which it is.
pub(super) fn check(folder: &Path, masker: &Masker) -> Result<bool, LogError> {
    let path = folder.join(KEYS);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        read => read.map_err(LogError::io(&path))?,
    };
    let tags: Tags =
        serde_json::from_slice(&bytes).map_err(|error| LogError::io(&path)(error.into()))?;
    match tags == Tags::by(masker) {
        true => Ok(true),
        false => Err(LogError::Keys { path }),
    }
}
