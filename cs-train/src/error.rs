//! What can go wrong while training.

use std::path::PathBuf;

/// The result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong while preparing data, training or evaluating.
///
/// ```
/// let error = cs_train::Error::Empty { what: "training" };
/// assert_eq!(error.to_string(), "the training set has no rows");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error("{field} is {value}; expected {expected}")]
    Config {
        /// The setting's name.
        field: &'static str,
        /// The setting's value.
        value: String,
        /// The values that are allowed.
        expected: &'static str,
    },
    /// A longest input for which the encoder has no positions, or none for special tokens.
    #[error("max_length is {length}; expected 3 to {most}, the encoder's limit")]
    MaxLength {
        /// The length in tokens.
        length: usize,
        /// The longest the encoder reads.
        most: usize,
    },
    /// A set of rows is empty where at least one is needed.
    #[error("the {what} set has no rows")]
    Empty {
        /// The set: training, validation, …
        what: &'static str,
    },
    /// No row carries a label of any of the model's tasks, so there is nothing to learn.
    #[error("no row of the {what} set has a label of the model's tasks")]
    NoLabels {
        /// The set: training, validation, …
        what: &'static str,
    },
    /// The training set has entities of a label, and none of them can be learned.
    #[error(
        "none of the {count} spans of {label:?} in the training set can be learned: {} begin or end inside a \
         word of the tokenizer, {truncated} lie where their text was cut (raise the maximum length); the first is \
         in row {id:?}",
        count - truncated
    )]
    LostSpans {
        /// The label.
        label: String,
        /// How many spans it has.
        count: usize,
        /// How many of them lie where their text was cut.
        truncated: usize,
        /// The id of the first one's row.
        id: String,
    },
    /// A row's spans or sentiment are invalid.
    #[error("row {id:?}: {source}")]
    Row {
        /// The row's id.
        id: String,
        /// What is wrong with it.
        #[source]
        source: cs_data::SpanError,
    },
    /// A row's token id does not exist in the model's vocabulary.
    #[error("row {id:?}: token id {token}, but the model's vocabulary has {vocab_size}")]
    Vocabulary {
        /// The row's id.
        id: String,
        /// The token id.
        token: u32,
        /// The number of words the model's embedding has.
        vocab_size: usize,
    },
    /// The loss or the gradient became infinite or not a number. The weights are those before
    /// this step.
    #[error(
        "the {what} of step {step} is {value}; rows of the batch: {}; {}",
        list(rows), last_good(checkpoint.as_deref())
    )]
    NonFinite {
        /// "loss" or "gradient norm".
        what: &'static str,
        /// The value.
        value: f64,
        /// The step, from 1.
        step: usize,
        /// The ids of the batch's rows.
        rows: Vec<String>,
        /// The last checkpoint before it.
        checkpoint: Option<PathBuf>,
    },
    /// A checkpoint cannot be read.
    #[error("{}: {found}, expected {expected}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What the file holds.
        found: String,
        /// What the file should hold.
        expected: String,
    },
    /// A checkpoint is another run's.
    #[error("{}: the checkpoint's {what} is {found}, this run's is {expected}", path.display())]
    Mismatch {
        /// The checkpoint.
        path: PathBuf,
        /// What differs: `model`, `training data`, or a setting's name.
        what: String,
        /// The value in the checkpoint.
        found: String,
        /// The value in this run.
        expected: String,
    },
    /// A row's logits are infinite or not a number, so nothing can be learned from them.
    #[error("row {id:?}: a logit is {value}")]
    Logits {
        /// The row's id.
        id: String,
        /// The value.
        value: f64,
    },
    /// A target that the data does not allow.
    #[error("the {what} of {wanted} cannot be reached; the best is {best:.4}")]
    Unreachable {
        /// The figure that has a target.
        what: &'static str,
        /// The target.
        wanted: f64,
        /// The best value that can be reached.
        best: f64,
    },
    /// Two tensors that belong together differ in size.
    #[error("{what}: expected {expected}, got {found}")]
    Shape {
        /// The tensor, or what else has a size.
        what: String,
        /// The expected shape or length.
        expected: String,
        /// The shape or length found.
        found: String,
    },
    /// An answer, or a gold row, holds a number that cannot be scored.
    #[error("row {id:?}: the {field} is {value}; expected 0 to 1")]
    Answer {
        /// The row's id.
        id: String,
        /// The number that is wrong.
        field: &'static str,
        /// Its value.
        value: f32,
    },
    /// A file is no report that can be read.
    #[error("{}: {reason}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Another run writes to the same folder.
    #[error("{}: {} is writing here, expected a folder that no other run uses", path.display(), whoever(*process))]
    Taken {
        /// The folder.
        path: PathBuf,
        /// The id of the process that has it, if it is known.
        process: Option<u32>,
    },
    /// The model is of a kind that does not have what is asked for.
    #[error("{what}: a {model} model has none")]
    Unsupported {
        /// The part that is asked for.
        what: &'static str,
        /// The model's type.
        model: &'static str,
    },
    /// A teacher and its student do not speak of the same labels.
    #[error("teacher and pupil differ in their {task}: {difference}")]
    Labels {
        /// The task whose labels differ.
        task: &'static str,
        /// The first difference.
        difference: String,
    },
    /// A list of words could not be searched.
    #[error("the word list: {0}")]
    WordList(#[from] aho_corasick::BuildError),
    /// Tokenizing failed.
    #[error(transparent)]
    Data(#[from] cs_data::Error),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] cs_model::Error),
    /// libtorch failed.
    #[cfg(feature = "torch")]
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl Error {
    /// An [`Error::Config`] about the setting `field`.
    pub(crate) fn config(
        field: &'static str,
        value: impl ToString,
        expected: &'static str,
    ) -> Self {
        Self::Config {
            field,
            value: value.to_string(),
            expected,
        }
    }

    /// An [`Error::Io`] about `path`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

fn whoever(process: Option<u32>) -> String {
    match process {
        Some(id) => format!("process {id}"),
        None => "another process".to_owned(),
    }
}

fn last_good(checkpoint: Option<&std::path::Path>) -> String {
    match checkpoint {
        Some(path) => format!("the last good checkpoint is {}", path.display()),
        None => "no checkpoint was written before".to_owned(),
    }
}

/// The first ids of a batch, quoted, and how many more there are.
fn list(ids: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = ids
        .iter()
        .take(SHOWN)
        .map(|id| format!("{id:?}"))
        .collect::<Vec<_>>()
        .join(", ");
    if ids.len() > SHOWN {
        text.push_str(&format!(" and {} more", ids.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_non_finite_loss_names_step_and_rows() {
        let error = Error::NonFinite {
            what: "loss",
            value: f64::NAN,
            step: 7,
            rows: (0..10).map(|i| format!("r{i}")).collect(),
            checkpoint: Some("c/step-00000005".into()),
        };
        assert_eq!(
            error.to_string(),
            "the loss of step 7 is NaN; rows of the batch: \"r0\", \"r1\", \"r2\", \"r3\", \"r4\", \
             \"r5\", \"r6\", \"r7\" and 2 more; the last good checkpoint is c/step-00000005"
        );
    }
}
