//! What can go wrong with a model's files, and where.

use std::path::{Path, PathBuf};

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. Its text starts with the file (and, for JSON, line and column) that it
/// is about, and states what was found and what was expected.
///
/// ```
/// use cs_model::EncoderConfig;
/// use std::path::Path;
///
/// let json = br#"{"model_type": "bert", "hidden_size": 0}"#;
/// let error = EncoderConfig::from_json(json, Path::new("config.json"));
/// let expected = "config.json: hidden_size is 0, expected 1 to 65536";
/// assert_eq!(error.unwrap_err().to_string(), expected);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// A file is not the JSON that it should be.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Json {
        /// The path of the file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in Unicode scalar values, counted from 1.
        column: usize,
        /// The parser's reason, without the place.
        reason: String,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// A chat template does not parse, or refuses a conversation.
    #[cfg(feature = "chat")]
    #[error("{}:{line}: {reason}", path.display())]
    Template {
        /// The path of the file that has the template.
        path: PathBuf,
        /// The line of the template, counted from 1.
        line: usize,
        /// The reason that the template, or its parser, gave.
        reason: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{}{field} is {found}, expected {expected}", prefix(file.as_deref()))]
    Field {
        /// The file that the setting was read from, if it was read from one.
        file: Option<PathBuf>,
        /// The name of the setting, with a dot before each inner name.
        field: String,
        /// The value that the setting has.
        found: String,
        /// The values that the setting may have.
        expected: String,
    },
    /// A file is not in the safetensors format, or is torn.
    #[error("{}: not a whole safetensors file: {reason}", path.display())]
    Safetensors {
        /// The path of the file.
        path: PathBuf,
        /// What does not fit the format.
        reason: String,
    },
    /// A GGUF file is torn, or holds what is not read.
    #[error("{}: byte {offset}: {reason}", path.display())]
    Gguf {
        /// The path of the file.
        path: PathBuf,
        /// The byte of the file, counted from 0.
        offset: u64,
        /// What lies there, a key, a tensor or a part of the header, and what was expected.
        reason: String,
    },
    /// A tensor is missing, or has another shape, type or content than the model needs.
    #[error("{}: tensor {name}: expected {expected}, found {found}", path.display())]
    Tensor {
        /// The path of the file.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
        /// What the model needs.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// The tensors of a file are not those that the model has.
    #[error("{}: {}", path.display(), faults.join("; "))]
    Tensors {
        /// The path of the file, or of the list of the files.
        path: PathBuf,
        /// What is missing, of another shape or type, or unknown, each with its name.
        faults: Vec<String>,
    },
    /// There is no folder where a model's was expected.
    #[error("{}: {found}, expected a model's folder", path.display())]
    Folder {
        /// The path that was given.
        path: PathBuf,
        /// What is at the path instead.
        found: &'static str,
    },
    /// A file that the bundle lists, or cannot do without, is not there.
    #[error("{}: the file is missing ({needed_by})", path.display())]
    Missing {
        /// The path of the file.
        path: PathBuf,
        /// What needs the file.
        needed_by: String,
    },
    /// A file is not the one the bundle was written with.
    #[error("{}: {what} is {found}, but bundle.json says {expected}", path.display())]
    Sum {
        /// The path of the file.
        path: PathBuf,
        /// The property that differs: `sha256` or `size in bytes`.
        what: &'static str,
        /// The value that bundle.json lists.
        expected: String,
        /// The value that the file has.
        found: String,
    },
    /// The bundle was written by a newer version of this crate.
    #[error("{}: format_version is {found}, this reader knows 1 to {supported}", path.display())]
    Version {
        /// The path of the bundle.json.
        path: PathBuf,
        /// The version of its format.
        found: u64,
        /// The newest version this crate reads.
        supported: u32,
    },
    /// Numbers do not have the shape that they should have.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// A name for the numbers.
        what: &'static str,
        /// The shape that is needed.
        expected: String,
        /// The shape that was found.
        found: String,
    },
    /// The tokenizer, or a text that it read, gave this error.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// Another runtime could not compute a model.
    #[error(transparent)]
    Runtime(Box<dyn std::error::Error + Send + Sync>),
    /// libtorch refused an operation.
    #[cfg(feature = "torch")]
    #[error("libtorch: {source}")]
    Tch {
        /// The error that libtorch gave.
        #[from]
        source: tch::TchError,
    },
    /// An operator of libtorch that tch does not wrap refused its arguments or failed.
    #[cfg(feature = "torch")]
    #[error("{operator}: {reason}")]
    Operator {
        /// The name of the operator, for instance `aten::_fused_adamw_`.
        operator: String,
        /// The reason that the operator gave.
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

    /// Adds the file that a setting was read from to the error; other errors hold theirs already.
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

    /// Makes the error for JSON that does not parse, with its place in the text: serde counts
    /// bytes, readers count characters.
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
