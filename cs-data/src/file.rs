//! Files that appear whole or not at all.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a temporary file beside `path`, syncs it and renames it.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let fail = |source| Error::Io {
        path: path.into(),
        source,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    if let Some(permissions) = as_others() {
        builder.permissions(permissions);
    }
    let file = builder
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(fail)?;
    let mut writer = BufWriter::new(file);
    content(&mut writer).map_err(fail)?;
    let file = writer
        .into_inner()
        .map_err(|error| fail(error.into_error()))?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// Temporary files are private by default; a result gets what the umask leaves of this.
#[cfg(unix)]
fn as_others() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn as_others() -> Option<Permissions> {
    None
}
