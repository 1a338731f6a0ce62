//! The files of a folder, read as one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::failed;

use super::open;
use super::options::{Format, ReadOptions};
use super::row_reader::{Chunk, ChunkReader, no_rows};

/// Rows without an id get their number over all files as one.
pub(crate) struct Union {
    root: PathBuf,
    files: std::vec::IntoIter<PathBuf>,
    format: Format,
    options: ReadOptions,
    current: Option<Box<dyn ChunkReader>>,
    row: usize,
}

impl Union {
    pub(crate) fn new(
        root: &Path,
        files: Vec<PathBuf>,
        format: Format,
        options: &ReadOptions,
    ) -> Self {
        Union {
            root: root.into(),
            files: files.into_iter(),
            format,
            options: options.clone(),
            current: None,
            row: 0,
        }
    }
}

impl ChunkReader for Union {
    fn next_chunk(&mut self) -> Option<Result<Chunk>> {
        loop {
            if let Some(current) = &mut self.current {
                let chunk = current.next_chunk();
                self.row = current.rows();
                if chunk.is_some() {
                    return chunk;
                }
            }
            let path = self.files.next()?;
            match open::file(&path, self.format, &self.options, self.row) {
                Ok(reader) => self.current = Some(reader),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn rows(&self) -> usize {
        self.row
    }

    fn path(&self) -> &Path {
        let current = self.current.as_ref().map(|reader| reader.path());
        current.unwrap_or(&self.root)
    }

    fn no_rows(&self) -> Error {
        no_rows(&self.root)
    }
}

/// The files of `format` in a folder and the folders below it, by name.
pub(crate) fn files(folder: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, &mut found)?;
    found.retain(|path| of_ending(path).is_some_and(|ending| can_hold(ending, format)));
    if found.is_empty() {
        return Err(Error::File {
            path: folder.into(),
            found: format!("no file of {format}"),
            expected: "at least one".into(),
        });
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
        if let Some(format) = of_ending(path) {
            formats.insert(format.to_string(), (format, is_plain(path)));
        }
    }
    if formats.values().any(|(_, is_plain)| !is_plain) {
        formats.retain(|_, (_, is_plain)| !*is_plain);
    }
    if formats.len() > 1 {
        let names: Vec<String> = formats.into_keys().collect();
        return Err(Error::File {
            path: folder.into(),
            found: format!("files of {}", names.join(" and ")),
            expected: "files of one format, or the one to read by --from".into(),
        });
    }
    Ok(formats.into_values().next().map(|(format, _)| format))
}

fn is_plain(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "txt")
}

fn of_ending(path: &Path) -> Option<Format> {
    Format::of(path).ok()
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
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = entries
        .map_err(failed(folder))?
        .iter()
        .map(std::fs::DirEntry::path)
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_hidden = name.starts_with(['.', '_']);
        // A link to a folder may lead back.
        if path.is_dir() && !path.is_symlink() && !is_hidden {
            walk(&path, found)?;
        } else if path.is_file() && !is_hidden {
            found.push(path);
        }
    }
    Ok(())
}
