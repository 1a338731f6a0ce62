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
