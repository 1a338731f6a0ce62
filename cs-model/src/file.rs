//! Files read whole, hashed, and written whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::io(path))
}

pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8], origin: &Path) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|source| Error::json(origin, bytes, source))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The sum and length of a file, read in blocks.
pub(crate) fn sha256_of_file(path: &Path) -> Result<(String, u64)> {
    let mut file = std::fs::File::open(path).map_err(Error::io(path))?;
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hash).map_err(Error::io(path))?;
    Ok((hex(&hash.finalize()), bytes))
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest
        .iter()
        .fold(String::with_capacity(2 * digest.len()), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Writes through a temporary file in the same folder, synced and then renamed over `path`.
pub(crate) fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // A temporary file is private by default; a model should be as readable as any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(folder).map_err(Error::io(path))?;
    let mut buffered = BufWriter::with_capacity(1 << 20, temporary.as_file());
    content(&mut buffered)
        .and_then(|()| buffered.flush())
        .map_err(Error::io(path))?;
    drop(buffered);
    temporary.as_file().sync_all().map_err(Error::io(path))?;
    temporary
        .persist(path)
        .map_err(|error| Error::io(path)(error.error))?;
    Ok(())
}
