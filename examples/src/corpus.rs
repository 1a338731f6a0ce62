//! Texts without labels, of labelled files too.

use std::path::Path;

use cs_data::{Dataset, Format};

use crate::cli::DataArgs;
use crate::error::{Error, Result};
use crate::input::Texts;
use crate::run::note;

/// The texts of a labelled file or folder, or the lines of any other file. One that ends in `.txt` is
/// read as lines if it is not CoNLL.
///
/// # Errors
///
/// A file that cannot be read, or has no text.
pub fn corpus_texts(path: &Path, format: &DataArgs) -> Result<Vec<String>> {
    let texts = match rows(path, format)? {
        Some(data) => data.iter().map(|row| row.text).collect(),
        None => {
            let lines = Texts::open(Some(path))?.collect::<Result<Vec<String>>>()?;
            let lines_read = lines.len();
            note(format_args!(
                "{}: {lines_read} texts, one a line",
                path.display()
            ));
            lines
        }
    };
    if texts.is_empty() {
        return Err(Error::Unfit {
            path: path.to_owned(),
            found: "no text".to_owned(),
            expected: "a text a line, or labelled rows",
        });
    }
    Ok(texts)
}

/// The rows of a labelled file; `None` for one that is not.
fn rows(path: &Path, format: &DataArgs) -> Result<Option<Dataset>> {
    let ending = path.extension().unwrap_or_default();
    if format.format.is_some() || path.is_dir() {
        return format.open(path).map(Some);
    }
    match Format::of(path) {
        Ok(_) if ending.eq_ignore_ascii_case("txt") => Ok(format.open(path).ok()),
        Ok(_) => format.open(path).map(Some),
        Err(_) => Ok(None),
    }
}
