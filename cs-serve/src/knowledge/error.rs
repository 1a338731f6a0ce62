//! Why something cannot be known.

use std::path::PathBuf;
use std::time::Duration;

/// The reason why facts cannot be read or asked. The text of those about a file starts with its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// A place of a file is not what it should be.
    #[error("{}:{line}:{column}: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in Unicode scalar values, counted from 1.
        column: usize,
        /// What is wrong there, and what was expected.
        problem: String,
    },
    /// A file has more terms or text than a graph can number.
    #[error("{}: more facts than fit, expected at most 4 GB of names and values", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// No table has a column that is asked for.
    #[error("no column {found:?}, expected one of {known}")]
    Column {
        /// The heading that was asked for.
        found: String,
        /// The headings that there are.
        known: String,
    },
    /// What should be the name of a thing is no absolute IRI.
    #[error("{found:?}, expected an absolute IRI without spaces, as http://shop.example/kettle")]
    Iri {
        /// The beginning of what was given.
        found: String,
    },
    /// What a conversation should be about is not among the facts.
    #[error("{found:?} is unknown, expected the name or the IRI of a thing among the facts")]
    Unknown {
        /// The beginning of what was given.
        found: String,
    },
    /// A SPARQL endpoint does not answer as it should.
    #[error("{url}: {problem}")]
    Endpoint {
        /// Its address.
        url: String,
        /// What it does, and what was expected.
        problem: String,
    },
    /// A query is not one that can be answered.
    #[error("the query: {problem}")]
    Query {
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A thread for a query could not be started.
    #[error("a thread for a query: {source}")]
    Thread {
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// An answer has too many rows.
    #[error("more than {most} rows, which is the most that an answer may have")]
    Rows {
        /// The number of rows that it may have.
        most: usize,
    },
    /// An answer takes a look at too many facts.
    #[error("more than {most} facts to look at, which is the most for an answer")]
    Facts {
        /// The number of facts that it may look at.
        most: usize,
    },
    /// An answer takes too long.
    #[error("no answer within {} ms", .after.as_millis())]
    Time {
        /// The time that it may take.
        after: Duration,
    },
    /// A setting cannot work.
    #[error("{name} = {found}, expected {expected}")]
    Config {
        /// The name of the setting.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are possible.
        expected: &'static str,
    },
    /// There are more names than can be looked for at once.
    #[error("the names of the graph: {problem}")]
    Names {
        /// The limit that they are beyond.
        problem: String,
    },
    /// A template of questions cannot be used.
    #[error("the template of {intent:?}: {problem}")]
    Template {
        /// The intent that it is for.
        intent: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
}
