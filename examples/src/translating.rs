//! What translates lines: a model's folder, or a command.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cs_data::augment::{LineProcess, Translator};
use cs_model::Translation;
use cs_quant::{NativeSeq2SeqLm, RuntimeConfig};

use crate::error::Result;
use crate::run::note;

/// What translates lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Translating<'a> {
    /// The folder of a Marian model.
    Folder(&'a Path),
    /// A shell command.
    Command(&'a str),
}

impl<'a> Translating<'a> {
    /// Takes the path of a folder that is there, or else a command.
    pub(crate) fn of(argument: &'a str) -> Self {
        let path = Path::new(argument);
        if path.is_dir() {
            Self::Folder(path)
        } else {
            Self::Command(argument)
        }
    }

    pub(crate) fn is_command(&self) -> bool {
        matches!(self, Self::Command(_))
    }

    /// Makes it ready to translate. A command may take as long as `timeout` for a batch.
    ///
    /// # Errors
    ///
    /// A folder that holds no such model.
    pub(crate) fn open(self, timeout: Duration) -> Result<Box<dyn Translator>> {
        match self {
            Self::Folder(folder) => Ok(Box::new(Marian::open(folder)?)),
            Self::Command(command) => Ok(Box::new(LineProcess::new(command, timeout))),
        }
    }
}

/// Lines translated at a time.
const BATCH: usize = 16;

/// A Marian model on the native runtime, which one thread at a time may ask.
#[derive(Debug)]
struct Marian {
    name: String,
    model: Mutex<cs_model::Translator>,
}

impl Marian {
    fn open(folder: &Path) -> Result<Self> {
        let model = NativeSeq2SeqLm::open(folder, &RuntimeConfig::default())?;
        Ok(Self {
            name: folder.display().to_string(),
            model: Mutex::new(cs_model::Translator::new(model, folder)?),
        })
    }

    fn translations(&self, lines: &[String]) -> cs_model::Result<Vec<Translation>> {
        // It holds nothing that a panic could leave half done.
        let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::with_capacity(lines.len());
        for batch in lines.chunks(BATCH) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            found.extend(model.translate(&batch)?);
        }
        Ok(found)
    }
}

impl Translator for Marian {
    fn translate(&self, lines: &[String]) -> cs_data::Result<Vec<String>> {
        let found = self
            .translations(lines)
            .map_err(|source| cs_data::Error::Model {
                name: self.name.clone(),
                source: Box::new(source),
            })?;
        let cut = found.iter().filter(|found| found.truncated).count();
        if cut > 0 {
            note(format_args!(
                "warning: {}: of {cut} lines only the beginning was translated",
                self.name
            ));
        }
        Ok(found.into_iter().map(|found| found.text).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_a_model_and_all_else_a_command() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        assert_eq!(Translating::of(path), Translating::Folder(dir.path()));
        assert!(!Translating::of(path).is_command());
        assert_eq!(Translating::of("tr a b"), Translating::Command("tr a b"));
        let line = Translating::of(path)
            .open(Duration::from_secs(1))
            .err()
            .unwrap()
            .line();
        assert!(line.starts_with(path), "{line}");
    }

    #[test]
    fn a_marian_folder_translates_lines() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../cs-model/tests/reference/seq2seq/marian");
        let marian = Translating::Folder(&folder).open(Duration::ZERO).unwrap();
        let lines: Vec<String> = ["我要退款", "", "a"].map(str::to_owned).into();
        let found = marian.translate(&lines).unwrap();
        assert_eq!(found[1], "");
        assert!(!found[0].is_empty() && found[0] == marian.translate(&lines[..1]).unwrap()[0]);
    }
}
