//! What can stop an example. Everything here is bad input: exit status 2.

use std::path::PathBuf;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Bad input, or a machine that refuses. Shown on one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A labelled file, a tokenizer or a text.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// A model folder.
    #[error(transparent)]
    Model(#[from] cs_model::Error),
    /// The quantiser or the native runtime.
    #[error(transparent)]
    Quant(#[from] cs_quant::Error),
    /// The assistant.
    #[error(transparent)]
    Serve(#[from] cs_serve::Error),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] cs_serve::EngineError),
    /// The HTTP interface.
    #[error(transparent)]
    Http(#[from] cs_serve::HttpError),
    /// The replicas' common cache.
    #[error(transparent)]
    Cache(#[from] cs_serve::CacheError),
    /// A file of flows.
    #[error(transparent)]
    Flows(#[from] cs_serve::dialogue::FlowsError),
    /// Conversations.
    #[error(transparent)]
    Chat(#[from] cs_serve::dialogue::ChatError),
    /// What keeps conversations.
    #[error(transparent)]
    Sessions(#[from] cs_serve::dialogue::SessionError),
    /// Replies.
    #[error(transparent)]
    Reply(#[from] cs_serve::reply::ReplyError),
    /// Facts, or a question to them.
    #[error(transparent)]
    Knowledge(#[from] cs_serve::knowledge::KnowledgeError),
    /// A roll-out.
    #[error(transparent)]
    Rollout(#[from] cs_serve::rollout::RolloutError),
    /// Lists of words.
    #[error(transparent)]
    Words(#[from] cs_serve::safety::ListError),
    /// Prohibited meanings.
    #[error("{}: {source}", path.display())]
    Meaning {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: cs_serve::safety::meaning::MeaningError,
    },
    /// A text that has no vector.
    #[error("{}: {source}", path.display())]
    Embedding {
        /// Where it is from.
        path: PathBuf,
        /// The reason.
        source: cs_serve::BackendError,
    },
    /// The log of conversations.
    #[error(transparent)]
    Log(#[from] cs_serve::log::LogError),
    /// Keys of tags.
    #[error(transparent)]
    Key(#[from] cs_serve::safety::personal::KeyError),
    /// A vault of personal data.
    #[error(transparent)]
    Vault(#[from] cs_serve::safety::personal::VaultError),
    /// A threshold that rows do not allow.
    #[error("{}: {source}", path.display())]
    Fit {
        /// The file or folder of the rows.
        path: PathBuf,
        /// The reason.
        source: cs_serve::FitError,
    },
    /// Training or evaluation.
    #[error(transparent)]
    Train(cs_train::Error),
    /// The demo's tables.
    #[error(transparent)]
    Table(#[from] crate::demo::TableError),
    /// The operating system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of the text input.
    #[error("{}:{line}:{column}: {found}, expected {expected}", path.display())]
    Line {
        /// The file; `<stdin>` without one.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// A file or folder as a whole.
    #[error("{}: {found}, expected {expected}", path.display())]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A file of conversations.
    #[error("{}:{wrong}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The place, what stands there and what should.
        wrong: cs_data::file::yaml::Wrong,
    },
    /// A setting in a file or in the environment.
    #[error("{place}: {problem}")]
    Setting {
        /// File, line and column, or the name of a variable.
        place: String,
        /// What stands there, and what should.
        problem: String,
    },
    /// The command line: clap's message, on one line.
    #[error("{0}")]
    Usage(String),
    /// Standard output could not be written.
    #[error("<stdout>: {0}")]
    Stdout(#[source] std::io::Error),
}

impl From<cs_train::Error> for Error {
    fn from(error: cs_train::Error) -> Self {
        match error {
            cs_train::Error::MaxLength { length, most } => Self::Usage(format!(
                "--max-length: {length}, expected 3 to {most}, the encoder's limit"
            )),
            error => Self::Train(error),
        }
    }
}

impl Error {
    /// An [`Error::Io`] about `path`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// The message on one line: libtorch's own messages go on with a C++ backtrace.
    pub fn line(&self) -> String {
        let message = self.to_string();
        match self {
            // A path may hold a line break.
            Self::Data(_)
            | Self::Io { .. }
            | Self::Line { .. }
            | Self::Unfit { .. }
            | Self::Fit { .. }
            | Self::Knowledge(_)
            | Self::Key(_)
            | Self::Vault(_)
            | Self::Flows(_)
            | Self::Reply(_)
            | Self::Yaml { .. }
            | Self::Words(_)
            | Self::Log(_)
            | Self::Meaning { .. }
            | Self::Embedding { .. }
            | Self::Setting { .. } => message.replace(['\n', '\r'], " "),
            _ => message.lines().next().unwrap_or_default().to_owned(),
        }
    }
}
