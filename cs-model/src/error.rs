//! What can go wrong with a model's files, and where.

use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. Its text starts with the file (and, for JSON, line and column)
/// it is about, and says what was found and what was expected.
///
/// ```
/// use cs_model::EncoderConfig;
/// use std::path::Path;
///
/// let error = EncoderConfig::from_json(br#"{"model_type": "gpt2"}"#, Path::new("config.json"));
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "config.json: model_type is \"gpt2\", expected \"bert\" or \"bilstm\""
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text that is not the JSON it should be.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in Unicode scalar values, from 1.
        column: usize,
        /// The parser's reason, without the place.
        reason: String,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// A setting with a value that cannot be used.
    #[error("{}{field} is {found}, expected {expected}", prefix(file.as_deref()))]
    Field {
        /// The file it was read from, where there is one.
        file: Option<PathBuf>,
        /// The setting's name, dotted.
        field: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Not a safetensors file, or a torn one.
    #[error("{}: not a whole safetensors file: {reason}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A tensor that is missing, or has another shape, type or content than the model needs.
    #[error("{}: tensor {name}: expected {expected}, found {found}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What the model needs.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// No folder, where a model's was expected.
    #[error("{}: {found}, expected a model's folder", path.display())]
    Folder {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// A file the bundle lists, or cannot do without, is not there.
    #[error("{}: the file is missing ({needed_by})", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Who needs it.
        needed_by: String,
    },
    /// A file is not the one the bundle was written with.
    #[error("{}: {what} is {found}, but bundle.json says {expected}", path.display())]
    Sum {
        /// The file.
        path: PathBuf,
        /// `sha256` or `size in bytes`.
        what: &'static str,
        /// What bundle.json says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The bundle was written by a newer version of this crate.
    #[error("{}: format_version is {found}, this reader knows 1 to {supported}", path.display())]
    Version {
        /// The bundle.json.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version this crate reads.
        supported: u32,
    },
    /// Numbers that do not have the shape they should have.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which numbers.
        what: &'static str,
        /// The shape needed.
        expected: String,
        /// The shape found.
        found: String,
    },
    /// The tokenizer.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// libtorch refused.
    #[cfg(feature = "torch")]
    #[error("libtorch: {source}")]
    Tch {
        /// libtorch's own error.
        #[from]
        source: tch::TchError,
    },
    /// An operator of libtorch that tch does not wrap refused its arguments or failed.
    #[cfg(feature = "torch")]
    #[error("{operator}: {reason}")]
    Operator {
        /// Its name, for instance `aten::_fused_adamw_`.
        operator: String,
        /// What it said.
        reason: String,
    },
}

impl Error {
    #[cfg(feature = "torch")]
    pub(crate) fn operator(operator: &str, reason: impl Into<String>) -> Self {
        Self::Operator {
            operator: operator.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn field(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Field {
            file: None,
            field: field.into(),
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    /// Names the file a setting was read from; other errors know theirs.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        if let Self::Field { file, .. } = &mut self {
            *file = Some(path.to_owned());
        }
        self
    }

    pub(crate) fn tensor(
        path: &Path,
        name: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Tensor {
            path: path.to_owned(),
            name: name.to_owned(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Places a JSON error in its text: serde counts bytes, readers count characters.
    pub(crate) fn json(path: &Path, text: &[u8], source: serde_json::Error) -> Self {
        let (line, bytes) = (source.line().max(1), source.column());
        let content = text
            .split(|&byte| byte == b'\n')
            .nth(line - 1)
            .unwrap_or_default();
        let before = &content[..bytes.saturating_sub(1).min(content.len())];
        let full = source.to_string();
        let place = format!(" at line {} column {}", source.line(), source.column());
        Self::Json {
            path: path.to_owned(),
            line,
            column: String::from_utf8_lossy(before).chars().count() + 1,
            reason: full.strip_suffix(&place).unwrap_or(&full).to_owned(),
            source,
        }
    }
}

fn prefix(file: Option<&Path>) -> String {
    file.map(|path| format!("{}: ", path.display()))
        .unwrap_or_default()
}
