//! A report's files.

use std::path::Path;

use cs_data::file;

use super::{EvaluationReport, FORMAT_VERSION};
use crate::error::{Error, Result};

impl EvaluationReport {
    /// Writes the report, each file whole or not at all: to `FILE.html` the page, to `FILE.json`
    /// the JSON, and of any other path both, as `report.html` and `report.json` in that folder,
    /// which is made if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the file.
    ///
    /// ```
    /// use cs_train::evaluation::EvaluateOptions;
    /// use cs_train::report::{EvaluationReport, ReportConfig};
    ///
    /// let report = EvaluationReport::of(&[], &[], &EvaluateOptions::default(), &ReportConfig::default())?;
    /// let folder = tempfile::tempdir()?;
    /// report.write(folder.path())?;
    /// assert_eq!(EvaluationReport::open(&folder.path().join("report.json"))?, report);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, path: &Path) -> Result<()> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => write(path, &self.html()),
            Some("json") => write(path, &self.json(path)?),
            _ => {
                std::fs::create_dir_all(path).map_err(Error::io(path))?;
                let json = path.join("report.json");
                write(&json, &self.json(&json)?)?;
                write(&path.join("report.html"), &self.html())
            }
        }
    }

    fn json(&self, path: &Path) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        json.map_err(|source| Error::io(path)(source.into()))
    }

    /// Reads the JSON of a report.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for a file that cannot be read, [`Error::Report`] for one that is no report or
    /// one of a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let refuse = |reason: String| Error::Report {
            path: path.to_owned(),
            reason,
        };
        let parse = |error: serde_json::Error| refuse(error.to_string());
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(parse)?;
        let version = value
            .get("format_version")
            .and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(FORMAT_VERSION)) {
            let found = version.map_or("none".to_owned(), |version| version.to_string());
            let reason = format!("format_version is {found}, expected {FORMAT_VERSION}");
            return Err(refuse(reason));
        }
        serde_json::from_value(value).map_err(parse)
    }
}

fn write(path: &Path, content: &str) -> Result<()> {
    file::write(path, |out| out.write_all(content.as_bytes())).map_err(Error::io(path))
}
