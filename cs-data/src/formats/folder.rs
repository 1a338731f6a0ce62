//! The files of a folder, and their format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::failed;

use super::format::Format;

/// What is in a folder, by name, without what Spark and others leave beside the data.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(failed(folder))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| !name(path).starts_with(['.', '_']));
    paths.sort();
    Ok(paths)
}

/// The last part of a path.
pub(crate) fn name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// The files of `format` in a folder and the folders below it, by name.
pub(crate) fn files(folder: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, &mut found)?;
    found.retain(|path| Format::of_ending(path).is_some_and(|ending| can_hold(ending, format)));
    if found.is_empty() {
        return Err(Error::file(
            folder,
            format!("no file of {format}"),
            "at least one",
        ));
    }
    Ok(found)
}

/// The only format that the endings of a folder's files say; plain `.txt` counts where nothing else
/// is there.
pub(crate) fn format(folder: &Path) -> Result<Option<Format>> {
    let mut found = Vec::new();
    walk(folder, &mut found)?;
    let mut formats = BTreeMap::new();
    for path in &found {
        if let Some(format) = Format::of_ending(path) {
            formats.insert(format.to_string(), (format, is_plain(path)));
        }
    }
    if formats.values().any(|(_, is_plain)| !is_plain) {
        formats.retain(|_, (_, is_plain)| !*is_plain);
    }
    if formats.len() > 1 {
        let names: Vec<String> = formats.into_keys().collect();
        return Err(Error::file(
            folder,
            format!("files of {}", names.join(" and ")),
            "files of one format, or the one to read by --from",
        ));
    }
    Ok(formats.into_values().next().map(|(format, _)| format))
}

fn is_plain(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "txt")
}

/// Whether a file whose ending says `ending` may be one of `format`.
fn can_hold(ending: Format, format: Format) -> bool {
    match format {
        Format::Doccano | Format::LabelStudio => matches!(ending, Format::Json | Format::Jsonl),
        Format::RasaJson => ending == Format::Json,
        Format::Text => ending == Format::Conll,
        _ => ending == format,
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for path in entries(folder)? {
        // A link to a folder may lead back.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, found)?;
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
