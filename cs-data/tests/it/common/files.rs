//! Data sets, and files in a folder of their own: written, read, and what is said of them.

use std::path::{Path, PathBuf};

use cs_data::*;
use tempfile::TempDir;

/// A file of these bytes, with the folders in its name.
pub(crate) fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn plain() -> ReadOptions {
    ReadOptions::default()
}

pub(crate) fn lenient() -> ReadOptions {
    ReadOptions {
        lenient: true,
        ..plain()
    }
}

/// A data set of a file, read strictly.
pub(crate) fn open(path: &Path) -> Result<Dataset> {
    Dataset::open(path, &ReadOptions::default())
}

/// A data set of these bytes in a file of this name.
pub(crate) fn opened(name: &str, bytes: impl AsRef<[u8]>) -> Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    open(&write(&folder, name, bytes))
}

/// The rows of these bytes in a file of this name.
pub(crate) fn read_as(
    name: &str,
    bytes: impl AsRef<[u8]>,
    options: &ReadOptions,
) -> Result<Vec<Utterance>> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, name, bytes);
    Ok(Dataset::open(&path, options)?.iter().collect())
}

/// What is said of rows in a file of this name, from line and column on.
pub(crate) fn place_of(name: &str, read: Result<Vec<Utterance>>) -> String {
    let message = read.unwrap_err().to_string();
    message
        .split_once(&format!("{name}:"))
        .unwrap()
        .1
        .to_owned()
}

/// The text of a file with these rows, and what it does not hold.
pub(crate) fn saved(rows: &[Utterance], format: Format) -> Result<(String, Losses)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let options = WriteOptions {
        format: Some(format),
        ..WriteOptions::default()
    };
    let lost = Dataset::from_utterances(rows.iter().cloned())?.save(&path, &options)?;
    Ok((std::fs::read_to_string(&path).unwrap(), lost))
}

/// The error of a file, without the folder.
pub(crate) fn message(result: Result<Dataset>, folder: &TempDir) -> String {
    let prefix = format!("{}/", folder.path().display());
    result.unwrap_err().to_string().replace(&prefix, "")
}

/// What is said of these bytes in a file of this name, without its folder.
pub(crate) fn failure(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    message(open(&write(&folder, name, bytes)), &folder)
}

pub(crate) fn rows_of(path: &Path, options: &ReadOptions) -> Vec<Utterance> {
    Dataset::open(path, options).unwrap().iter().collect()
}

/// Rows of these intents, so many of each.
pub(crate) fn rows_of_classes(classes: &[(&str, usize)]) -> Vec<Utterance> {
    let ids = 0..;
    let labels = classes
        .iter()
        .flat_map(|&(label, count)| std::iter::repeat_n(label, count));
    ids.zip(labels)
        .map(|(id, label)| Utterance::new(id.to_string(), format!("text {id}")).with_intent(label))
        .collect()
}
