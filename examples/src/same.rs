//! Whether what is to be written would replace what is read.

use std::fs::Metadata;
use std::path::Path;

use crate::error::{Error, Result};

/// Refuses an output that is an input, under whatever name (a link, another spelling), or lies in
/// the folder that is one, or is the folder that it lies in.
///
/// # Errors
///
/// [`Error::Unfit`], with the output.
pub fn refuse_input(output: &Path, inputs: &[&Path]) -> Result<()> {
    for input in inputs {
        let (Ok(written), Ok(read)) = (output.canonicalize(), input.canonicalize()) else {
            continue;
        };
        let within = written.starts_with(&read) || read.starts_with(&written);
        if within || same_file(&written, &read) {
            return Err(Error::Unfit {
                path: output.to_owned(),
                found: format!("the input {}", input.display()),
                expected: "another file to write",
            });
        }
    }
    Ok(())
}

/// Whether two names are of one file.
fn same_file(one: &Path, other: &Path) -> bool {
    let metadata = |path: &Path| std::fs::metadata(path).ok().filter(Metadata::is_file);
    let pair = metadata(one).zip(metadata(other));
    pair.is_some_and(|(one, other)| number(&one).is_some_and(|of| number(&other) == Some(of)))
}

/// Device and number of a file.
#[cfg(unix)]
fn number(file: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

/// Windows has none that is stable.
#[cfg(not(unix))]
fn number(_: &Metadata) -> Option<(u64, u64)> {
    None
}
