//! What is wrong with a record, before anybody knows where it stands.

use crate::error::Error;

/// What is wrong with a record.
pub(crate) struct Wrong {
    pub(crate) found: String,
    pub(crate) expected: String,
    /// Whether it is about tags or spans.
    pub(crate) labels: bool,
}

pub(crate) fn wrong<T>(found: impl Into<String>, expected: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        found: found.into(),
        expected: expected.into(),
        labels: false,
    })
}

impl Wrong {
    /// The error that `place` makes of what was found and expected.
    pub(crate) fn into_error(self, place: impl FnOnce(String, String) -> Error) -> Error {
        let error = place(self.found, self.expected);
        if self.labels {
            error.of_labels()
        } else {
            error
        }
    }

    /// The same fault, as one of spans or tags.
    pub(crate) fn of_labels(mut self) -> Self {
        self.labels = true;
        self
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        match error {
            Error::Text {
                found,
                expected,
                labels,
                ..
            } => Wrong {
                found,
                expected,
                labels,
            },
            other => Wrong {
                found: other.to_string(),
                expected: "a row".into(),
                labels: false,
            },
        }
    }
}
