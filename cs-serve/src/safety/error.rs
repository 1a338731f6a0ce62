//! Why a list cannot be used.

use std::path::PathBuf;

/// The reason why a list of words, or of prohibited texts, cannot be used. The text of those about a file starts with its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error that the system gave.
        source: std::io::Error,
    },
    /// A place of a list is not what it should be.
    #[error("{}:{line}:{column}: {found}, expected {expected}", .path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in Unicode scalar values, counted from 1.
        column: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// There is no word on any list.
    #[error("{}: no word, expected a word a line", .path.display())]
    Empty {
        /// The first list.
        path: PathBuf,
    },
    /// A list is larger than can be numbered.
    #[error("{}: {found}, expected at most {most}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: String,
        /// The most that there may be.
        most: &'static str,
    },
    /// There is no trick of this name.
    #[error(
        "the trick {found:?}, expected exact, case, width, traditional, symbols, spaces, repeat, pinyin, \
         initials, homophone, shape, split, leet, emoji or invisible"
    )]
    Trick {
        /// The beginning of the name.
        found: String,
    },
}
