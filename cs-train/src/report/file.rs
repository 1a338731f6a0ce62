//! A report's files.

use std::io::Write;
use std::path::Path;

use super::{EvaluationReport, FORMAT_VERSION};
use crate::error::{Error, Result};

impl EvaluationReport {
    /// Writes the report, each file whole or not at all: to `FILE.html` the page, to `FILE.json` the
    /// JSON, and of any other path both, as `report.html` and `report.json` in that folder, which is
    /// made if there is none.
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
                std::fs::create_dir_all(path).map_err(failed(path))?;
                let file = path.join("report.json");
                write(&file, &self.json(&file)?)?;
                write(&path.join("report.html"), &self.html())
            }
        }
    }

    fn json(&self, path: &Path) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        json.map_err(|source| failed(path)(source.into()))
    }

    /// Reads the JSON of a report.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for a file that cannot be read, [`Error::Report`] for one that is no report or one
    /// of a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(failed(path))?;
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

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

/// Through a temporary file in the same folder, synced and then renamed over `path`.
fn write(path: &Path, content: &str) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // A temporary file is private by default; a report should be as readable as any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
    let mut file = file.map_err(failed(path))?;
    file.write_all(content.as_bytes()).map_err(failed(path))?;
    file.as_file().sync_all().map_err(failed(path))?;
    file.persist(path)
        .map_err(|error| failed(path)(error.error))?;
    Ok(())
}
